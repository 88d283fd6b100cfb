import { awsCodeOf } from '../aws/failures';
import type { JobFiles } from './job-files';
import { attemptPrefix, type JobId, type JobScope } from './job-spec';
import type { JobState } from './job-state';
import { readSummary } from './manifest-upload';

/** What a job that carries Keyturn's description must be. */
export interface ExpectedJob {
  readonly scope: JobScope;
  readonly id: JobId;
  /** Full ARN of the role that S3 assumes. */
  readonly roleArn: string;
  /** Where attempts leave their manifests, with a slash at the end. */
  readonly prefix: string;
  /** Full ARNs of the keys whose objects S3 may list for a manifest, and `SSE-S3` where those under it may be. */
  readonly listableKeyArns: readonly string[];
}

/**
 * How a job differs from what it says it is: anybody who may create jobs can write a description. Compares what decides
 * which objects move, to which key and as whom. Empty: it is the expected job.
 */
export async function jobDifferences(
  files: JobFiles,
  job: JobState,
  expected: ExpectedJob,
): Promise<readonly string[]> {
  const { scope, roleArn } = expected;
  const differences: string[] = [];
  const compare = (what: string, found: string | undefined, right: string) => {
    if (found !== right) differences.push(`its ${what} is ${found ?? 'none that Keyturn uses'}, not ${right}`);
  };
  compare('target key', job.targetKeyArn, scope.targetKeyArn);
  compare('role', job.roleArn, roleArn);
  if (scope.method === 'rewrite') compare('target bucket', job.copiesTo, bucketArn(scope, scope.bucket));
  else if (job.copiesTo !== undefined) differences.push(`it copies to ${job.copiesTo}, and does not rewrap`);
  if (job.lists) differences.push(...listDifferences(job.lists, expected));
  else if (job.manifest) differences.push(...(await manifestDifferences(files, job.manifest, expected)));
  else differences.push('it names no manifest');
  return differences;
}

function listDifferences(
  { bucketArn: found, under }: NonNullable<JobState['lists']>,
  { scope, listableKeyArns }: ExpectedJob,
): readonly string[] {
  const differences: string[] = [];
  const right = bucketArn(scope, scope.bucket);
  if (found !== right) differences.push(`its manifest lists ${found}, not ${right}`);
  const known = new Set(listableKeyArns);
  const others = under.filter((one) => !known.has(one));
  if (others.length > 0) differences.push(`its manifest lists what is under ${others.join(', ')}`);
  if (under.length === 0) differences.push('its manifest lists objects whatever they are under');
  return differences;
}

async function manifestDifferences(
  files: JobFiles,
  { objectArn, etag }: NonNullable<JobState['manifest']>,
  { scope, id, prefix }: ExpectedJob,
): Promise<readonly string[]> {
  const name = `${attemptPrefix(prefix, scope, id.attempt)}${id.part}`;
  const uploaded = await readSummary(files, name).catch((error: unknown) => {
    if (awsCodeOf(error) !== 'Malformed') throw error;
    return undefined;
  });
  if (!uploaded) return [`its manifest is ${objectArn}, and Keyturn uploaded none for it`];
  const right = bucketArn(scope, `${files.bucket}/${uploaded.key}`);
  if (objectArn !== right) return [`its manifest is ${objectArn}, not ${right}`];
  const found = etag.replaceAll('"', '');
  return found === uploaded.etag ? [] : [`its manifest has the ETag ${found}, not ${uploaded.etag}`];
}

/** Partitions differ in their ARNs; the key's partition is that of the buckets too. */
function bucketArn({ targetKeyArn }: JobScope, resource: string): string {
  return `arn:${targetKeyArn.split(':')[1]}:s3:::${resource}`;
}
