import { bucketExists } from '../../s3/bucket-default';
import type { RunTarget } from '../rotation-run';
import { jobsOf } from './rotation-jobs';

/** Whether a rotation can run jobs, as far as reads can show. */
export interface JobsReady {
  /** False: the storage stack has not made it yet, or it belongs to somebody else. */
  readonly bucket: boolean;
}

/**
 * Lists jobs and checks the bucket of manifests and reports. Whether S3 may assume the role shows only when a job is created: no
 * read reports it.
 *
 * @throws aws-access-denied, bucket-in-another-region, bucket-of-another-account
 */
export async function jobsReady(run: RunTarget): Promise<JobsReady> {
  for await (const _ of jobsOf(run).list()) break;
  const bucket = run.rotation.reencrypt.batch?.bucket ?? '';
  return { bucket: await bucketExists(run.clients.s3, bucket, run.identity.account) };
}
