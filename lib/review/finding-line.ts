/** The line of the rotation file that a finding comes from, so that code scanning shows it where it can be changed. */
import type { Finding } from './finding';

/** What the rotation calls a resource, by its Terraform address. */
const VERSION = /\.version_([a-z0-9-]+?)(?:_expires_\d+d)?$|\.(?:retired|superseded)_([a-z0-9-]+)$/;
const BUCKET = /\.bucket_([a-z0-9_-]+)$/;
const KEYS: readonly (readonly [RegExp, string])[] = [
  [/^aws_kms_alias\.main$/, 'activeVersion'],
  [/\.batch$/, 'batch'],
  [/\.evidence$/, 'evidence'],
  [/^data\.aws_kms_key\./, 'activeVersion'],
];

/** @returns a line from 1; 1 where the file has no line of its own for it */
export function findingLine(rotationText: string, { address, message }: Pick<Finding, 'address' | 'message'>): number {
  const lines = rotationText.split(/\r?\n/);
  const at = (isIt: (line: string) => boolean): number => Math.max(0, lines.findIndex(isIt)) + 1;
  const named = (isIt: (name: string) => boolean): number =>
    at((line) => isIt(/(?:^|[\s{,-])name:\s*["']?([a-z0-9.-]+)/.exec(line)?.[1] ?? ''));
  if (address === undefined) return fieldLine(message, at);
  const [, version = address.match(VERSION)?.[2]] = VERSION.exec(address) ?? [];
  if (version !== undefined) return named((name) => name === version);
  const bucket = BUCKET.exec(address)?.[1];
  if (bucket !== undefined) return named((name) => name !== '' && name.replaceAll('.', '_') === bucket);
  const key = KEYS.find(([pattern]) => pattern.test(address))?.[1];
  return key === undefined ? 1 : at((line) => new RegExp(`^\\s*${key}:`).test(line));
}

/** A finding of the rotation file begins with the path of the field: `keyPolicy.users[0]`. */
function fieldLine(message: Finding['message'], at: (isIt: (line: string) => boolean) => number): number {
  const [path] = message.flatMap((part) => (typeof part === 'string' ? [] : [part.value]));
  const keys = (path ?? '').split(/[.[\]]+/).filter((part) => /^[A-Za-z]+$/.test(part));
  const key = keys.at(-1);
  return key === undefined ? 1 : at((line) => new RegExp(`(?:^|[\\s{,-])${key}:`).test(line));
}
