import path from 'node:path';
import type { Rotation } from '../../rotation/rotation';
import { list, same, text, type Values, values } from '../plan-values';
import { type Words, words } from '../review-messages';
import { type ChangeKind, type FieldClass, type FieldVerdict, fieldClass } from './field-classes';

/** One change of the rotation file since its base. */
export interface FileChange {
  /** `buckets[logs].bucketKey`. */
  readonly path: string;
  readonly message: Words;
  readonly verdict: FieldVerdict;
}

interface Found {
  /** Names of the fields, `[]` for an entry. */
  readonly field: string;
  readonly path: string;
  readonly kind: ChangeKind;
  readonly before: unknown;
  readonly after: unknown;
}

/** Lists whose entries are objects with a name; other lists are sets of values. */
const NAMED = new Set(['keyVersions', 'buckets', 'binding']);
/** Maps and lists that are compared entry by entry under the name of the whole. */
const OPEN = new Set(['tags', 'aws.defaultTags']);

/**
 * Every change of a rotation file since its base, by the classes of {@link fieldClass}. Defaults count as written:
 * a file that spells one out has not changed.
 *
 * @param rollbackTo - the version of a declared rollback
 * @param isConfirmed - whether something beside the binding shows that a version is a certain key
 */
export function fileChanges(
  base: Rotation,
  head: Rotation,
  rollbackTo: string | undefined,
  isConfirmed: (version: string, keyArn: string) => boolean = () => false,
): readonly FileChange[] {
  const found: Found[] = [];
  compare(plain(base, head.file), plain(head, head.file), '', '', found);
  const order = orderChange(base, head);
  return [...found, ...order].map((one) => {
    const declared = one.field === 'activeVersion' && one.after === rollbackTo;
    const { verdict, why } = declared
      ? { verdict: 'free' as const, why: 'The rollback that was declared.' }
      : fieldClass(one.field, one.kind, casesOf(one, head, isConfirmed));
    return { path: one.path, verdict, message: [...changeWords(one), `. ${why}`] };
  });
}

/** As the file has it: without its own path, and with paths relative to it. */
function plain({ file: _file, ...rotation }: Rotation, from: string): Values {
  const folder = `${path.dirname(path.resolve(from))}${path.sep}`;
  const short = (_name: string, value: unknown): unknown =>
    typeof value === 'string' && value.startsWith(folder) ? value.slice(folder.length) : value;
  return values(JSON.parse(JSON.stringify(rotation, short)));
}

function compare(before: unknown, after: unknown, field: string, at: string, found: Found[]): void {
  if (same(before, after)) return;
  const isOpen = [before, after].every((one) => one === undefined || isObject(one)) && !OPEN.has(field);
  if (isOpen) {
    const [left, right] = [values(before), values(after)];
    for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const below = field === '' ? name : `${field}.${name}`;
      compare(left[name], right[name], below, at === '' ? name : `${at}.${name}`, found);
    }
    return;
  }
  if (NAMED.has(field)) compareNamed(list(before).map(values), list(after).map(values), field, found);
  else if (Array.isArray(before) || Array.isArray(after)) compareSets(list(before), list(after), field, at, found);
  else found.push({ field, path: at, kind: 'changed', before, after });
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

function compareNamed(before: readonly Values[], after: readonly Values[], field: string, found: Found[]): void {
  const names = new Set([...before, ...after].map((one) => text(one.name) ?? ''));
  for (const name of names) {
    const [left, right] = [before, after].map((all) => all.find((one) => one.name === name));
    const at = `${field}[${name}]`;
    if (left === undefined) found.push({ field: `${field}[]`, path: at, kind: 'added', before: left, after: right });
    else if (right === undefined)
      found.push({ field: `${field}[]`, path: at, kind: 'removed', before: left, after: right });
    else compare(left, right, `${field}[]`, at, found);
  }
}

function compareSets(
  before: readonly unknown[],
  after: readonly unknown[],
  field: string,
  at: string,
  found: Found[],
): void {
  const lacks = (all: readonly unknown[], wanted: unknown): boolean => !all.some((one) => same(one, wanted));
  const added = after.filter((one) => lacks(before, one));
  const removed = before.filter((one) => lacks(after, one));
  for (const one of added) found.push({ field, path: at, kind: 'added', before: undefined, after: one });
  for (const one of removed) found.push({ field, path: at, kind: 'removed', before: one, after: undefined });
  // The order of a command's words has a meaning, and so has an entry that stands twice.
  if (added.length + removed.length === 0) found.push({ field, path: at, kind: 'changed', before, after });
}

/** The versions of the base in another order; entries that were added or removed are changes of their own. */
function orderChange(base: Rotation, head: Rotation): readonly Found[] {
  const order = (one: Rotation, other: Rotation): readonly string[] =>
    one.keyVersions
      .map(({ name }) => name)
      .filter((name) => other.keyVersions.some((version) => version.name === name));
  const [before, after] = [order(base, head), order(head, base)];
  // A version before one that is there already is an insertion into the succession.
  const inserted = head.keyVersions.slice(0, base.keyVersions.length).some(({ name }) => !after.includes(name));
  if (same(before, after) && !inserted) return [];
  const names = (one: Rotation): readonly string[] => one.keyVersions.map(({ name }) => name);
  const change = { field: 'keyVersions[]', path: 'keyVersions', kind: 'changed' } as const;
  return [{ ...change, before: names(base), after: names(head) }];
}

function casesOf(
  { field, before, after, path: at }: Found,
  head: Rotation,
  isConfirmed: (version: string, keyArn: string) => boolean,
): readonly FieldClass['when'][] {
  if (field === 'binding[]') {
    const { name, keyArn } = values(after);
    return isConfirmed(String(name), String(keyArn)) ? ['confirmed'] : [];
  }
  if (field === 'binding[].materialValidTo') {
    const declared = head.keyVersions.find(({ name }) => at.startsWith(`binding[${name}]`))?.materialValidTo;
    return (declared?.getTime() ?? null) === (after === null ? null : Date.parse(String(after))) ? ['as declared'] : [];
  }
  if (field === 'activeVersion') {
    const at = (name: unknown): number => head.keyVersions.findIndex((version) => version.name === name);
    return [at(before) >= 0 && at(after) > at(before) ? 'forward' : 'backward'];
  }
  if (field === 'keyVersions[]') {
    const { keyArn, takeOver, custodyWaiver } = values(after);
    return [
      ...(keyArn === undefined ? [] : (['with keyArn'] as const)),
      ...(takeOver === undefined ? [] : (['with takeOver'] as const)),
      ...(custodyWaiver === undefined ? [] : (['with custodyWaiver'] as const)),
    ];
  }
  if (typeof after === 'boolean') return [after ? 'to true' : 'to false'];
  if (typeof before === 'number' && typeof after === 'number') return [after > before ? 'more' : 'less'];
  return [];
}

function changeWords({ path: at, kind, before, after }: Found): Words {
  if (kind === 'added') return words`${at}: ${shown(after)} is added`;
  if (kind === 'removed') return words`${at}: ${shown(before)} is removed`;
  return words`${at}: ${shown(before)} → ${shown(after)}`;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return '(unset)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
