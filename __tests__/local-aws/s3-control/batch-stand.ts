import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateJobCommand,
  type CreateJobCommandInput,
  DescribeJobCommand,
  type JobDescriptor,
  S3ControlClient,
  UpdateJobStatusCommand,
} from '@aws-sdk/client-s3-control';
import { keepAccountOutOfHost } from '../../../lib/aws/account-path';
import type { LocalAwsOptions } from '../../../local-aws';
import { type TestEndpoint, testEndpoint } from '../../lib/reencrypt/endpoint';
import { newRole } from './iam-role';

export type JobInput = Partial<CreateJobCommandInput>;

/** One row of a completion report. */
export interface ReportRow {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly outcome: string;
  readonly status: string;
  readonly code: string;
  readonly message: string;
}

/** An endpoint with a bucket for manifests and reports and a role that may do everything. */
export interface BatchStand extends TestEndpoint {
  readonly control: S3ControlClient;
  readonly roleArn: string;
  readonly account: string;
  /** CreateJob's input: rewraps `bucket` under the new key by a generated manifest, no confirmation. */
  input(bucket: string, over?: JobInput): CreateJobCommandInput;
  /** Puts a CSV manifest and answers CreateJob's `Manifest`. */
  manifest(rows: readonly string[], fields?: readonly ('Bucket' | 'Key' | 'VersionId')[]): Promise<JobInput>;
  create(bucket: string, over?: JobInput): Promise<string>;
  confirm(jobId: string): Promise<void>;
  describe(jobId: string): Promise<JobDescriptor>;
  /** Creates a job and waits until it rests. */
  run(bucket: string, over?: JobInput): Promise<JobDescriptor>;
  /** Keys of the reports' bucket under a prefix. */
  keys(prefix: string): Promise<readonly string[]>;
  text(key: string): Promise<string>;
  /** The rows of a job's report, in the order of its files. */
  report(jobId: string): Promise<readonly ReportRow[]>;
}

export const JOBS_BUCKET = 'jobs-bucket';
let tokens = 0;

export async function batchStand(options: LocalAwsOptions = {}): Promise<BatchStand> {
  const stand = await testEndpoint(options);
  const { aws, s3 } = stand;
  aws.jobs.stepMs = 1;
  await stand.bucket(JOBS_BUCKET);
  const roleArn = await newRole(aws, 'batch');
  const control = controlClient(stand);
  const AccountId = aws.accountId;
  const describe = async (JobId: string): Promise<JobDescriptor> =>
    (await control.send(new DescribeJobCommand({ AccountId, JobId }))).Job ?? {};
  const input = (bucket: string, over: JobInput = {}) => jobInput(stand, roleArn, bucket, over);
  const create = async (bucket: string, over?: JobInput): Promise<string> =>
    (await control.send(new CreateJobCommand(input(bucket, over)))).JobId ?? '';
  const text = async (Key: string): Promise<string> =>
    (await s3.send(new GetObjectCommand({ Bucket: JOBS_BUCKET, Key }))).Body?.transformToString() ?? '';
  const keys = async (Prefix: string): Promise<readonly string[]> => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: JOBS_BUCKET, Prefix }));
    return Contents.map(({ Key = '' }) => Key);
  };
  return {
    ...stand,
    control,
    roleArn,
    account: AccountId,
    input,
    manifest: (rows, fields = ['Bucket', 'Key']) => putManifest(stand, rows, fields),
    create,
    confirm: async (JobId) => {
      await control.send(new UpdateJobStatusCommand({ AccountId, JobId, RequestedJobStatus: 'Ready' }));
    },
    describe,
    async run(bucket, over) {
      const jobId = await create(bucket, over);
      await aws.jobs.settled(jobId);
      return describe(jobId);
    },
    keys,
    text,
    async report(jobId) {
      const manifest = JSON.parse(await text(`reports/job-${jobId}/manifest.json`));
      const files: { Key: string }[] = manifest.Results;
      const texts = await Promise.all(files.map(({ Key }) => text(Key)));
      return texts.flatMap((csv) => csv.split('\n').filter(Boolean).map(rowOf));
    },
    async close() {
      control.destroy();
      await stand.close();
    },
  };
}

/** With the product's way around the account in the host, which no loopback address bears. */
function controlClient({ aws }: TestEndpoint): S3ControlClient {
  const client = new S3ControlClient({
    region: aws.region,
    endpoint: aws.url,
    credentials: aws.accessKey,
    maxAttempts: 1,
  });
  keepAccountOutOfHost(client);
  return client;
}

function rowOf(line: string): ReportRow {
  const [bucket = '', key = '', versionId = '', outcome = '', status = '', code = '', ...rest] = line.split(',');
  return { bucket, key, versionId, outcome, status, code, message: rest.join(',').replace(/^"|"$/g, '') };
}

function jobInput(
  { aws, newKey }: TestEndpoint,
  RoleArn: string,
  bucket: string,
  over: JobInput,
): CreateJobCommandInput {
  tokens += 1;
  const generated: JobInput = {
    ManifestGenerator: {
      S3JobManifestGenerator: { SourceBucket: `arn:aws:s3:::${bucket}`, EnableManifestOutput: false },
    },
  };
  return {
    AccountId: aws.accountId,
    ClientRequestToken: `token-${tokens}`,
    Priority: 1,
    RoleArn,
    ConfirmationRequired: false,
    Operation: {
      S3UpdateObjectEncryption: { ObjectEncryption: { SSEKMS: { KMSKeyArn: newKey, BucketKeyEnabled: true } } },
    },
    Report: {
      Enabled: true,
      Bucket: `arn:aws:s3:::${JOBS_BUCKET}`,
      Format: 'Report_CSV_20180820',
      Prefix: 'reports',
      ReportScope: 'AllTasks',
    },
    ...(over.Manifest === undefined ? generated : {}),
    ...over,
  };
}

async function putManifest(
  { s3 }: TestEndpoint,
  rows: readonly string[],
  Fields: readonly ('Bucket' | 'Key' | 'VersionId')[],
) {
  tokens += 1;
  const Key = `manifests/${tokens}.csv`;
  const Body = Buffer.from(rows.map((row) => `${row}\n`).join(''));
  const { ETag = '' } = await s3.send(
    new PutObjectCommand({ Bucket: JOBS_BUCKET, Key, Body, ServerSideEncryption: 'AES256' }),
  );
  return {
    Manifest: {
      Spec: { Format: 'S3BatchOperations_CSV_20180820' as const, Fields: [...Fields] },
      Location: { ObjectArn: `arn:aws:s3:::${JOBS_BUCKET}/${Key}`, ETag },
    },
  };
}
