import {
  CreateJobCommand,
  type CreateJobCommandInput,
  PutJobTaggingCommand,
  UpdateJobPriorityCommand,
} from '@aws-sdk/client-s3-control';
import { type BatchStand, batchStand, JOBS_BUCKET, type JobInput } from './batch-stand';
import { newRole } from './iam-role';

let stand: BatchStand;
let bucket: string;

beforeAll(async () => {
  stand = await batchStand();
  bucket = await stand.bucket('refusals');
});
afterAll(() => stand.close());

const refused = async (over: JobInput): Promise<string> => {
  const error = await stand.create(bucket, over).catch((thrown: Error) => thrown);
  return error instanceof Error ? `${error.name}: ${error.message}` : 'ok';
};

const generator = (over: object, filter?: object): JobInput => ({
  ManifestGenerator: {
    S3JobManifestGenerator: {
      SourceBucket: `arn:aws:s3:::${bucket}`,
      EnableManifestOutput: false,
      ...over,
      ...(filter && { Filter: filter }),
    },
  },
});

const keyArn = () => stand.newKey;
const csv = { Format: 'S3BatchOperations_CSV_20180820' as const, Fields: ['Bucket' as const, 'Key' as const] };
const at = { ObjectArn: `arn:aws:s3:::${JOBS_BUCKET}/m.csv`, ETag: 'e' };
const report = { Enabled: true, Bucket: `arn:aws:s3:::${JOBS_BUCKET}`, Format: 'Report_CSV_20180820' as const };

