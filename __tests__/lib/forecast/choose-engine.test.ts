import { chooseEngine } from '../../../lib/forecast/choose-engine';
import { AdaptiveLimiter } from '../../../lib/s3/adaptive-limiter';
import { withPacingAndRetry } from '../../../lib/s3/pacing-and-retry';
import { StoreFault } from '../../../lib/s3/store-fault';
import { MemoryBucket, memoryStore } from '../s3/memory-store';

function bucketOf(versions: number): MemoryBucket {
  const bucket = new MemoryBucket();
  bucket.versioning = 'enabled';
  bucket.pageSize = 10;
  for (let at = 0; at < versions; at += 1) bucket.put(`k${at % 20}`);
  return bucket;
}

const choose = (bucket: MemoryBucket, fromVersions: number) =>
  chooseEngine(memoryStore(bucket), withPacingAndRetry(new AdaptiveLimiter(), {}, undefined), {
    bucket: 'b',
    fromVersions,
    bucketKey: true,
    region: 'ap-northeast-1',
    method: 'rewrap',
    verify: 'heads',
  });

describe('the choice of an engine', () => {
  it('counts the whole of a bucket below the threshold, noncurrent versions too, and takes the local engine', async () => {
    const found = await choose(bucketOf(40), 41);
    expect(found).toMatchObject({ engine: 'local', versions: 40, noncurrent: 20, isWhole: true });
    expect(found.why).toBe('b holds 40 object versions; jobs are taken from 41 on');
  });

  it('takes jobs from the threshold on', async () => {
    expect(await choose(bucketOf(40), 40)).toMatchObject({ engine: 'batch' });
  });

  it('lists no further than it must', async () => {
    const bucket = bucketOf(400);
    const found = await choose(bucket, 25);
    expect(found).toMatchObject({ engine: 'batch', versions: 30, isWhole: false });
    expect(found.why).toContain('at least 30');
    // Three pages, one ahead, and the first key once more (two pages), because a page ends with its last version.
    expect(bucket.log.filter((one) => one === 'ListObjectVersions')).toHaveLength(3 + 1 + 2);
  });

  it('tells time and cost by either engine, and what of them is not confirmed', async () => {
    const { local, batch } = (await choose(bucketOf(40), 40)).forecasts;
    expect(local).toMatchObject({ engine: 'local', jobs: 0, assumed: [] });
    expect(batch).toMatchObject({ engine: 'batch', jobs: 1 });
    expect(batch.assumed.length).toBeGreaterThan(0);
    expect(batch.cost.unconfirmed).toBeGreaterThan(0);
    expect(batch.cost.amount).toBeGreaterThanOrEqual(batch.cost.unconfirmed);
  });

  it('forecasts a job for each encryption where S3 can list the bucket, as it never had versions', async () => {
    const bucket = bucketOf(0);
    bucket.versioning = 'unversioned';
    bucket.put('k');
    expect((await choose(bucket, 1)).forecasts.batch.jobs).toBe(2);
  });

  it('fails when the bucket may not be listed', async () => {
    const bucket = bucketOf(1);
    bucket.hooks = {
      before: (operation) => {
        throw new StoreFault({
          operation,
          status: 403,
          code: 'AccessDenied',
          message: 'no',
        });
      },
    };
    await expect(choose(bucket, 10)).rejects.toMatchObject({ code: 'aws-access-denied' });
  });
});
