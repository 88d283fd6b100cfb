import { S3Fault } from '../../s3/fault';
import { readXml, type XmlElement } from '../../s3/wire/xml-reader';
import { badRequest } from '../fault';

/** Reads one element; `path` names it in a refusal. */
export type Reader<T> = (element: XmlElement, path: string) => T;

export interface Field<T> {
  readonly read: (element: XmlElement | undefined, path: string) => T;
}

type Fields = Readonly<Record<string, Field<unknown>>>;
export type Read<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** Lengths in characters, inclusive; a pattern covers the whole text. */
export interface TextRule {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
}

export function text({ min = 0, max = Number.POSITIVE_INFINITY, pattern }: TextRule = {}): Reader<string> {
  return (element, path) => {
    if (element.children.length > 0) throw badRequest(path, 'is a text and has no elements');
    const value = element.text;
    if (value.length < min || value.length > max)
      throw badRequest(path, `has ${value.length} characters; ${min} to ${max} are allowed`);
    if (pattern !== undefined && !pattern.test(value)) throw badRequest(path, `does not match ${pattern.source}`);
    return value;
  };
}

export function oneOf<const T extends string>(...allowed: readonly T[]): Reader<T> {
  return (element, path) => {
    const value = text()(element, path);
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) throw badRequest(path, `is ${value}; allowed: ${allowed.join(', ')}`);
    return found;
  };
}

export const bool: Reader<boolean> = (element, path) => oneOf('true', 'false')(element, path) === 'true';

export function integer(min = 0, max = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (element, path) => {
    const value = text()(element, path);
    if (!/^-?\d{1,16}$/.test(value) || Number(value) < min || Number(value) > max)
      throw badRequest(path, `is ${value}; a whole number from ${min} to ${max} is allowed`);
    return Number(value);
  };
}

/** An ISO 8601 time in milliseconds since the epoch. */
export const time: Reader<number> = (element, path) => {
  const value = Date.parse(text()(element, path));
  if (Number.isNaN(value)) throw badRequest(path, 'is no ISO 8601 time');
  return value;
};

/** A list whose members have this element name. */
export function list<T>(
  read: Reader<T>,
  { member = 'member', min = 0, max = Number.POSITIVE_INFINITY } = {},
): Reader<readonly T[]> {
  return (element, path) => {
    const { children } = element;
    const stray = children.find(({ name }) => name !== member);
    if (stray !== undefined || (children.length === 0 && element.text.trim() !== ''))
      throw badRequest(path, `is a list of ${member} and has ${stray?.name ?? 'text'}`);
    if (children.length < min || children.length > max)
      throw badRequest(path, `has ${children.length} members; ${min === max ? max : `${min} to ${max}`} allowed`);
    return children.map((child, at) => read(child, `${path}.${at + 1}`));
  };
}

/** A map of texts: `entry` elements of `key` and `value`. */
export const textMap: Reader<Readonly<Record<string, string>>> = (element, path) => {
  const entries = list(
    structure({ key: required(text({ min: 1, max: 1024 })), value: required(text({ max: 1024 })) }),
    {
      member: 'entry',
    },
  )(element, path);
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]));
};

export function required<T>(read: Reader<T>): Field<T> {
  return {
    read: (element, path) => {
      if (element === undefined) throw badRequest(path, 'is missing');
      return read(element, path);
    },
  };
}

export function optional<T>(read: Reader<T>): Field<T | undefined> {
  return { read: (element, path) => (element === undefined ? undefined : read(element, path)) };
}

/** An element with exactly these children, each once at most; any other is refused by name. */
export function structure<F extends Fields>(fields: F): Reader<Read<F>> {
  return (element, path) => {
    if (element.children.length === 0 && element.text.trim() !== '') throw badRequest(path, 'has text beside elements');
    const found = new Map<string, XmlElement>();
    for (const child of element.children) {
      if (!Object.hasOwn(fields, child.name)) throw badRequest(`${path}.${child.name}`, 'is not known');
      if (found.has(child.name)) throw badRequest(`${path}.${child.name}`, 'is there more than once');
      found.set(child.name, child);
    }
    const read = Object.entries(fields).map(([name, field]) => [name, field.read(found.get(name), `${path}.${name}`)]);
    return Object.fromEntries(read) as Read<F>;
  };
}

/**
 * The root element of a request body.
 *
 * @throws ControlFault `BadRequestException` for what is no XML, or another root.
 */
export function readRoot(body: Buffer, root: string): XmlElement {
  let element: XmlElement;
  try {
    element = readXml(body);
  } catch (error) {
    throw error instanceof S3Fault ? badRequest('The request body', 'is not well-formed XML') : error;
  }
  if (element.name !== root) throw badRequest('The request body', `is a ${element.name} and should be a ${root}`);
  return element;
}
