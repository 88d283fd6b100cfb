import { type VerdictEvidence, verdictEvidence } from '../observation/verdict-records';
import { isKey } from '../s3/object-version';
import type { BucketVerification } from '../verify/bucket-verification';
import type { GateReason } from './gate-reason';
import type { RunTarget } from './rotation-run';

/** The same as {@link formerKeys}, from evidence that is read already. Pure. */
export function formerIn(
  { versionKeys }: VerdictEvidence,
  version: string,
  keyArn: string | undefined,
): readonly string[] {
  return versionKeys.filter((one) => one.version === version && one.keyArn !== keyArn).map((one) => one.keyArn);
}

/**
 * Keys that evidence here knows to have been a version's, and that its alias does not lead to any more: whoever moved the alias did not
 * move the objects.
 *
 * @param keyArn - of the key that the version is now; absent: it has none
 */
export async function formerKeys(
  run: Pick<RunTarget, 'rotation' | 'identity'>,
  version: string,
  keyArn: string | undefined,
): Promise<readonly string[]> {
  return formerIn(await verdictEvidence(run), version, keyArn);
}

/** What a verification found under keys that a version was once. Pure. */
export function formerReasons({ bucket, byKey }: BucketVerification, former: readonly string[]): GateReason[] {
  return former.flatMap((keyArn): GateReason[] => {
    const held = Object.entries(byKey).filter(([label]) => isKey(label.replace(/^DSSE:/, ''), keyArn));
    const count = held.reduce((sum, [, versions]) => sum + versions, 0);
    if (count === 0) return [];
    const text = `${bucket} holds ${count} object version(s) under ${keyArn}, which was the key of this version in earlier runs: declare it as a version with keyArn, or under reencrypt.from`;
    return [{ code: 'objects-left', text }];
  });
}
