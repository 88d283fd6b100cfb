import { PutObjectCommand } from '@aws-sdk/client-s3';
import { reencryptBucketByJobs } from '../../../lib/batch/batch-reencrypt';
import { JobFiles } from '../../../lib/batch/job-files';
import type { JobSpec } from '../../../lib/batch/job-spec';
import { JOBS_BUCKET, type JobsStand, jobsStand } from './jobs-stand';

let stand: JobsStand;
beforeAll(async () => {
  stand = await jobsStand();
});
afterAll(() => stand.close());

test('names the ETag that S3 answered to the upload, whatever stands at that key later', async () => {
  const bucket = await stand.bucket('replaced', 'Enabled');
  await stand.put(bucket, 'one');
  await stand.put(bucket, 'two');
  let answered = '';
  stand.productS3.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      if (context.commandName !== 'CompleteMultipartUploadCommand' || answered !== '') return result;
      answered = String((result.output as { ETag?: string }).ETag).replaceAll('"', '');
      const { Key } = args.input as { Key?: string };
      await stand.s3.send(new PutObjectCommand({ Bucket: JOBS_BUCKET, Key, Body: `${bucket},one,null\n` }));
      return result;
    },
    { step: 'initialize', name: 'replaces-manifest' },
  );
  const specs: JobSpec[] = [];
  const request = stand.jobsRequest(bucket, { onSpec: async (spec) => void specs.push(spec) });
  const ended = await reencryptBucketByJobs(stand.tools(), request).catch((error: unknown) => error);
  stand.productS3.middlewareStack.remove('replaces-manifest');
  expect(specs[0]?.Manifest?.Location.ETag).toBe(answered);
  // S3 reads a manifest only with the ETag that the job names.
  expect(ended).toMatchObject({ code: 'job-failed' });
});

test('uploads another manifest beside a file that nobody summed up', async () => {
  const bucket = await stand.bucket('beside', 'Enabled');
  await stand.put(bucket, 'one');
  const Key = `keyturn/rot/manifests/${bucket}/rewrap-${stand.newKey.split('/')[1]}-1/all.csv`;
  stand.productS3.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName === 'HeadObjectCommand' && (args.input as { Key?: string }).Key === Key)
        await stand.s3.send(new PutObjectCommand({ Bucket: JOBS_BUCKET, Key, Body: `${bucket},other,null\n` }));
      return next(args);
    },
    { step: 'initialize', name: 'writes-before' },
  );
  const done = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket));
  stand.productS3.middlewareStack.remove('writes-before');
  expect(done).toMatchObject({ complete: true, moved: 1, jobs: [{ total: 1, succeeded: 1 }] });
  expect(done.jobs[0]?.manifest?.objectArn).toMatch(/all-[0-9a-f-]{36}\.csv$/);
});

test('names the owner of the bucket of manifests in every call', async () => {
  const bucket = await stand.bucket('owned', 'Enabled');
  await stand.put(bucket, 'one');
  const without: string[] = [];
  stand.productS3.middlewareStack.add(
    (next, context) => async (args) => {
      const input = args.input as { Bucket?: string; ExpectedBucketOwner?: string };
      if (input.Bucket === JOBS_BUCKET && input.ExpectedBucketOwner !== stand.account)
        without.push(String(context.commandName));
      return next(args);
    },
    { step: 'initialize', name: 'sees-owner' },
  );
  await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket));
  stand.productS3.middlewareStack.remove('sees-owner');
  expect(without).toEqual([]);
});

test('refuses a bucket of manifests that belongs to another account', async () => {
  const files = new JobFiles({
    s3: stand.productS3,
    bucket: JOBS_BUCKET,
    owner: '210987654321',
    region: stand.aws.region,
  });
  await expect(files.create('k.json', Buffer.from('{}'))).rejects.toMatchObject({ code: 'aws-access-denied' });
  await expect(files.text('k.json')).rejects.toMatchObject({ code: 'aws-access-denied' });
});
