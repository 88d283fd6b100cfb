import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Caller } from '../../message';
import type { ListedBucket } from '../../s3/view';
import type { GeneratedManifest, Job, Task } from '../state/job';
import type { ManifestOutput, ObjectGenerator } from '../wire/generator-request';
import type { Acting, JobCall } from './acting';
import { encodeListedKey, quotedCsv } from './csv';
import { type GeneratedVersions, generateTasks } from './generator';
import { JobFailure, readManifest } from './manifest';

/** Where AWS does not say what it does, both ways can be had; the first is the default. */
export interface ManifestSettings {
  /** Which versions a generated manifest lists. */
  readonly generatedManifests?: GeneratedVersions;
  /** Whether a generated manifest without objects fails the job, or lets it run over nothing. */
  readonly emptyManifests?: 'fail' | 'run';
  /** Whether `GeneratedManifestDescriptor` names the CSV, or the `manifest.json` of an inventory that names it. */
  readonly generatedManifestFormat?: 'csv' | 'inventory';
}

export interface Preparing {
  readonly acting: Acting;
  readonly listed: (bucket: string) => ListedBucket | undefined;
  readonly settings: ManifestSettings;
  readonly region: string;
}

/**
 * The tasks of a job, from the manifest it names or from one that is generated now.
 *
 * @throws JobFailure
 */
export async function prepareTasks(job: Job, role: Caller, preparing: Preparing): Promise<readonly Task[]> {
  const { manifest, generator } = job.request;
  if (manifest !== undefined) return readManifest(preparing.acting, role, manifest);
  if (generator === undefined) return [];
  const tasks = await generated(generator, role, preparing);
  if (tasks.length === 0 && preparing.settings.emptyManifests !== 'run')
    throw new JobFailure('EmptyManifest', 'Manifest generation found no keys matching the filter criteria.');
  const output = generator.ManifestOutputLocation;
  if (output !== undefined) job.generated = await writeManifest(job, role, preparing, output, tasks);
  return tasks;
}

/** Generation goes by an inventory that S3 configures on the bucket in the role's name. */
async function generated(
  { SourceBucket, ExpectedBucketOwner, Filter }: ObjectGenerator,
  role: Caller,
  { acting, listed, settings, region }: Preparing,
): Promise<readonly Task[]> {
  const name = bucketNamed(SourceBucket);
  const bucket = listed(name);
  const isOwned = ExpectedBucketOwner === undefined || ExpectedBucketOwner === bucket?.owner;
  if (!isOwned || !acting.permits(role, { action: 's3:PutInventoryConfiguration', resource: `arn:aws:s3:::${name}` }))
    throw new JobFailure('ManifestGenerationForbidden', 'Manifest generation is forbidden: AccessDenied');
  if (bucket?.region !== region)
    throw new JobFailure('ManifestGenerationFailed', `The source bucket ${name} does not exist in ${region}.`);
  return generateTasks(bucket, Filter, settings.generatedManifests ?? 'current');
}

async function writeManifest(
  job: Job,
  role: Caller,
  { acting, settings }: Preparing,
  output: ManifestOutput,
  tasks: readonly Task[],
): Promise<GeneratedManifest> {
  const base = `${output.ManifestPrefix === undefined ? '' : `${output.ManifestPrefix}/`}job-${job.id}`;
  const place = { bucket: bucketNamed(output.Bucket), headers: outputHeaders(output) };
  const versions = tasks[0]?.versionId !== undefined;
  const csv = Buffer.from(tasks.map((task) => `${line(task, versions)}\n`).join(''));
  const put = async (key: string, body: Buffer): Promise<GeneratedManifest> => {
    const call: JobCall = { method: 'PUT', bucket: place.bucket, key, headers: place.headers, body };
    const answer = await acting.send(role, call);
    if (answer.status >= 300)
      throw new JobFailure(
        'ManifestNotWritten',
        `Writing the generated manifest failed: ${answer.code}: ${answer.message}`,
      );
    return { objectArn: `arn:aws:s3:::${place.bucket}/${key}`, etag: (answer.headers.etag ?? '').replaceAll('"', '') };
  };
  if (settings.generatedManifestFormat !== 'inventory') return put(`${base}/manifest.csv`, csv);
  const packed = gzipSync(csv);
  const file = `${base}/data/${job.id}.csv.gz`;
  await put(file, packed);
  const inventory = {
    sourceBucket: tasks[0]?.bucket ?? bucketNamed(job.request.generator?.SourceBucket ?? ''),
    destinationBucket: output.Bucket,
    version: '2021-11-30',
    fileFormat: 'CSV',
    fileSchema: versions ? 'Bucket, Key, VersionId' : 'Bucket, Key',
    files: [{ key: file, size: packed.length, MD5checksum: createHash('md5').update(packed).digest('hex') }],
  };
  return put(`${base}/manifest.json`, Buffer.from(JSON.stringify(inventory, undefined, 2)));
}

function line({ bucket, key, versionId = '' }: Task, versions: boolean): string {
  return quotedCsv([bucket, encodeListedKey(key), ...(versions ? [versionId] : [])]);
}

/** SSE-S3 unless another is asked for. */
function outputHeaders({ ManifestEncryption, ExpectedManifestBucketOwner }: ManifestOutput): Record<string, string> {
  const kms = ManifestEncryption?.['SSE-KMS'];
  const owner = ownerHeader(ExpectedManifestBucketOwner);
  if (kms === undefined) return { 'x-amz-server-side-encryption': 'AES256', ...owner };
  const key = { 'x-amz-server-side-encryption-aws-kms-key-id': kms.KeyId };
  return { 'x-amz-server-side-encryption': 'aws:kms', ...key, ...owner };
}

/** Keeps a write out of a bucket of somebody else. */
export function ownerHeader(owner: string | undefined): Record<string, string> {
  return owner === undefined ? {} : { 'x-amz-expected-bucket-owner': owner };
}

/** The name in a bucket's ARN. */
export function bucketNamed(arn: string): string {
  return arn.slice(arn.indexOf(':::') + 3);
}
