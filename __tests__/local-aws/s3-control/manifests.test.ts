import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, HeadObjectCommand, PutBucketEncryptionCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { JobDescriptor, JobManifestGeneratorFilter } from '@aws-sdk/client-s3-control';
import type { LocalAwsOptions } from '../../../local-aws';
import { type BatchStand, batchStand, JOBS_BUCKET } from './batch-stand';

let stand: BatchStand;
let made = 0;

async function open(options: LocalAwsOptions = {}): Promise<BatchStand> {
  await stand?.close();
  stand = await batchStand(options);
  return stand;
}
beforeAll(() => open());
afterAll(() => stand.close());

async function bucketOf(keys: readonly string[], versioning?: 'Enabled'): Promise<string> {
  made += 1;
  const bucket = await stand.bucket(`manifests-${made}`, versioning);
  for (const key of keys) await stand.put(bucket, key);
  return bucket;
}

const reason = ({ Status, FailureReasons = [] }: JobDescriptor) => [Status, FailureReasons[0]?.FailureReason];

describe('a CSV manifest', () => {
  it('names objects by URL-encoded key', async () => {
    const names = ['plain', 'a b', 'a+b', 'ü/ß', 'with"quote', 'with,comma'];
    const bucket = await bucketOf(names);
    const rows = names.map((name) => `${bucket},${encodeURIComponent(name)}`);
    const job = await stand.run(bucket, await stand.manifest(rows));
    expect(job.ProgressSummary).toMatchObject({ NumberOfTasksSucceeded: names.length, NumberOfTasksFailed: 0 });
  });

  it('names versions, and moves exactly those', async () => {
    const bucket = await bucketOf([], 'Enabled');
    const old = (await stand.put(bucket, 'a')) ?? '';
    const current = (await stand.put(bucket, 'a')) ?? '';
    const manifest = await stand.manifest([`${bucket},a,${old}`], ['Bucket', 'Key', 'VersionId']);
    expect((await stand.run(bucket, manifest)).ProgressSummary).toMatchObject({ NumberOfTasksSucceeded: 1 });
    const keyOf = async (VersionId: string) =>
      (await stand.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'a', VersionId }))).SSEKMSKeyId;
    expect([await keyOf(old), await keyOf(current)]).toEqual([stand.newKey, stand.oldKey]);
  });

  it('fails the task whose version ID is empty, and no other', async () => {
    const bucket = await bucketOf(['a', 'b'], 'Enabled');
    const version = (await stand.put(bucket, 'b')) ?? '';
    const manifest = await stand.manifest([`${bucket},a,`, `${bucket},b,${version}`], ['Bucket', 'Key', 'VersionId']);
    const job = await stand.run(bucket, manifest);
    expect(job.ProgressSummary).toMatchObject({ NumberOfTasksSucceeded: 1, NumberOfTasksFailed: 1 });
    expect(await stand.report(job.JobId ?? '')).toContainEqual(
      expect.objectContaining({ key: 'a', code: 'InvalidRequest', message: 'Task failed due to missing VersionId' }),
    );
  });

  it.each([
    ['a row without a key', ['BUCKET'], 'Row 1 of the manifest has 1 fields and 2 were declared.'],
    ['broken encoding', ['BUCKET,%zz'], 'Row 1 of the manifest has a key that is not URL-encoded.'],
    ['an empty line', ['BUCKET,a', ''], 'Row 2 of the manifest has 1 fields and 2 were declared.'],
    ['an open quote', ['"BUCKET,a'], 'The manifest is not a well-formed CSV.'],
    ['another bucket', ['BUCKET,a', 'other,a'], 'The manifest names another bucket in row 2: other.'],
    ['no row', [], 'The manifest is empty.'],
  ])('fails the job for %s', async (_, rows, message) => {
    const bucket = await bucketOf(['a']);
    const manifest = await stand.manifest(rows.map((row) => row.replace('BUCKET', bucket)));
    expect(reason(await stand.run(bucket, manifest))).toEqual(['Failed', message]);
  });

  it('fails the job when it is no longer the object whose entity tag was given', async () => {
    const bucket = await bucketOf(['a']);
    const given = await stand.manifest([`${bucket},a`]);
    const Key = given.Manifest?.Location?.ObjectArn?.split('/').slice(1).join('/');
    await stand.s3.send(new PutObjectCommand({ Bucket: JOBS_BUCKET, Key, Body: `${bucket},b\n` }));
    expect(reason(await stand.run(bucket, given))).toEqual([
      'Failed',
      'The ETag of the manifest object is not the ETag of the job.',
    ]);
  });

  it('fails the job when it is encrypted under KMS, as it is where the default of its bucket says so', async () => {
    const bucket = await bucketOf(['a']);
    const SSEAlgorithm = 'aws:kms' as const;
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm, KMSMasterKeyID: stand.oldKey } }];
    await stand.s3.send(
      new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration: { Rules } }),
    );
    const put = { Bucket: bucket, Key: 'manifest.csv', Body: `${bucket},a\n` };
    const { ETag = '' } = await stand.s3.send(new PutObjectCommand(put));
    const Manifest = {
      Spec: { Format: 'S3BatchOperations_CSV_20180820' as const, Fields: ['Bucket' as const, 'Key' as const] },
      Location: { ObjectArn: `arn:aws:s3:::${bucket}/manifest.csv`, ETag },
    };
    expect(reason(await stand.run(bucket, { Manifest }))).toEqual([
      'Failed',
      'CSV manifests that are encrypted with SSE-KMS are not supported.',
    ]);
  });
});

