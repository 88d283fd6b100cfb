import type { Adoptable } from '../lib/observation/adoptable';
import { policyLines } from '../lib/terraform/policy-lines';
import type { CommandContext } from './cli/command';
import { table } from './cli/table';

/** The two ways for an old key, side by side. */
export const WAYS = table(
  ['', 'move away', 'take over'],
  [
    ['the old key', 'stays as it is, unknown to Terraform', 'becomes a version; Terraform sets policy, tags, alias'],
    ['which keys', 'any, also of another account', 'external-origin, of this account'],
    ['at the end', 'you get the verdict; disabled only with --retire', 'Keyturn disables it behind the gate'],
  ],
);

/** Tells a person what `adopt` found. */
export function showFound({ terminal }: CommandContext, { alias, keys, buckets, unread }: Adoptable): void {
  terminal.heading(`found behind ${alias}`);
  for (const key of keys) {
    const expiry = key.validTo === undefined ? '' : `, material expires ${key.validTo.toISOString()}`;
    terminal.note(`key ${key.arn}: ${key.state}, origin ${key.origin}${expiry}`);
    terminal.note(`  aliases: ${list(key.aliases)}; default of: ${list(key.defaultOf)}`);
    terminal.note(`  last used: ${key.lastUsed?.toISOString() ?? 'not known'}; grants: ${list(key.grants)}`);
    for (const line of policyLines(key.policy ?? '') ?? []) terminal.note(`  policy: ${line}`);
  }
  for (const { name, algorithm, keyArn, versioning } of buckets)
    terminal.note(`bucket ${name}: default ${algorithm}${keyArn ? ` under ${keyArn}` : ''}, versioning ${versioning}`);
  for (const one of unread) terminal.warn(`not known: ${one}`);
}

const list = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

/** What was found as JSON: without undefined members, which it would drop. */
export const shownFound = ({ alias, keys, buckets, unread }: Adoptable) => ({
  alias,
  keys: keys.map((key) => ({
    ...key,
    validTo: key.validTo?.toISOString() ?? null,
    creationDate: key.creationDate?.toISOString() ?? null,
    lastUsed: key.lastUsed?.toISOString() ?? null,
    policy: policyLines(key.policy ?? '') ?? null,
  })),
  buckets: buckets.map((bucket) => ({ ...bucket, keyArn: bucket.keyArn ?? null })),
  unread,
});
