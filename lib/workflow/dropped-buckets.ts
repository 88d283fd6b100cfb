import { isCode } from '../errors';
import { verdictEvidence } from '../observation/verdict-records';
import { bucketsToVerify } from '../rotation/rotation';
import { bucketExists } from '../s3/bucket-default';
import { isKey } from '../s3/object-version';
import type { GateReason } from './gate-reason';
import type { RunTarget } from './rotation-run';

/** A bucket of an earlier state of the rotation file, which may hold objects under a key. */
export interface DroppedBucket {
  readonly bucket: string;
  /** ISO 8601: when it was verified last. */
  readonly verifiedAt: string;
}

/**
 * Buckets that evidence here names, that the rotation file names no more, and that may hold objects under a key. The
 * key was active when they were verified last, or not empty then. One that is gone holds nothing.
 */
export async function droppedBuckets(run: RunTarget, keyArn: string): Promise<readonly DroppedBucket[]> {
  const { rotation, clients, identity } = run;
  const named = new Set(bucketsToVerify(rotation));
  const last = new Map<string, DroppedBucket & { readonly mayHold: boolean }>();
  for (const { activeKeyArn, verifiedAt, buckets, versions } of (await verdictEvidence(rotation)).verdicts) {
    const found = versions.find((one) => one.keyArn !== undefined && isKey(one.keyArn, keyArn));
    const mayHold = isKey(activeKeyArn, keyArn) || found?.empty !== true;
    for (const bucket of buckets) if (!named.has(bucket)) last.set(bucket, { bucket, verifiedAt, mayHold });
  }
  const dropped: DroppedBucket[] = [];
  for (const { bucket, verifiedAt, mayHold } of last.values()) {
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

/** Pure. */
export function droppedReasons(dropped: readonly DroppedBucket[]): GateReason[] {
  return dropped.map(({ bucket, verifiedAt }) => {
    const text = `${bucket} may hold objects under it: the rotation file named the bucket when it was verified at ${verifiedAt}, and does not any more`;
    return { code: 'bucket-dropped', subject: bucket, text };
  });
}