describe('CreateJob refuses', () => {
  it.each<[string, () => JobInput, string]>([
    [
      'a manifest and a generator at once',
      () => ({ Manifest: { Spec: csv, Location: at }, ...generator({}) }),
      'BadRequestException: CreateJobRequest must have either Manifest or ManifestGenerator',
    ],
    [
      'two encryptions in a filter',
      () => generator({}, { MatchAnyObjectEncryption: [{ SSES3: {} }, { SSEKMS: { KmsKeyArn: keyArn() } }] }),
      'BadRequestException: CreateJobRequest.ManifestGenerator.S3JobManifestGenerator.Filter.MatchAnyObjectEncryption has 2 members; 1 allowed',
    ],
    [
      'an output that is enabled and not said where',
      () => generator({ EnableManifestOutput: true }),
      'BadRequestException: CreateJobRequest.ManifestGenerator.S3JobManifestGenerator.ManifestOutputLocation is missing though the output is enabled',
    ],
    [
      'a report without a bucket',
      () => ({ Report: { Enabled: true, Format: 'Report_CSV_20180820', ReportScope: 'AllTasks' } }),
      'BadRequestException: CreateJobRequest.Report.Bucket is missing though the report is enabled',
    ],
    [
      'a report without a scope',
      () => ({ Report: report }),
      'BadRequestException: CreateJobRequest.Report.ReportScope is missing',
    ],
    [
      'a long description',
      () => ({ Description: 'x'.repeat(257) }),
      'BadRequestException: CreateJobRequest.Description has 257 characters; 1 to 256 are allowed',
    ],
    ['a negative priority', () => ({ Priority: -1 }), 'BadRequestException: CreateJobRequest.Priority is -1'],
    [
      'a role that is no ARN',
      () => ({ RoleArn: 'batch' }),
      'BadRequestException: CreateJobRequest.RoleArn does not match',
    ],
    [
      'a long token',
      () => ({ ClientRequestToken: 'x'.repeat(65) }),
      'BadRequestException: CreateJobRequest.ClientRequestToken has 65 characters',
    ],
    [
      'too many tags',
      () => ({ Tags: Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}`, Value: '' })) }),
      'BadRequestException: CreateJobRequest.Tags has 51 tags; 50 are allowed',
    ],
    [
      'a tag twice',
      () => ({
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'a', Value: '2' },
        ],
      }),
      'BadRequestException: CreateJobRequest.Tags has a key more than once',
    ],
    [
      'an alias as the key',
      () => ({
        Operation: {
          S3UpdateObjectEncryption: { ObjectEncryption: { SSEKMS: { KMSKeyArn: 'alias/some-kms-key-name' } } },
        },
      }),
      'BadRequestException: CreateJobRequest.Operation.S3UpdateObjectEncryption.ObjectEncryption.SSE-KMS.KMSKeyArn does not match',
    ],
    [
      'a key of another account',
      () => {
        const KMSKeyArn = keyArn().replace(stand.account, '999999999999');
        return { Operation: { S3UpdateObjectEncryption: { ObjectEncryption: { SSEKMS: { KMSKeyArn } } } } };
      },
      'is of account 999999999999; the key must belong to the account of the job',
    ],
    [
      'an operation that is not served',
      () => ({ Operation: { S3DeleteObjectTagging: {} } }),
      'NotImplemented: The operation S3DeleteObjectTagging is not implemented by this endpoint',
    ],
    [
      'a filter that is not served',
      () => generator({}, { EligibleForReplication: true }),
      'NotImplemented: The filter EligibleForReplication is not implemented by this endpoint',
    ],
    [
      'an inventory as manifest',
      () => ({ Manifest: { Spec: { Format: 'S3InventoryReport_CSV_20161130' }, Location: at } }),
      'NotImplemented: The manifest format S3InventoryReport_CSV_20161130 is not implemented by this endpoint',
    ],
    [
      'a CSV whose fields are not said',
      () => ({ Manifest: { Spec: { Format: csv.Format }, Location: at } }),
      'BadRequestException: CreateJobRequest.Manifest.Spec.Fields is missing',
    ],
    [
      'a CSV without keys',
      () => ({ Manifest: { Spec: { ...csv, Fields: ['Bucket'] }, Location: at } }),
      'BadRequestException: CreateJobRequest.Manifest.Spec.Fields does not have Key',
    ],
    [
      'a role that does not exist',
      () => ({ RoleArn: `arn:aws:iam::${stand.account}:role/nobody` }),
      'BadRequestException: CreateJobRequest.RoleArn cannot be taken for the job',
    ],
  ])('%s', async (_, over, message) => {
    const manifest = over();
    expect(await refused(manifest)).toContain(message);
  });

  it('a role that trusts somebody else', async () => {
    const Principal = { Service: 'lambda.amazonaws.com' };
    const RoleArn = await newRole(stand.aws, 'lambda', {
      trust: { Effect: 'Allow', Principal, Action: 'sts:AssumeRole' },
    });
    expect(await refused({ RoleArn })).toContain(
      'BadRequestException: CreateJobRequest.RoleArn cannot be taken for the job',
    );
  });

  it('a member that its model does not have, by its name', async () => {
    const client = stand.control;
    const command = new CreateJobCommand(stand.input(bucket));
    command.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { body: string; headers: Record<string, string> };
        request.body = request.body.replace('<Priority>', '<Colour>red</Colour><Priority>');
        request.headers['content-length'] = String(Buffer.byteLength(request.body));
        return next(args);
      },
      { step: 'build', priority: 'low' },
    );
    await expect(client.send(command)).rejects.toMatchObject({
      name: 'BadRequestException',
      message: 'CreateJobRequest.Colour is not known',
    });
  });
});

describe('other operations refuse', () => {
  it('what names a job that is not there', async () => {
    const job = { AccountId: stand.account, JobId: 'no-such-job', Priority: 1 };
    await expect(stand.control.send(new UpdateJobPriorityCommand(job))).rejects.toMatchObject({
      name: 'NotFoundException',
    });
  });

  it('more tags than a job may have', async () => {
    const JobId = await stand.create(bucket);
    const Tags = Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}`, Value: '' }));
    const put = new PutJobTaggingCommand({ AccountId: stand.account, JobId, Tags });
    await expect(stand.control.send(put)).rejects.toMatchObject({ name: 'TooManyTagsException' });
  });

  it('another account than that of the caller', async () => {
    const input: CreateJobCommandInput = { ...stand.input(bucket), AccountId: '999999999999' };
    await expect(stand.control.send(new CreateJobCommand(input))).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

it('notices a role that cannot be taken only when the job runs, where it is told so', async () => {
  const other = await batchStand({ batch: { roleCheck: 'run' } });
  const source = await other.bucket('late');
  const job = await other.run(source, { RoleArn: `arn:aws:iam::${other.account}:role/nobody` });
  expect(job).toMatchObject({ Status: 'Failed', FailureReasons: [{ FailureCode: 'RoleNotAssumable' }] });
  await other.close();
});
