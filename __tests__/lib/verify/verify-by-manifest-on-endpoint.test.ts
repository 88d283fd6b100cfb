import { manifestLister } from '../../../lib/batch/generated-manifest';
import { JobFiles } from '../../../lib/batch/job-files';
import { openJobs } from '../../../lib/batch/jobs';
import type { BucketVerification } from '../../../lib/verify/bucket-verification';
import { type ManifestVerifyRequest, verifyByManifest } from '../../../lib/verify/verify-by-manifest';
import type { LocalAwsOptions } from '../../../local-aws';
import { type BatchStand, batchStand, JOBS_BUCKET } from '../../local-aws/s3-control/batch-stand';

const DAY = 86_400_000;
let stand: BatchStand;

afterEach(async () => stand.close());

async function opened(options: LocalAwsOptions = {}): Promise<void> {
  stand = await batchStand(options);
}

/** Objects under the new key and, where told, under the old one, all of them a day old. */
async function bucketOf(name: string, moved: readonly string[], left: readonly string[], status?: 'Enabled') {
  await stand.bucket(name, status);
  // Answers bear the host's date, so that the past is where objects of another day are written.
  stand.aws.clock.offset = -DAY;
  for (const key of moved) await stand.put(name, key, { SSEKMSKeyId: stand.newKey });
  for (const key of left) await stand.put(name, key);
  stand.aws.clock.offset = 0;
}

async function verify(
  bucket: string,
  over: Partial<ManifestVerifyRequest> = {},
  roleArn = stand.roleArn,
): Promise<BucketVerification> {
  const { aws, s3, control, account, newKey, oldKey } = stand;
  const jobs = openJobs({ client: control, account });
  const tools = { jobs, cleanUp: jobs, files: new JobFiles({ s3, bucket: JOBS_BUCKET, region: aws.region }) };
  const listUnderKey = await manifestLister(tools, {
    rotation: 'r',
    bucket,
    activeKeyArn: newKey,
    place: { account, roleArn, bucket: JOBS_BUCKET, prefix: 'keyturn/r/', priority: 1 },
    poll: { firstMs: 5, mostMs: 5 },
  });
  return verifyByManifest(stand.store(), listUnderKey, {
    bucket,
    activeKeyArn: newKey,
    supersededKeyArns: [oldKey],
    noConcurrentWrites: false,
    ...over,
  });
}

describe.each([
  ['csv', 'fail', 'current'],
  ['inventory', 'run', 'all-versions'],
] as const)('on the endpoint, with manifests as %s, empty ones that %s, and %s', (format, empty, versions) => {
  const options = {
    batch: { generatedManifestFormat: format, emptyManifests: empty, generatedManifests: versions },
  } as const;

  it('finds nothing left in a moved bucket by a sample alone, and leaves no job behind', async () => {
    await opened(options);
    await bucketOf('data', ['a', 'b', 'c', 'd e', 'f+g'], []);
    const found = await verify('data', { sample: 2 });
    expect(found).toMatchObject({
      leftTotal: 0,
      unknownTotal: 0,
      covers: [stand.oldKey],
      byKey: { [stand.newKey]: 2 },
    });
    expect(found.sources).toMatchObject({ because: undefined, notInspected: 3, heads: { sample: 2 } });
    expect(stand.aws.jobs.ids.map((id) => stand.aws.jobs.status(id)).filter((one) => one === 'Suspended')).toEqual([]);
  });

  it('inspects what is left, whatever its name, and nothing else', async () => {
    await opened(options);
    const left = ['left', 'left + "more", ü\n%2F'];
    await bucketOf('data', ['a', 'b'], left);
    const found = await verify('data', { sample: 0 });
    expect(found.left.map((one) => one.key).sort()).toEqual([...left].sort());
    expect(found.sources.heads).toEqual({ 'named by a generated manifest': 2 });
  });

  it('inspects noncurrent versions where writers are paused', async () => {
    await opened(options);
    await bucketOf('data', ['z'], ['a'], 'Enabled');
    await stand.put('data', 'a', { SSEKMSKeyId: stand.newKey });
    const found = await verify('data', { sample: 0, noConcurrentWrites: true });
    expect(found.left.map((one) => one.key)).toEqual(['a']);
    expect(found.sources.because).toBeUndefined();
  });
});

it('fails when the role may not list', async () => {
  await opened();
  await bucketOf('data', ['a'], ['left']);
  await expect(verify('data', {}, `arn:aws:iam::${stand.account}:role/none`)).rejects.toMatchObject({
    code: 'job-role-missing',
  });
});
