import { list, type Values } from '../plan-values';
import { type Words, words } from '../review-messages';
import { type Attributes, SENSITIVE_ATTRIBUTES } from './resource-attributes';

/** What is wrong at one place of a plan. */
export interface Fault {
  /** `resource_changes[0].change.importing`. */
  readonly path: string;
  /** `strange`: no format or provider that is known has it. `excluded`: it is known, and no stack of a rotation has it. */
  readonly kind: 'strange' | 'excluded';
  readonly what: Words;
  /** Address of the resource, if it belongs to one. */
  readonly address: string | undefined;
}

/** Receives each fault; `at` is the path. */
export type Report = (at: string, what: Words, kind?: Fault['kind']) => void;

/** Checks a value of a plan and reports what it must not be. */
export type Shape = (value: unknown, at: string, report: Report) => void;

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isScalar = (value: unknown): boolean => value === null || ['string', 'number', 'boolean'].includes(typeof value);

const member = (at: string, name: string): string => {
  const step = /^[\w-]+$/.test(name) ? name : `[${JSON.stringify(name)}]`;
  return at === '' ? step : `${at}${step.startsWith('[') ? '' : '.'}${step}`;
};

/** An object with these members and no other; each may be absent. */
export function object(members: Readonly<Record<string, Shape>>): Shape {
  return (value, at, report) => {
    if (!isObject(value)) return report(at, words`is not an object`);
    for (const [name, inner] of Object.entries(value)) {
      const shape = Object.hasOwn(members, name) ? members[name] : undefined;
      if (shape) shape(inner, member(at, name), report);
      else report(member(at, name), words`is a member that this review does not know`);
    }
  };
}

export const listOf =
  (shape: Shape): Shape =>
  (value, at, report) => {
    if (!Array.isArray(value)) return report(at, words`is not a list`);
    for (const [index, one] of value.entries()) shape(one, `${at}[${index}]`, report);
  };

/** An object whose names are free. */
export const recordOf =
  (shape: Shape): Shape =>
  (value, at, report) => {
    if (!isObject(value)) return report(at, words`is not an object`);
    for (const [name, one] of Object.entries(value)) shape(one, member(at, name), report);
  };

export const scalar: Shape = (value, at, report) => {
  if (!isScalar(value)) report(at, words`is not a plain value`);
};
/** Any value: another check compares it. */
export const anything: Shape = () => {};

export const oneOf =
  (...allowed: readonly string[]): Shape =>
  (value, at, report) => {
    if (typeof value !== 'string' || !allowed.includes(value)) report(at, words`is ${shown(value)}`);
  };

/** A member that Terraform knows and that no stack of a rotation causes. */
export const excluded =
  (what: string): Shape =>
  (_value, at, report) =>
    report(at, [what], 'excluded');

export const nullable =
  (shape: Shape): Shape =>
  (value, at, report) => {
    if (value !== null) shape(value, at, report);
  };

/** The attributes of a resource, by the provider's schema. */
export function attributesOf(known: Attributes): Shape {
  return (value, at, report) => {
    if (!isObject(value)) return report(at, words`is not an object`);
    for (const [name, inner] of Object.entries(value)) {
      const kind = Object.hasOwn(known, name) ? known[name] : undefined;
      const here = member(at, name);
      if (kind === undefined) report(here, words`is an attribute that this review does not know`);
      else if (inner === null || kind === 'scalar') scalar(inner, here, report);
      else if (kind === 'list') listOf(scalar)(inner, here, report);
      else if (kind === 'map') recordOf(scalar)(inner, here, report);
      else blocks(attributesOf(kind))(inner, here, report);
    }
  };
}

/**
 * A mask over attributes: true where a value is hidden or known later.
 *
 * @param name - `unknown`: any attribute. `sensitive`: only what the provider declares so
 */
export function maskOf(known: Attributes, name: 'unknown' | 'sensitive'): Shape {
  const inner = maskWithin(known, name);
  return (value, at, report) => {
    if (value !== false) inner(value, at, report);
  };
}

function maskWithin(known: Attributes, name: 'unknown' | 'sensitive'): Shape {
  return (value, at, report) => {
    if (!isObject(value)) return report(at, words`is not a mask`);
    for (const [attribute, inner] of Object.entries(value)) {
      const kind = Object.hasOwn(known, attribute) ? known[attribute] : undefined;
      const here = member(at, attribute);
      if (kind === undefined) report(here, words`masks an attribute that this review does not know`);
      else if (name === 'sensitive' && inner === true && !SENSITIVE_ATTRIBUTES.has(attribute))
        report(here, words`hides a value that the provider does not`);
      else if (inner === true) continue;
      else if (kind === 'list') listOf(flag(name))(inner, here, report);
      else if (kind === 'map') object({})(inner, here, report);
      else if (kind === 'scalar') report(here, words`is not a mask`);
      else blocks(maskWithin(kind, name))(inner, here, report);
    }
  };
}

const flag =
  (name: 'unknown' | 'sensitive'): Shape =>
  (value, at, report) => {
    if (typeof value !== 'boolean' || (name === 'sensitive' && value)) report(at, words`is not a mask`);
  };

/** Blocks are a list in a plan, or one object. */
const blocks =
  (shape: Shape): Shape =>
  (value, at, report) => {
    if (!Array.isArray(value)) return shape(value, at, report);
    for (const [index, one] of list(value).entries()) shape(one, `${at}[${index}]`, report);
  };

function shown(value: unknown): string {
  if (isScalar(value)) return JSON.stringify(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}
