import { isCode } from '../errors';
import { type VerdictEvidence, verdictEvidence } from '../observation/verdict-records';
import { bucketsToVerify } from '../rotation/rotation';
import { bucketExists } from '../s3/bucket-default';
import { isKey } from '../s3/object-version';
import type { GateReason } from './gate-reason';
import type { RunTarget } from './rotation-run';

/** A bucket of an earlier state of the rotation file, which may hold objects under a key. */
export interface DroppedBucket {
  readonly bucket: string;
  /** ISO 8601: when it was verified last; absent: never, by the evidence here. */
  readonly verifiedAt: string | undefined;
}

/**
 * Buckets that evidence here names, that the rotation file names no more, and that may hold objects under a key. The key was
 * active when they were verified last, they were not empty then, it was their default since, or nobody ever verified them. One
 * that is gone holds nothing.
 */
export async function droppedBuckets(run: RunTarget, keyArn: string): Promise<readonly DroppedBucket[]> {
  const { rotation, clients, identity } = run;
  const named = new Set(bucketsToVerify(rotation));
  const evidence = await verdictEvidence(run);
  const known = new Set([
    ...evidence.verdicts.flatMap(({ buckets }) => buckets),
    ...evidence.namedBuckets.map(({ bucket }) => bucket),
  ]);
  const dropped: DroppedBucket[] = [];
  for (const bucket of known) {
    if (named.has(bucket)) continue;
    const { mayHold, verifiedAt } = lastOf(bucket, keyArn, evidence);
    if (mayHold && (await mayExist(bucket))) dropped.push({ bucket, verifiedAt });
  }
  return dropped;

  async function mayExist(bucket: string): Promise<boolean> {
    try {
      return await bucketExists(clients.s3, bucket, identity.account);
    } catch (error) {
      if (isCode(error, 'interrupted')) throw error;
      return true;
    }
  }
}

/** What evidence says last of a bucket and a key. */
function lastOf(
  bucket: string,
  keyArn: string,
  { verdicts, namedBuckets }: VerdictEvidence,
): { readonly mayHold: boolean; readonly verifiedAt: string | undefined } {
  const last = verdicts.findLast((one) => one.buckets.includes(bucket));
  if (!last) return { mayHold: true, verifiedAt: undefined };
  const found = last.versions.find((one) => one.keyArn !== undefined && isKey(one.keyArn, keyArn));
  const wasDefault = namedBuckets.some(
    (one) =>
      one.bucket === bucket && one.order > last.order && one.defaultKey !== undefined && isKey(one.defaultKey, keyArn),
  );
  const mayHold = isKey(last.activeKeyArn, keyArn) || found?.empty !== true || wasDefault;
  return { mayHold, verifiedAt: last.verifiedAt };
}

/** Pure. */
export function droppedReasons(dropped: readonly DroppedBucket[]): GateReason[] {
  return dropped.map(({ bucket, verifiedAt }) => {
    const when =
      verifiedAt === undefined ? 'in an earlier run, which did not verify it' : `when it was verified at ${verifiedAt}`;
    const text = `${bucket} may hold objects under it: the rotation file named the bucket ${when}, and does not any more`;
    return { code: 'bucket-dropped', subject: bucket, text };
  });
}
