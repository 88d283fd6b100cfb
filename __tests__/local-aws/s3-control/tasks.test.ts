import { createHash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { FaultAction, FaultMatch } from '../../../local-aws';
import { type BatchStand, batchStand, JOBS_BUCKET } from './batch-stand';

/** Of a single write and copy, in bytes: low for copies, high enough for a manifest of a thousand rows. */
const LIMIT = 100_000;
let stand: BatchStand;
let made = 0;

beforeAll(async () => {
  stand = await batchStand({ s3Limits: { singleWrite: LIMIT, smallestPart: 1 } });
});
afterAll(() => stand.close());
afterEach(() => {
  stand.aws.faults.clear();
  Object.assign(stand.aws.jobs, {
    failing: undefined,
    reportFault: undefined,
    failureRuleAfter: 1000,
    tasksPerStep: 100,
  });
});

async function bucketOf(keys: readonly string[], versioning?: 'Enabled'): Promise<string> {
  made += 1;
  const bucket = await stand.bucket(`tasks-${made}`, versioning);
  for (const key of keys) await stand.put(bucket, key);
  return bucket;
}

/** Strikes the rewraps of jobs. */
function strike(then: FaultAction, match: FaultMatch = {}): void {
  stand.aws.faults.inject({
    match: { service: 'batchoperations', operation: 'UpdateObjectEncryption', ...match },
    then,
  });
}

const head = (Bucket: string, Key: string) => stand.s3.send(new HeadObjectCommand({ Bucket, Key }));
const copyTo = (bucket: string, settings: object = {}) => ({
  Operation: {
    S3PutObjectCopy: { TargetResource: `arn:aws:s3:::${bucket}`, SSEAwsKmsKeyId: stand.newKey, ...settings },
  },
});

describe('S3UpdateObjectEncryption', () => {
  it('rewraps in place: entity tag, date and bucket key as they were', async () => {
    const bucket = await bucketOf(['a']);
    const before = await head(bucket, 'a');
    await stand.run(bucket);
    const after = await head(bucket, 'a');
    expect(after).toMatchObject({
      ETag: before.ETag,
      LastModified: before.LastModified,
      BucketKeyEnabled: true,
      SSEKMSKeyId: stand.newKey,
    });
  });

  it('leaves the bucket key off where the job does not say it', async () => {
    const bucket = await bucketOf(['a']);
    const ObjectEncryption = { SSEKMS: { KMSKeyArn: stand.newKey } };
    await stand.run(bucket, { Operation: { S3UpdateObjectEncryption: { ObjectEncryption } } });
    expect((await head(bucket, 'a')).BucketKeyEnabled).toBeUndefined();
  });
});

describe('S3PutObjectCopy', () => {
  it('copies each object with one set of settings, and its own tags', async () => {
    const bucket = await bucketOf([]);
    await stand.put(bucket, 'a b', { Tagging: 'team=x', Metadata: { kept: 'yes' } });
    await stand.run(bucket, copyTo(bucket, { BucketKeyEnabled: true, StorageClass: 'STANDARD_IA' }));
    expect(await head(bucket, 'a b')).toMatchObject({
      SSEKMSKeyId: stand.newKey,
      BucketKeyEnabled: true,
      StorageClass: 'STANDARD_IA',
      Metadata: { kept: 'yes' },
    });
    const { TagSet } = await stand.s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: 'a b' }));
    expect(TagSet).toEqual([{ Key: 'team', Value: 'x' }]);
  });

  it('replaces metadata and tags where it is told to, under a prefix', async () => {
    const bucket = await bucketOf(['a']);
    const settings = {
      MetadataDirective: 'REPLACE',
      TargetKeyPrefix: 'copies',
      NewObjectMetadata: { ContentType: 'text/plain', UserMetadata: { by: 'job' }, SSEAlgorithm: 'KMS' },
      NewObjectTagging: [{ Key: 'made', Value: 'by job' }],
    };
    await stand.run(bucket, copyTo(bucket, settings));
    expect(await head(bucket, 'copies/a')).toMatchObject({
      ContentType: 'text/plain',
      Metadata: { by: 'job' },
      TagCount: 1,
    });
    expect((await head(bucket, 'a')).SSEKMSKeyId).toBe(stand.oldKey);
  });

  it('makes a new current version', async () => {
    const bucket = await bucketOf(['a'], 'Enabled');
    await stand.run(bucket, copyTo(bucket));
    const { Versions } = await stand.s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    expect(Versions).toHaveLength(2);
  });

  it('fails for an object over the limit of a single copy', async () => {
    const bucket = await bucketOf(['small']);
    const place = { Bucket: bucket, Key: 'large' };
    const { UploadId } = await stand.s3.send(new CreateMultipartUploadCommand(place));
    const Parts = await Promise.all(
      [1, 2].map(async (PartNumber) => {
        const part = { ...place, UploadId, PartNumber, Body: Buffer.alloc(LIMIT / 2 + 1) };
        return { PartNumber, ETag: (await stand.s3.send(new UploadPartCommand(part))).ETag };
      }),
    );
    await stand.s3.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
    const { JobId = '' } = await stand.run(bucket, copyTo(bucket));
    const failed = (await stand.report(JobId)).filter(({ outcome }) => outcome === 'failed');
    expect(failed).toMatchObject([{ key: 'large', status: '400', code: 'InvalidRequest' }]);
  });
});

