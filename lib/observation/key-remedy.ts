/** What brings a key back into use, by its state: one place, so that every command advises the same. */
import type { KeyDescription } from '../kms/describe-key';
import type { Custody, KeyVersion } from '../rotation/rotation';

/** The same bytes again, from custody, with a later date. */
export const extendCommand = (version: string): string =>
  `npx keyturn extend --version ${version} --valid-days 300 --identity <age identity file>`;

/** Proves that custody holds the material of a version. Copies of age alone are opened with an identity. */
export const drillCommand = (version: string, { age }: Pick<Custody, 'age'>): string =>
  `npx keyturn drill --version ${version}${age ? ' --identity <age identity file>' : ''}`;

/** The command after which KMS uses the key again; undefined where the key is in use, or nothing brings it back. */
export function remedyOf(
  version: Pick<KeyVersion, 'name' | 'keyArn'>,
  key: KeyDescription | undefined,
): string | undefined {
  switch (key?.state) {
    case 'Disabled':
      return `aws kms enable-key --key-id ${key.arn}`;
    case 'PendingDeletion':
      return `aws kms cancel-key-deletion --key-id ${key.arn}`;
    case 'PendingImport':
      return version.keyArn === undefined ? extendCommand(version.name) : undefined;
    default:
      return undefined;
  }
}
