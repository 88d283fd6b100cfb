import { type JobId, type JobScope, keyIdOf } from './job-spec';

/** What the description of a Keyturn job states. */
export interface DescribedJob extends JobId, Omit<JobScope, 'targetKeyArn'> {
  readonly targetKeyId: string;
}

const DESCRIPTION = /^keyturn (\S+): (rewrap|rewrite) (\S+) to ([^\s@]+)(?:@(\S+))? #([1-9]\d{0,5}) (\S+)$/;

/** Reads a description back; undefined: Keyturn did not create the job. */
export function describedJob(description: string | undefined): DescribedJob | undefined {
  const found = DESCRIPTION.exec(description ?? '');
  if (!found) return undefined;
  const [, rotation = '', method, bucket = '', targetKeyId = '', of, attempt, part = ''] = found;
  return {
    rotation,
    method: method === 'rewrite' ? 'rewrite' : 'rewrap',
    bucket,
    targetKeyId,
    switchId: of,
    attempt: Number(attempt),
    part,
  };
}

/** Whether a described job belongs to a scope. */
export function isOfScope(job: DescribedJob, scope: JobScope): boolean {
  const { method, targetKeyArn } = scope;
  return (
    isOfBucket(job, scope) &&
    job.method === method &&
    job.targetKeyId === keyIdOf(targetKeyArn) &&
    job.switchId === scope.switchId
  );
}

/** Whether a described job moves objects of the same bucket for the same rotation, to whichever key. */
export function isOfBucket(job: DescribedJob, { rotation, bucket }: Pick<JobScope, 'rotation' | 'bucket'>): boolean {
  return job.rotation === rotation && job.bucket === bucket;
}