describe('a completion report', () => {
  it('tells every task in files that its manifest names by their MD5', async () => {
    const bucket = await bucketOf(['a b', 'c']);
    const rows = [`${bucket},a%20b`, `${bucket},c`, `${bucket},missing`];
    const { JobId = '' } = await stand.run(bucket, await stand.manifest(rows));
    const manifest = JSON.parse(await stand.text(`reports/job-${JobId}/manifest.json`));
    expect(manifest).toMatchObject({
      Format: 'Report_CSV_20180820',
      ReportSchema: 'Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage',
      Results: [
        { TaskExecutionStatus: 'succeeded', Bucket: JOBS_BUCKET },
        { TaskExecutionStatus: 'failed', Bucket: JOBS_BUCKET },
      ],
    });
    for (const { Key, MD5Checksum } of manifest.Results) {
      expect(Key).toMatch(new RegExp(`^reports/job-${JobId}/results/[0-9a-f]{40}\\.csv$`));
      expect(
        createHash('md5')
          .update(await stand.text(Key))
          .digest('hex'),
      ).toBe(MD5Checksum);
      const object = await stand.s3.send(new GetObjectCommand({ Bucket: JOBS_BUCKET, Key }));
      expect(object.ServerSideEncryption).toBe('AES256');
    }
    expect(await stand.report(JobId)).toEqual([
      { bucket, key: 'a+b', versionId: '', outcome: 'succeeded', status: '200', code: '', message: 'Successful' },
      { bucket, key: 'c', versionId: '', outcome: 'succeeded', status: '200', code: '', message: 'Successful' },
      {
        bucket,
        key: 'missing',
        versionId: '',
        outcome: 'failed',
        status: '404',
        code: 'NoSuchKey',
        message: 'The specified key does not exist.',
      },
    ]);
  });

  it('leaves succeeded tasks out where only failed ones are asked for', async () => {
    const bucket = await bucketOf(['a']);
    const Report = { ...stand.input(bucket).Report, Enabled: true, ReportScope: 'FailedTasksOnly' as const };
    const job = await stand.run(bucket, { Report, ...(await stand.manifest([`${bucket},a`, `${bucket},b`])) });
    expect((await stand.report(job.JobId ?? '')).map(({ outcome }) => outcome)).toEqual(['failed']);
  });

  it('is not written where no task was invoked', async () => {
    const { JobId } = await stand.run(await bucketOf([]));
    expect(await stand.keys(`reports/job-${JobId}`)).toEqual([]);
  });

  it('is written for a job that failed', async () => {
    const bucket = await bucketOf(['a']);
    Object.assign(stand.aws.jobs, { failureRuleAfter: 1, failing: { rate: 1, status: 503, code: 'SlowDown' } });
    const job = await stand.run(bucket);
    expect(job.Status).toBe('Failed');
    expect(await stand.report(job.JobId ?? '')).toHaveLength(1);
  });
});

describe('faults', () => {
  it('fails the tasks that a fault strikes, so many times', async () => {
    const bucket = await bucketOf(['a', 'b', 'c']);
    strike({ kind: 'answer', status: 503, code: 'SlowDown' }, { key: /^[ab]$/, times: 1 });
    const { JobId = '' } = await stand.run(bucket);
    const failed = (await stand.report(JobId)).filter(({ outcome }) => outcome === 'failed');
    expect(failed).toMatchObject([{ key: 'a', status: '503', code: 'SlowDown' }]);
  });

  it('does the task whose answer is lost, and reports it as failed', async () => {
    const bucket = await bucketOf(['a']);
    strike({ kind: 'reset-after' });
    const { JobId = '' } = await stand.run(bucket);
    expect(await stand.report(JobId)).toMatchObject([{ outcome: 'failed', status: '500', code: 'InternalError' }]);
    expect((await head(bucket, 'a')).SSEKMSKeyId).toBe(stand.newKey);
  });

  it('fails a job more than half of whose first thousand tasks failed', async () => {
    const bucket = await bucketOf(['a']);
    const rows = [...Array(400).fill(`${bucket},a`), ...Array(601).fill(`${bucket},missing`)];
    const job = await stand.run(bucket, await stand.manifest(rows));
    expect(job).toMatchObject({
      Status: 'Failed',
      FailureReasons: [{ FailureReason: 'More than 50 percent of the first 1000 tasks failed.' }],
      ProgressSummary: { TotalNumberOfTasks: 1001, NumberOfTasksSucceeded: 400, NumberOfTasksFailed: 600 },
    });
  });

  it('goes on with half of its tasks failing', async () => {
    const bucket = await bucketOf(['a']);
    stand.aws.jobs.failing = { rate: 0.5, status: 500, code: 'InternalError' };
    const job = await stand.run(bucket, await stand.manifest(Array(1002).fill(`${bucket},a`)));
    expect(job).toMatchObject({ Status: 'Complete', ProgressSummary: { NumberOfTasksFailed: 501 } });
  });

  it('spoils reports as it is told to', async () => {
    const bucket = await bucketOf(['a', 'b']);
    const spoiled = async (fault: typeof stand.aws.jobs.reportFault) => {
      stand.aws.jobs.reportFault = fault;
      return (await stand.run(bucket)).JobId ?? '';
    };
    const missing = await spoiled('missing-manifest');
    expect(await stand.keys(`reports/job-${missing}/manifest.json`)).toEqual([]);
    const lost = await spoiled('missing-csv');
    expect(await stand.keys(`reports/job-${lost}/results/`)).toEqual([]);
    const foreign = await spoiled('foreign-rows');
    expect((await stand.report(foreign)).map((row) => row.bucket)).toEqual([`${bucket}-other`, `${bucket}-other`]);
    for (const fault of ['cut-csv', 'wrong-digest'] as const) {
      const id = await spoiled(fault);
      const [{ Key, MD5Checksum }] = JSON.parse(await stand.text(`reports/job-${id}/manifest.json`)).Results;
      expect(
        createHash('md5')
          .update(await stand.text(Key))
          .digest('hex'),
      ).not.toBe(MD5Checksum);
    }
  });
});
