import { faultsOf, parse, textWith } from './rotation-texts';

const refuses = async (change: Record<string, unknown>, ...at: string[]) =>
  expect((await faultsOf(textWith(change))).map((fault) => fault.path)).toEqual(at);

const batch = { bucket: 'test-jobs' };
const jobs = (more: Record<string, unknown> = {}) => ({ reencrypt: { engine: 'batch', batch, ...more } });
const evidence = { bucket: { name: 'test-evidence' } };

describe('jobs of S3 Batch Operations', () => {
  it('have their settings filled in', async () => {
    const { reencrypt } = await parse(textWith({ reencrypt: { engine: 'auto', batch } }));
    expect(reencrypt).toEqual({
      method: 'rewrap',
      from: [],
      engine: 'auto',
      batch: {
        bucket: 'test-jobs',
        manage: 'bucket',
        fromVersions: 10_000_000,
        manifest: 'auto',
        verify: 'heads',
        priority: 10,
        noConcurrentWrites: false,
      },
    });
  });

  it.each(['batch', 'auto'])('are refused without their settings, with engine: %s', (engine) =>
    refuses({ reencrypt: { engine } }, 'reencrypt.batch'),
  );

  it('are refused settings that nothing would use', () => refuses({ reencrypt: { batch } }, 'reencrypt.batch'));

  it.each<[string, Record<string, unknown>, string]>([
    ['another engine', { engine: 'cluster' }, 'reencrypt.engine'],
    ['no bucket', { batch: {} }, 'reencrypt.batch.bucket'],
    ['a bucket by its address', { batch: { bucket: 's3://test-jobs' } }, 'reencrypt.batch.bucket'],
    ['another way to manage it', { batch: { ...batch, manage: 'encryption' } }, 'reencrypt.batch.manage'],
    ['a threshold of none', { batch: { ...batch, fromVersions: 0 } }, 'reencrypt.batch.fromVersions'],
    ['more versions than a job', { batch: { ...batch, fromVersions: 2e10 + 1 } }, 'reencrypt.batch.fromVersions'],
    ['another manifest', { batch: { ...batch, manifest: 'inventory' } }, 'reencrypt.batch.manifest'],
    ['another verification', { batch: { ...batch, verify: 'none' } }, 'reencrypt.batch.verify'],
    ['a priority below 0', { batch: { ...batch, priority: -1 } }, 'reencrypt.batch.priority'],
    ['a promise in quotes', { batch: { ...batch, noConcurrentWrites: 'yes' } }, 'reencrypt.batch.noConcurrentWrites'],
  ])('refuse %s', (_name, change, at) => refuses(jobs(change), at));

  it('copy only with noConcurrentWrites, and only objects of the Keyturn listing', async () => {
    await refuses(jobs({ method: 'rewrite' }), 'reencrypt.batch.noConcurrentWrites');
    const paused = { ...batch, noConcurrentWrites: true };
    await refuses(jobs({ method: 'rewrite', batch: { ...paused, manifest: 'generated' } }), 'reencrypt.batch.manifest');
    expect(await faultsOf(textWith(jobs({ method: 'rewrite', batch: paused })))).toEqual([]);
    expect(await faultsOf(textWith(jobs({ batch: { ...batch, manifest: 'generated' } })))).toEqual([]);
  });

  it('are refused with strategy: in-place, where no object moves', () =>
    refuses({ strategy: 'in-place', ...jobs() }, 'reencrypt'));
});

describe('the evidence bucket', () => {
  it('keeps files for a year that some may bypass, unless the file says otherwise', async () => {
    const retention = { mode: 'COMPLIANCE', days: 2555 };
    expect((await parse(textWith({ evidence }))).evidence).toEqual({
      bucket: { name: 'test-evidence', retention: { mode: 'GOVERNANCE', days: 365 } },
    });
    expect((await parse(textWith({ evidence: { bucket: { name: 'test-evidence', retention } } }))).evidence).toEqual({
      bucket: { name: 'test-evidence', retention },
    });
    expect((await parse(textWith())).evidence).toEqual({ bucket: undefined });
  });

  it('serves a rotation in place too', async () =>
    expect(await faultsOf(textWith({ strategy: 'in-place', evidence }))).toEqual([]));

  it.each<[string, Record<string, unknown>, string]>([
    ['no name', {}, 'evidence.bucket.name'],
    ['another mode', { name: 'test-evidence', retention: { mode: 'compliance' } }, 'evidence.bucket.retention.mode'],
    ['no day', { name: 'test-evidence', retention: { days: 0 } }, 'evidence.bucket.retention.days'],
    ['over a hundred years', { name: 'test-evidence', retention: { days: 36_501 } }, 'evidence.bucket.retention.days'],
  ])('is refused with %s', (_name, bucket, at) => refuses({ evidence: { bucket } }, at));
});

