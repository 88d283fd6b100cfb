/** Adds to a rotation file what it declares and AWS holds already. */
import { isMap, isSeq } from 'yaml';
import { KeyturnError } from '../errors';
import type { Rotation } from './rotation';
import { appendItem } from './yaml-edit';
import { readYaml } from './yaml-source';

/** What was found to exist. */
export interface Existing {
  readonly buckets: readonly { readonly name: string }[];
}

/**
 * The text with `adopted:` for the alias and every bucket that exists, and with buckets that it does not declare yet. Text that
 * is there stays byte for byte.
 *
 * @throws KeyturnError `rotation-edit-refused` where the file has another `adopted:` already
 */
export function declareAdopted(text: string, existing: Existing, rotation: Rotation): string {
  const names = existing.buckets.map(({ name }) => name);
  const { adopted } = rotation;
  const isComplete = adopted?.alias === true && names.every((name) => adopted.buckets.includes(name));
  if (isComplete) return text;
  const lines = `adopted:\n  alias: true\n  buckets: [${names.join(', ')}]\n`;
  if (adopted !== undefined)
    throw new KeyturnError('rotation-edit-refused', {
      problem: 'it has a section adopted: that lacks something which exists',
      hint: `write it so: ${JSON.stringify(lines)}`,
    });
  const fresh = names.filter((name) => !rotation.buckets.some((one) => one.name === name));
  const withBuckets = fresh.reduce(appendBucket, text);
  const end = withBuckets === '' || withBuckets.endsWith('\n') ? '' : '\n';
  return `${withBuckets}${end}${lines}`;
}

function appendBucket(text: string, name: string): string {
  const root = readYaml(text).document.contents;
  const list = isMap(root) ? root.get('buckets', true) : undefined;
  if (!isSeq(list))
    throw new KeyturnError('rotation-edit-refused', { problem: 'it has faults', hint: 'correct it first' });
  return appendItem(text, list, [
    ['name', name],
    ['manage', 'encryption'],
  ]);
}
