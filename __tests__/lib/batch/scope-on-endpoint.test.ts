import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { HeadObjectCommand } from '@aws-sdk/client-s3';

import { reencryptBucketByJobs } from '../../../lib/batch/batch-reencrypt';
import type { JobSpec } from '../../../lib/batch/job-spec';
import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import type { ObjectStore } from '../../../lib/s3/store';
import { alsoFrom } from '../s3/memory-store';
import { type JobsStand, jobsStand } from './jobs-stand';

const SSE_S3 = { ServerSideEncryption: 'AES256', SSEKMSKeyId: undefined, BucketKeyEnabled: undefined } as const;

let stand: JobsStand;
let tenantKey: string;
beforeAll(async () => {
  stand = await jobsStand();
  tenantKey = (await stand.kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
});
afterAll(() => stand.close());

async function tenants(name: string, versioning?: 'Enabled'): Promise<string> {
  const bucket = await stand.bucket(name, versioning);
  // Older than the attempt: what is written in the second that it begins in is inspected twice.
  stand.aws.clock.offset = -60_000;
  await stand.put(bucket, 'common/a');
  await stand.put(bucket, 'common/there', { SSEKMSKeyId: stand.newKey });
  await stand.put(bucket, 'public/a', SSE_S3);
  await stand.put(bucket, 'tenant7/a', { SSEKMSKeyId: tenantKey });
  stand.aws.clock.offset = 0;
  return bucket;
}

const keyOf = async (Bucket: string, Key: string) =>
  (await stand.s3.send(new HeadObjectCommand({ Bucket, Key }))).SSEKMSKeyId;
const keys = async (bucket: string) =>
  Promise.all(['common/a', 'common/there', 'public/a', 'tenant7/a'].map((key) => keyOf(bucket, key)));

describe.each([
  ['a manifest of Keyturn', 'Enabled'],
  ['a manifest that S3 generates', undefined],
] as const)('a job on %s', (kind, versioning) => {
  const short = versioning === 'Enabled' ? 'listed' : 'generated';

  it('moves what the local engine moves, and leaves the rest alone', async () => {
    const [local, bucket] = [await tenants(`local-${short}`, versioning), await tenants(`jobs-${short}`, versioning)];
    const request = stand.jobsRequest(bucket);
    const byHand = await reencryptBucket(stand.store(), stand.request(local, { sources: request.sources }));
    const specs: JobSpec[] = [];
    const byJobs = await reencryptBucketByJobs(stand.tools(), {
      ...request,
      onSpec: async (spec) => void specs.push(spec),
    });
    const { moved, alreadyThere, outOfScope } = byHand;
    expect(byJobs).toMatchObject({ engine: 'batch', moved, alreadyThere, outOfScope, failedTotal: 0, complete: true });
    expect(outOfScope).toEqual({ 'SSE-S3': 1, [tenantKey]: 1 });
    expect(await keys(bucket)).toEqual([stand.newKey, stand.newKey, undefined, tenantKey]);
    expect(await keys(local)).toEqual(await keys(bucket));
    expect(byJobs.jobs.map(({ total }) => total)).toEqual([1]);
    expect(JSON.stringify(specs)).not.toContain(kind === 'a manifest of Keyturn' ? 'ManifestGenerator' : '[{"SSES3"');
  });

  it('moves what reencrypt.from names', async () => {
    const bucket = await tenants(`named-${short}`, versioning);
    const request = stand.jobsRequest(bucket);
    const sources = alsoFrom({ sseS3: true, keyArns: [tenantKey] }, request.sources);
    const done = await reencryptBucketByJobs(stand.tools(), { ...request, sources });
    expect(done).toMatchObject({ moved: 3, outOfScope: {}, complete: true });
    expect(await keys(bucket)).toEqual(Array(4).fill(stand.newKey));
  });
});

it('lists by itself where the sources are any, also in a bucket without versions', async () => {
  const bucket = await tenants('any-unversioned');
  const request = stand.jobsRequest(bucket);
  const done = await reencryptBucketByJobs(stand.tools(), {
    ...request,
    sources: alsoFrom({ any: true }, request.sources),
  });
  expect(done).toMatchObject({ moved: 3, alreadyThere: 1, outOfScope: {} });
  expect(done.jobs.map(({ part }) => part)).toEqual(['all']);
});

it('gives no row to an annotated version, and blocks it', async () => {
  const bucket = await tenants('annotated', 'Enabled');
  await stand.put(bucket, 'common/annotated');
  const tools = stand.tools();
  const store: ObjectStore = { ...tools.store, annotated: async (ref) => ref.key === 'common/annotated' };
  const done = await reencryptBucketByJobs({ ...tools, store }, stand.jobsRequest(bucket));
  expect(done).toMatchObject({ moved: 1, blockedTotal: 1, complete: true });
  expect(done.blocked).toMatchObject([{ key: 'common/annotated', reason: 'annotated' }]);
  expect(await keyOf(bucket, 'common/annotated')).toBe(stand.oldKey);
});
