/** What brings a key back into use, by its state: one place, so that every command advises the same. */

import type { CustodyRecord } from '../key-material/custody/custody-record';
import type { KeyDescription } from '../kms/describe-key';
import { custodyKind, type KeyVersion, type Rotation } from '../rotation/rotation';

/** Who keeps the copy of a version: by its record, where it is here, or else by the rotation file. */
export interface Keeper {
  readonly kind: CustodyRecord['custody']['kind'];
  /** True where the record says that a machine without AWS access keeps it: only a ceremony brings it here. */
  readonly isElsewhere: boolean;
}

/** The keeper of a version. @param record - its custody record, where one is here */
export function keeperOf(
  { custody }: Pick<Rotation, 'custody'>,
  record?: Pick<CustodyRecord, 'custody'> | undefined,
): Keeper {
  const kept = record?.custody;
  return { kind: kept?.kind ?? custodyKind(custody), isElsewhere: kept?.location === null && kept.kind !== 'none' };
}

/** Copies of age alone are opened with an identity. */
export const identityFor = ({ kind }: Keeper): string => (kind === 'age' ? ' --identity <age identity file>' : '');

/** The same bytes again, from custody, with a later date. @param date - the option that says which. Default 300 days from now */
export function extendCommand(version: string, keeper: Keeper, date = '--valid-days 300'): string {
  if (keeper.isElsewhere)
    return `npx keyturn material prepare --version ${version}   (another machine keeps its material; import its answer with ${date})`;
  return `npx keyturn extend --version ${version} ${date}${identityFor(keeper)}`;
}

/** Proves that custody holds the material of a version. */
export const drillCommand = (version: string, keeper: Keeper): string =>
  `npx keyturn drill --version ${version}${identityFor(keeper)}`;

/** The command after which KMS uses the key again; undefined where the key is in use, or nothing brings it back. */
export function remedyOf(
  version: Pick<KeyVersion, 'name' | 'keyArn'>,
  key: Pick<KeyDescription, 'arn' | 'state'> | undefined,
  keeper: Keeper,
): string | undefined {
  switch (key?.state) {
    case 'Disabled':
      return `aws kms enable-key --key-id ${key.arn}`;
    case 'PendingDeletion':
    case 'PendingReplicaDeletion':
      return `aws kms cancel-key-deletion --key-id ${key.arn}`;
    case 'PendingImport':
      return version.keyArn === undefined ? extendCommand(version.name, keeper) : undefined;
    default:
      return undefined;
  }
}
