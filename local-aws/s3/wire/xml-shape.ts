import { s3Fault } from '../fault';
import { readXml, type XmlElement } from './xml-reader';

export type Reader<T> = (element: XmlElement) => T;

export interface Field<T> {
  readonly read: (elements: readonly XmlElement[]) => T;
}

type Shape = Readonly<Record<string, Field<unknown>>>;
export type Shaped<S extends Shape> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

const malformed = () => s3Fault('MalformedXML');

/** A leaf's text, untouched. */
export const text: Reader<string> = (element) => {
  if (element.children.length > 0) throw malformed();
  return element.text;
};

export const bool: Reader<boolean> = (element) => {
  const value = text(element).trim().toLowerCase();
  if (value !== 'true' && value !== 'false') throw malformed();
  return value === 'true';
};

export const integer: Reader<number> = (element) => {
  const value = text(element).trim();
  if (!/^[0-9]{1,15}$/.test(value)) throw malformed();
  return Number(value);
};

/** An ISO 8601 time, in milliseconds since the epoch. */
export const time: Reader<number> = (element) => {
  const value = Date.parse(text(element).trim());
  if (Number.isNaN(value)) throw malformed();
  return value;
};

export function oneOf<const T extends string>(...allowed: readonly T[]): Reader<T> {
  return (element) => {
    const value = text(element);
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) throw malformed();
    return found;
  };
}

/** Exactly one such child. */
export function one<T>(read: Reader<T>): Field<T> {
  return {
    read: ([element, ...more]) => {
      if (element === undefined || more.length > 0) throw malformed();
      return read(element);
    },
  };
}

/** No such child, or one. */
export function maybe<T>(read: Reader<T>): Field<T | undefined> {
  return {
    read: ([element, ...more]) => {
      if (more.length > 0) throw malformed();
      return element === undefined ? undefined : read(element);
    },
  };
}

/** Any number of such children, in order. */
export function many<T>(read: Reader<T>): Field<readonly T[]> {
  return { read: (elements) => elements.map(read) };
}

/** An element with exactly these children; any other child is refused. Attributes are read by no shape but ACL's. */
export function shape<S extends Shape>(fields: S): Reader<Shaped<S>> {
  const names = Object.keys(fields);
  return (element) => {
    if (element.children.length === 0 && element.text.trim() !== '') throw malformed();
    const grouped = new Map<string, XmlElement[]>(names.map((name) => [name, []]));
    for (const child of element.children) {
      const group = grouped.get(child.name);
      if (group === undefined) throw malformed();
      group.push(child);
    }
    const read = names.map((name) => [name, fields[name]?.read(grouped.get(name) ?? [])]);
    return Object.fromEntries(read) as Shaped<S>;
  };
}

/**
 * Reads a request body whose root has this name.
 *
 * @throws S3Fault `MalformedXML`, also for an empty body.
 */
export function readBody<T>(body: Buffer, root: string, read: Reader<T>): T {
  const element = readXml(body);
  if (element.name !== root) throw malformed();
  return read(element);
}
