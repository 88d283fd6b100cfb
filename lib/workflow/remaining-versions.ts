import type { BlockedVersion } from '../reencrypt/outcome';
import { reencryptBucket } from '../reencrypt/reencrypt-bucket';
import { bucketsToVerify } from '../rotation/rotation';
import { versionScope } from '../s3/version-scope';
import type { BucketVerification } from '../verify/bucket-verification';
import type { ScopeOf } from '../verify/scope-of';
import { verifyBucket } from '../verify/verify-bucket';
import { activeKey } from './active-key';
import { moveScope, moveSources } from './move-scope';
import type { VerifyRun } from './rotation-run';

export interface BlockedIn {
  readonly bucket: string;
  /** The first 1,000 of `total`. */
  readonly blocked: readonly BlockedVersion[];
  readonly total: number;
}

/** Object versions and open uploads that are not under the active version, bucket by bucket. Reads only. */
export async function stragglers(run: VerifyRun): Promise<readonly BucketVerification[]> {
  const { arn } = await activeKey(run);
  const { concurrency, maxRps } = run.reencrypt;
  const scope = await moveScope(run, arn);
  const scopeOf: ScopeOf = (version) => versionScope(scope, version);
  const found: BucketVerification[] = [];
  for (const bucket of bucketsToVerify(run.rotation)) {
    const onProgress = (text: string) => run.reporter.progress(text);
    const request = {
      bucket,
      activeKeyArn: arn,
      scopeOf,
      signal: run.signal,
      concurrency,
      maxRps,
      read: 0,
      // It lists what HEAD shows to be left: nobody is asked for annotations.
      movedBefore: 0,
      onProgress,
    };
    found.push(await verifyBucket(run.store, request));
  }
  return found;
}

/** Object versions that the declared method cannot move now, with the reason and the earliest date. Reads only. */
export async function blockedVersions(run: VerifyRun): Promise<readonly BlockedIn[]> {
  const { arn } = await activeKey(run);
  const { concurrency, maxRps } = run.reencrypt;
  const sources = await moveSources(run);
  const found: BlockedIn[] = [];
  for (const { name, bucketKey } of run.rotation.buckets) {
    const pass = await reencryptBucket(run.store, {
      bucket: name,
      targetKeyArn: arn,
      sources,
      bucketKeyDefault: bucketKey,
      method: run.rotation.reencrypt.method,
      concurrency,
      maxRps,
      dryRun: true,
      signal: run.signal,
      onProgress: (text) => run.reporter.progress(text),
    });
    found.push({ bucket: name, blocked: pass.blocked, total: pass.blockedTotal });
  }
  return found;
}
