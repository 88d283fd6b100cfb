import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import { reencryptBucket } from '../reencrypt/reencrypt-bucket';
import { leftOutOfCopies } from './job-limits';
import { type AttemptRun, leftByListing } from './run-parts';
import type { TaskOutcomes } from './task-outcomes';

/** Versions of a bucket up to which all are inspected where S3 made the manifests, and so may have left some out. */
const LOOK_AT_ALL = 100_000;

/**
 * The local engine's part, over a fresh listing: what was written since the manifests were started, what the jobs failed,
 * and what they cannot do. It classifies what cannot move, and finds what writers add meanwhile, as it does without jobs.
 */
export async function reencryptRemainder(
  run: AttemptRun,
  { failed }: Pick<TaskOutcomes, 'failed'>,
  tasks: number,
): Promise<BucketReencryption> {
  const { request, record, since, attempt, watched, tools } = run;
  const { scope, remainder = {}, signal, journalFile, evidence, onProgress, bucketKeyDefault } = request;
  const { bucket, method, targetKeyArn } = scope;
  const uploads = new Set(record.uploadKeys);
  const local = {
    bucket,
    targetKeyArn,
    sources: request.sources,
    bucketKeyDefault,
    method,
    dryRun: false,
    signal,
    journalFile,
    evidence,
    onProgress,
    ...remainder,
  };
  const left = await leftByListing(run);
  const undecided = left.undecided && new Set(left.undecided);
  const only = {
    label: `${attempt} ${since} ${watched.map(({ jobId }) => jobId).join(' ')}`,
    since,
    hasKey: (key: string) => uploads.has(key) || failed.has(key) || (undecided?.has(key) ?? true),
    also: alsoLooked(run),
  };
  const first = withLeft(await reencryptBucket(tools.store, { ...local, only }), left);
  const mayBeUnlisted = record.kind === 'generated' && first.objectVersions > tasks;
  if (!mayBeUnlisted || first.stopped || first.objectVersions > LOOK_AT_ALL) return first;
  const second = await reencryptBucket(tools.store, local);
  return {
    ...second,
    moved: first.moved + second.moved,
    movedBytes: first.movedBytes + second.movedBytes,
    alreadyThere: Math.max(0, second.alreadyThere - first.moved),
    gone: first.gone + second.gone,
    passes: first.passes + second.passes,
    evidence: [...first.evidence, ...second.evidence],
  };
}

/** Versions that no job is for, whatever their date. */
function alsoLooked({ request, record }: AttemptRun) {
  if (request.scope.method === 'rewrite') {
    return (version: Parameters<typeof leftOutOfCopies>[0]) => leftOutOfCopies(version) !== undefined;
  }
  // AWS does not document whether a manifest that S3 generates lists noncurrent versions.
  return record.kind === 'generated' ? ({ isLatest }: { readonly isLatest: boolean }) => !isLatest : undefined;
}

/** Adds what the listing for the manifest counted; where everything was inspected again, that counts. */
function withLeft(rest: BucketReencryption, left: Awaited<ReturnType<typeof leftByListing>>): BucketReencryption {
  if (left.undecided === null) return rest;
  const outOfScope: Record<string, number> = { ...rest.outOfScope };
  for (const [label, count] of Object.entries(left.outOfScope)) outOfScope[label] = (outOfScope[label] ?? 0) + count;
  return { ...rest, outOfScope, alreadyThere: rest.alreadyThere + left.there };
}
