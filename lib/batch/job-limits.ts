import {
  GetBucketOwnershipControlsCommand,
  GetObjectLockConfigurationCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import { awsCodeOf, called } from '../aws/failures';
import { KeyturnError } from '../errors';
import type { ListedVersion } from '../s3/object-version';
import { type JobRetry, withJobRetry } from './retry';

/** Bytes that one copy accepts at most. */
const MAX_COPIED = 5 * 1024 ** 3;

/**
 * Why a job does not copy a version; undefined: it does. What is left out is for the local engine, which keeps what a
 * copy by a job would lose, or says why it cannot.
 */
export function leftOutOfCopies(version: ListedVersion): string | undefined {
  if (!version.isLatest) return 'noncurrent versions, of which a copy would become the current one';
  if (version.storageClass !== 'STANDARD') return 'storage classes other than STANDARD, as a job gives all copies one';
  if (version.size > MAX_COPIED) return 'objects above 5 GiB, which one copy does not accept';
  return undefined;
}

/** How jobs differ from the local engine, reported before one is created. */
export function jobLimitsOf(
  method: 'rewrap' | 'rewrite',
  kind: 'listed' | 'generated',
  bucketKey: boolean,
): readonly string[] {
  const oneForAll = `every object that a job moves gets bucketKey: ${bucketKey}, whatever it had before`;
  if (method === 'rewrap') {
    const unlisted =
      'a manifest that S3 makes lists what is under the keys to be emptied, annotated objects too, whose annotations AWS does not say are moved; above 100,000 versions only verification inspects the others';
    return kind === 'generated' ? [oneForAll, unlisted] : [oneForAll];
  }
  return [
    oneForAll,
    'a job copies without a condition: a write made meanwhile may be undone, so that writers must be paused until it ends',
    'a copy by a job keeps metadata and tags; it gets the default checksum of S3, and loses website redirects',
    'left to this process: noncurrent versions, storage classes other than STANDARD, objects above 5 GiB, and what a job fails',
  ];
}

/** How many versions a listing left out of a manifest, and why. */
export function leftOutText(bucket: string, leftOut: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(leftOut).map(
    ([reason, count]) => `${bucket}: ${count} version(s) are left to this process: ${reason}`,
  );
}

/**
 * Refuses copies by jobs where they would lose what the bucket's objects have: grants, and locks.
 * s3:GetBucketOwnershipControls, s3:GetBucketObjectLockConfiguration.
 *
 * @throws job-copies-unsupported
 */
export async function requireCopies(
  s3: S3Client,
  {
    bucket,
    account,
    noConcurrentWrites,
  }: { bucket: string; account?: string | undefined; noConcurrentWrites: boolean },
  { signal, retry = {} }: { signal?: AbortSignal | undefined; retry?: JobRetry | undefined },
): Promise<void> {
  const unsupported = (reason: string) => new KeyturnError('job-copies-unsupported', { bucket, reason });
  if (!noConcurrentWrites)
    throw unsupported('they need writers to be paused, and the rotation file does not declare `noConcurrentWrites`');
  const at = { Bucket: bucket, ExpectedBucketOwner: account };
  const arn = `arn:aws:s3:::${bucket}`;
  const ask = async <T>(
    action: string,
    send: (options: { abortSignal?: AbortSignal }) => Promise<T>,
    absent: string,
  ) => {
    try {
      return await withJobRetry(
        () => called(action, arn, () => send(signal ? { abortSignal: signal } : {})),
        retry,
        signal,
      );
    } catch (error) {
      if (awsCodeOf(error) === absent) return undefined;
      throw error;
    }
  };
  const ownership = await ask(
    's3:GetBucketOwnershipControls',
    (options) => s3.send(new GetBucketOwnershipControlsCommand(at), options),
    'OwnershipControlsNotFoundError',
  );
  const owner = ownership?.OwnershipControls?.Rules?.[0]?.ObjectOwnership;
  if (owner !== 'BucketOwnerEnforced') {
    throw unsupported(
      `its objects may have grants of their own (object ownership ${owner ?? 'is not set'}), which copies lose`,
    );
  }
  const lock = await ask(
    's3:GetBucketObjectLockConfiguration',
    (options) => s3.send(new GetObjectLockConfigurationCommand(at), options),
    'ObjectLockConfigurationNotFoundError',
  );
  if (lock?.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled') {
    throw unsupported('it has object lock, and a copy keeps neither retention nor legal hold');
  }
}

/**
 * Who lists what a job works on: S3 only where the rotation file asks for that, because then nobody asks for annotations before the move.
 * S3 lists by a key that is named, so not with `any`.
 */
export function manifestKind(
  chosen: 'auto' | 'generated' | 'listed',
  method: 'rewrap' | 'rewrite',
  isAny: boolean,
): 'listed' | 'generated' {
  return chosen === 'generated' && method === 'rewrap' && !isAny ? 'generated' : 'listed';
}