describe('a bucket that serves the rotation', () => {
  const state = (bucket: string) => ({ terraform: { backend: 's3', s3: { bucket, region: 'eu-west-1' } } });
  const also = { retire: { verifyOnlyBuckets: ['test-jobs', 'test-evidence'] } };

  it('is refused when it is a bucket of the rotation', async () => {
    await refuses(jobs({ batch: { bucket: 'test-bucket' } }), 'reencrypt.batch.bucket');
    await refuses({ evidence: { bucket: { name: 'test-bucket' } } }, 'evidence.bucket.name');
  });

  it('is refused when it is verified', async () => {
    await refuses({ ...jobs(), ...also }, 'reencrypt.batch.bucket');
    await refuses({ evidence, ...also }, 'evidence.bucket.name');
  });

  it('is refused when it holds Terraform’s state, in whatever Region the file believes it', async () => {
    await refuses({ ...jobs(), ...state('test-jobs') }, 'reencrypt.batch.bucket');
    await refuses({ evidence, ...state('test-evidence') }, 'evidence.bucket.name');
  });

  it('is refused when it serves the other purpose', async () => {
    await refuses({ ...jobs(), evidence: { bucket: { name: 'test-jobs' } } }, 'evidence.bucket.name');
    const [fault] = await faultsOf(textWith({ ...jobs(), evidence: { bucket: { name: 'test-jobs' } } }));
    expect(fault?.given).toBe('"test-jobs", which is also the bucket for manifests and reports');
    expect(fault?.allowed).toBe('a bucket used only as the evidence bucket');
  });

  it('stands beside all the others', async () =>
    expect(
      await faultsOf(
        textWith({ ...jobs(), evidence, retire: { verifyOnlyBuckets: ['other-bucket'] }, ...state('state-bucket') }),
      ),
    ).toEqual([]));
});

describe('what is moved besides the versions of the rotation', () => {
  const key = 'arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555';

  it('is nothing by default, and what the file names', async () => {
    expect((await parse(textWith())).reencrypt.from).toEqual([]);
    const from = ['sse-s3', 'aws/s3', key];
    expect((await parse(textWith({ reencrypt: { from } }))).reencrypt.from).toEqual(from);
    expect((await parse(textWith({ reencrypt: { from: ['any'] } }))).reencrypt.from).toEqual(['any']);
  });

  it.each([
    ['an alias', 'alias/tenant-7'],
    ['the ARN of an alias', 'arn:aws:kms:ap-northeast-1:111122223333:alias/tenant-7'],
    ['the alias of aws/s3', 'alias/aws/s3'],
    ['a bare id', '11111111-2222-3333-4444-555555555555'],
    ['an encryption that no KMS key holds', 'sse-c'],
  ])('refuses %s', (_name, source) => refuses({ reencrypt: { from: [source] } }, 'reencrypt.from[0]'));

  it('refuses a key of another Region, one that is a version, a source twice, and any with others', async () => {
    await refuses({ reencrypt: { from: [key.replace('ap-northeast-1', 'us-east-1')] } }, 'reencrypt.from[0]');
    const keyVersions = [{ name: 'v1', keyArn: key }, { name: 'v2' }];
    await refuses({ keyVersions, activeVersion: 'v2', reencrypt: { from: [key] } }, 'reencrypt.from[0]');
    await refuses({ reencrypt: { from: ['sse-s3', 'sse-s3'] } }, 'reencrypt.from[1]');
    await refuses({ reencrypt: { from: ['any', 'sse-s3'] } }, 'reencrypt.from');
  });

  it('refuses any where S3 is to list by keys', () =>
    refuses(jobs({ from: ['any'], batch: { ...batch, manifest: 'generated' } }), 'reencrypt.batch.manifest'));
});

describe('pinned writers', () => {
  const buckets = (manage: string, pinWriters: boolean) => ({ buckets: [{ name: 'test-bucket', manage, pinWriters }] });

  it('are for a bucket that the stack owns', async () => {
    expect((await parse(textWith(buckets('bucket', true)))).buckets[0]).toMatchObject({ pinWriters: true });
    expect((await parse(textWith(buckets('encryption', false)))).buckets[0]).toMatchObject({ pinWriters: false });
  });

  it('refuses them where somebody else owns the bucket policy', () =>
    refuses(buckets('encryption', true), 'buckets[0].pinWriters'));
});
