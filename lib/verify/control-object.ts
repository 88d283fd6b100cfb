import { isKey } from '../s3/object-version';
import type { VersionScanner } from './version-scanner';

/** Versions that are inspected at most to find one. */
const MAX_INSPECTED = 200;
/** Keys that mean the same in any encoding, so that the test covers the filter alone. */
const PLAIN = /^[A-Za-z0-9/_.-]{1,512}$/;

/**
 * An object of the bucket that is current and under the active key by its HEAD: the longest key of the first ones, because
 * fewest others start with it. Undefined: there is none among them.
 *
 * @throws as a verification does
 */
export async function controlObject(scanner: VersionScanner, activeKeyArn: string): Promise<string | undefined> {
  const { versions } = await scanner.firstPage();
  const plain = versions.filter((one) => one.isLatest && PLAIN.test(one.key)).slice(0, MAX_INSPECTED);
  plain.sort((one, other) => other.key.length - one.key.length);
  for (const one of plain) {
    const inspection = await scanner.inspect(one);
    if (inspection.found !== 'head' || inspection.head.encryption.kind !== 'sse-kms') continue;
    if (isKey(inspection.head.encryption.keyArn, activeKeyArn)) return one.key;
  }
  return undefined;
}
