import { isKey } from '../s3/object-version';
import type { VersionScanner } from './version-scanner';

/** Versions that are looked at for one to try S3's filter on. */
const MOST_LOOKED = 200;
/** Keys that mean the same in any encoding, so that nothing but the filter is tried. */
const PLAIN = /^[A-Za-z0-9/_.-]{1,512}$/;

/**
 * An object of the bucket that is current and under the active key, as its HEAD says: the longest key of the first ones, as
 * fewest others begin with it. Undefined: there is none among them.
 *
 * @throws as a verification does
 */
export async function controlObject(looking: VersionScanner, activeKeyArn: string): Promise<string | undefined> {
  const { versions } = await looking.firstPage();
  const plain = versions.filter((one) => one.isLatest && PLAIN.test(one.key)).slice(0, MOST_LOOKED);
  plain.sort((one, other) => other.key.length - one.key.length);
  for (const one of plain) {
    const look = await looking.inspect(one);
    if (look.found !== 'head' || look.head.encryption.kind !== 'sse-kms') continue;
    if (isKey(look.head.encryption.keyArn, activeKeyArn)) return one.key;
  }
  return undefined;
}