describe('a generated manifest', () => {
  const filtered = async (bucket: string, Filter: JobManifestGeneratorFilter): Promise<readonly string[]> => {
    const { S3JobManifestGenerator: asked } = written(bucket);
    const ManifestGenerator = { S3JobManifestGenerator: { ...asked, Filter } };
    const job = await stand.run(bucket, { ManifestGenerator, ConfirmationRequired: true });
    if (job.Status === 'Failed') return [];
    const csv = await stand.text(place(job).Key);
    return Array.from(csv.matchAll(/^"[^"]*","([^"]*)"$/gm), ([, key]) => key ?? '').toSorted();
  };

  it('lists what is under one key', async () => {
    const bucket = await bucketOf(['old-1', 'old-2']);
    await stand.put(bucket, 'new', { SSEKMSKeyId: stand.newKey });
    await stand.put(bucket, 'plain', {
      ServerSideEncryption: 'AES256',
      SSEKMSKeyId: undefined,
      BucketKeyEnabled: undefined,
    });
    await stand.put(bucket, 'dual', { ServerSideEncryption: 'aws:kms:dsse', BucketKeyEnabled: undefined });
    const only = (filter: object) => filtered(bucket, { MatchAnyObjectEncryption: [filter as never] });
    expect(await only({ SSEKMS: { KmsKeyArn: stand.oldKey } })).toEqual(['old-1', 'old-2']);
    expect(await only({ SSEKMS: { KmsKeyArn: stand.newKey } })).toEqual(['new']);
    expect(await only({ SSEKMS: { BucketKeyEnabled: false } })).toEqual([]);
    expect(await only({ SSES3: {} })).toEqual(['plain']);
    expect(await only({ DSSEKMS: { KmsKeyArn: stand.oldKey } })).toEqual(['dual']);
    expect(await only({ SSEC: {} })).toEqual([]);
    expect(await only({ NOTSSE: {} })).toEqual([]);
  });

  it('lists by name, size, age and storage class', async () => {
    const bucket = await bucketOf(['logs/a.gz', 'logs/b.txt', 'data/a.gz']);
    await stand.put(bucket, 'data/long', { Body: 'x'.repeat(5000), StorageClass: 'STANDARD_IA' });
    expect(
      await filtered(bucket, { KeyNameConstraint: { MatchAnyPrefix: ['logs/'], MatchAnySuffix: ['.gz'] } }),
    ).toEqual(['logs/a.gz']);
    expect(await filtered(bucket, { KeyNameConstraint: { MatchAnySubstring: ['b.', 'lon'] } })).toEqual([
      'data/long',
      'logs/b.txt',
    ]);
    expect(await filtered(bucket, { ObjectSizeGreaterThanBytes: 1000 })).toEqual(['data/long']);
    expect(await filtered(bucket, { MatchAnyStorageClass: ['STANDARD_IA'] })).toEqual(['data/long']);
    expect(await filtered(bucket, { CreatedAfter: new Date(Date.now() + 60_000) })).toEqual([]);
    expect(
      await filtered(bucket, { CreatedBefore: new Date(Date.now() + 60_000), ObjectSizeLessThanBytes: 1000 }),
    ).toHaveLength(3);
  });

  it('fails the job when nothing matches', async () => {
    const bucket = await bucketOf([]);
    expect(reason(await stand.run(bucket))).toEqual([
      'Failed',
      'Manifest generation found no keys matching the filter criteria.',
    ]);
  });

  const written = (bucket: string) => ({
    S3JobManifestGenerator: {
      SourceBucket: `arn:aws:s3:::${bucket}`,
      EnableManifestOutput: true,
      ManifestOutputLocation: {
        Bucket: `arn:aws:s3:::${JOBS_BUCKET}`,
        ManifestPrefix: 'generated',
        ManifestFormat: 'S3InventoryReport_CSV_20211130' as const,
        ManifestEncryption: { SSES3: {} },
      },
    },
  });
  const place = (job: JobDescriptor) => {
    const { ObjectArn = '', ETag = '' } = job.GeneratedManifestDescriptor?.Location ?? {};
    return { Bucket: JOBS_BUCKET, Key: ObjectArn.replace(`arn:aws:s3:::${JOBS_BUCKET}/`, ''), ETag };
  };

  it('is written for whoever wants to read it before it is run', async () => {
    const bucket = await bucketOf(['a b', 'c']);
    const job = await stand.run(bucket, { ManifestGenerator: written(bucket), ConfirmationRequired: true });
    const { Bucket, Key, ETag } = place(job);
    const object = await stand.s3.send(new GetObjectCommand({ Bucket, Key }));
    expect(object).toMatchObject({ ETag: `"${ETag}"`, ServerSideEncryption: 'AES256' });
    expect(await object.Body?.transformToString()).toBe(`"${bucket}","a+b"\n"${bucket}","c"\n`);
    expect(job.GeneratedManifestDescriptor?.Format).toBe('S3InventoryReport_CSV_20211130');
  });

  it('fails the job where its source or its place belongs to another account than the job expects', async () => {
    const bucket = await bucketOf(['a']);
    const { S3JobManifestGenerator: asked } = written(bucket);
    const stranger = '999999999999';
    const ofStranger = { ...asked, ExpectedBucketOwner: stranger };
    const elsewhere = { ...asked.ManifestOutputLocation, ExpectedManifestBucketOwner: stranger };
    for (const S3JobManifestGenerator of [ofStranger, { ...asked, ManifestOutputLocation: elsewhere }]) {
      const job = await stand.run(bucket, { ManifestGenerator: { S3JobManifestGenerator } });
      expect(reason(job)).toEqual(['Failed', expect.stringContaining('AccessDenied')]);
    }
  });

  it('lists current versions only, unless the endpoint is told that it lists all', async () => {
    await open();
    const bucket = await bucketOf(['a', 'a'], 'Enabled');
    expect((await stand.run(bucket)).ProgressSummary?.TotalNumberOfTasks).toBe(1);
    await open({ batch: { generatedManifests: 'all-versions' } });
    const other = await bucketOf(['a', 'a'], 'Enabled');
    expect((await stand.run(other)).ProgressSummary?.TotalNumberOfTasks).toBe(2);
  });

  it('may be empty, and may be an inventory, where the endpoint is told so', async () => {
    await open({ batch: { emptyManifests: 'run', generatedManifestFormat: 'inventory' } });
    expect(await stand.run(await bucketOf([]))).toMatchObject({
      Status: 'Complete',
      ProgressSummary: { TotalNumberOfTasks: 0 },
    });
    const bucket = await bucketOf(['a']);
    const job = await stand.run(bucket, { ManifestGenerator: written(bucket) });
    const inventory = JSON.parse(await stand.text(place(job).Key));
    expect(inventory).toMatchObject({ fileFormat: 'CSV', fileSchema: 'Bucket, Key' });
    const [file] = inventory.files;
    const packed = await stand.s3.send(new GetObjectCommand({ Bucket: JOBS_BUCKET, Key: file.key }));
    const bytes = Buffer.from((await packed.Body?.transformToByteArray()) ?? []);
    expect(createHash('md5').update(bytes).digest('hex')).toBe(file.MD5checksum);
    expect(gunzipSync(bytes).toString()).toBe(`"${bucket}","a"\n`);
  });
});
