import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DeleteObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';

import { reencryptBucketByJobs } from '../../../lib/batch/batch-reencrypt';
import type { JobSpec } from '../../../lib/batch/job-spec';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { alsoFrom } from '../s3/memory-store';
import { type JobsStand, jobsStand } from './jobs-stand';

let stand: JobsStand;
beforeAll(async () => {
  stand = await jobsStand();
});
afterAll(() => stand.close());

const andSseS3 = () => alsoFrom({ sseS3: true }, stand.jobsRequest('').sources);

const HOSTILE = [
  'plain',
  'with space',
  'a+b',
  '100%',
  'comma,key',
  'quote"key',
  "it's (so)!*",
  'line\nbreak',
  'ünïcode/😀',
  'sl/ash/',
];

function outcomesOf(bucket: string): Record<string, unknown>[] {
  const directory = path.join(stand.directory, `${bucket}.outcomes`);
  return readdirSync(directory).flatMap((name) =>
    gunzipSync(readFileSync(path.join(directory, name)))
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  );
}

describe('a bucket that never had versions', () => {
  test('moves every object by a manifest that S3 generates, hostile keys included', async () => {
    const bucket = await stand.bucket('generated');
    for (const key of HOSTILE) await stand.put(bucket, key);
    await stand.put(bucket, 'sse-s3', {
      ServerSideEncryption: 'AES256',
      SSEKMSKeyId: undefined,
      BucketKeyEnabled: undefined,
    });
    const request = stand.jobsRequest(bucket, { sources: andSseS3(), manifest: 'generated' });
    const done = await reencryptBucketByJobs(stand.tools(), request);
    expect(done).toMatchObject({
      engine: 'batch',
      complete: true,
      moved: HOSTILE.length + 1,
      failedTotal: 0,
      stopped: undefined,
    });
    expect(done.jobs.map(({ part, status }) => [part, status])).toEqual([
      [`under-${stand.oldKey.split('/')[1]}`, 'Complete'],
      ['sse-s3', 'Complete'],
    ]);
    const verified = await verifyBucket(stand.store(), { bucket, activeKeyArn: stand.newKey });
    expect(verified.byKey).toEqual({ [stand.newKey]: HOSTILE.length + 1 });
  });

  test('counts a key without objects as done', async () => {
    const bucket = await stand.bucket('nothing-left');
    await stand.put(bucket, 'there', { SSEKMSKeyId: stand.newKey });
    const done = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket));
    expect(done).toMatchObject({ complete: true, moved: 0, alreadyThere: 1 });
  });
});

describe('a versioned bucket', () => {
  test('moves every version by a manifest of Keyturn, and records each in the evidence', async () => {
    const bucket = await stand.bucket('listed', 'Enabled');
    for (const key of HOSTILE) {
      await stand.put(bucket, key);
      await stand.put(bucket, key, { Body: 'second' });
    }
    await stand.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'plain' }));
    const specs: JobSpec[] = [];
    const request = stand.jobsRequest(bucket, { onSpec: async (spec) => void specs.push(spec) });
    const done = await reencryptBucketByJobs(stand.tools(), request);
    expect(done).toMatchObject({ complete: true, moved: HOSTILE.length * 2, objectVersions: HOSTILE.length * 2 });
    const [job] = done.jobs;
    expect(job).toMatchObject({ part: 'all', attempt: 1, total: HOSTILE.length * 2, failed: 0 });
    expect(job?.report?.files).toHaveLength(1);
    expect(specs).toHaveLength(1);
    const lines = outcomesOf(bucket).filter((line) => line.outcome === 'moved');
    expect(new Set(lines.map(({ key }) => key))).toEqual(new Set(HOSTILE));
    expect(lines).toHaveLength(HOSTILE.length * 2);
    const verified = await verifyBucket(stand.store(), { bucket, activeKeyArn: stand.newKey });
    expect(verified.byKey).toEqual({ [stand.newKey]: HOSTILE.length * 2 });
  });

  test('leaves what a job cannot move to the local engine, in the same table', async () => {
    const bucket = await stand.bucket('mixed', 'Enabled');
    for (let n = 0; n < 10; n += 1) await stand.put(bucket, `n${n}`);
    await stand.put(bucket, 'both layers', { ServerSideEncryption: 'aws:kms:dsse', BucketKeyEnabled: undefined });
    const done = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket));
    expect(done).toMatchObject({ complete: true, moved: 10, blockedTotal: 1, failedTotal: 0 });
    expect(done.blocked).toMatchObject([{ key: 'both layers', reason: 'dual-layer' }]);
    expect(outcomesOf(bucket)).toContainEqual(
      expect.objectContaining({ key: 'both layers', outcome: 'failed-in-job' }),
    );
    expect(outcomesOf(bucket)).toContainEqual(expect.objectContaining({ key: 'both layers', outcome: 'blocked' }));
  });

  test('moves what writers added while the job ran', async () => {
    const bucket = await stand.bucket('writers', 'Enabled');
    for (let n = 0; n < 5; n += 1) await stand.put(bucket, `n${n}`);
    const request = stand.jobsRequest(bucket, {
      confirm: async () => {
        await stand.put(bucket, 'n0', { Body: 'newer' });
        await stand.put(bucket, 'late');
        return true;
      },
    });
    const done = await reencryptBucketByJobs(stand.tools(), request);
    expect(done).toMatchObject({ complete: true, moved: 7 });
    const verified = await verifyBucket(stand.store(), { bucket, activeKeyArn: stand.newKey });
    expect(verified.leftTotal).toBe(0);
  });

  test('creates no second job when it is run again', async () => {
    const bucket = await stand.bucket('again', 'Enabled');
    await stand.put(bucket, 'one');
    const first = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket));
    const second = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket));
    expect(second.jobs.map(({ jobId }) => jobId)).toEqual(first.jobs.map(({ jobId }) => jobId));
    expect(second).toMatchObject({ complete: true, moved: 0 });
    await stand.put(bucket, 'two');
    const repeated = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket, { newJob: true }));
    expect(repeated.jobs).toMatchObject([{ attempt: 2 }]);
  });

  test('ends partly done when the job is not confirmed, and then resumes it', async () => {
    const bucket = await stand.bucket('unconfirmed', 'Enabled');
    await stand.put(bucket, 'one');
    const first = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket, { confirm: async () => false }));
    expect(first).toMatchObject({
      complete: false,
      stopped: { because: 'unconfirmed' },
      jobs: [{ status: 'Suspended', total: 1 }],
    });
    const second = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket));
    expect(second).toMatchObject({ complete: true, moved: 1, jobs: [{ jobId: first.jobs[0]?.jobId }] });
    const { Versions = [] } = await stand.s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    expect(Versions).toHaveLength(1);
  });
});
