import { AdaptiveLimiter } from '../../../lib/s3/adaptive-limiter';
import { countVersions } from '../../../lib/s3/count-versions';
import { withPacingAndRetry } from '../../../lib/s3/pacing-and-retry';
import { StoreFault } from '../../../lib/s3/store-fault';
import { MemoryBucket, memoryStore } from './memory-store';

function bucketOf(versions: number): MemoryBucket {
  const bucket = new MemoryBucket();
  bucket.versioning = 'enabled';
  bucket.pageSize = 10;
  for (let at = 0; at < versions; at += 1) bucket.put(`k${at % 20}`);
  return bucket;
}

const count = (bucket: MemoryBucket, upTo: number) =>
  countVersions(memoryStore(bucket), withPacingAndRetry(new AdaptiveLimiter(), {}, undefined), { bucket: 'b', upTo });

describe('a count of object versions', () => {
  it('covers the whole of a bucket below the limit, noncurrent versions included', async () => {
    const found = await count(bucketOf(40), 41);
    expect(found).toMatchObject({ versioned: true, versions: 40, noncurrent: 20, isWhole: true });
  });

  it('lists no further than it must', async () => {
    const bucket = bucketOf(400);
    expect(await count(bucket, 25)).toMatchObject({ versions: 30, isWhole: false });
    // Three pages, one ahead, and the first key once more (two pages), because a page ends with its last version.
    expect(bucket.log.filter((one) => one === 'ListObjectVersions')).toHaveLength(3 + 1 + 2);
  });

  it('reports a bucket that never had versions', async () => {
    const bucket = bucketOf(0);
    bucket.versioning = 'unversioned';
    bucket.put('k');
    expect(await count(bucket, 1)).toMatchObject({ versioned: false, versions: 1 });
  });

  it('fails when the bucket may not be listed', async () => {
    const bucket = bucketOf(1);
    bucket.hooks = {
      before: (operation) => {
        throw new StoreFault({ operation, status: 403, code: 'AccessDenied', message: 'no' });
      },
    };
    await expect(count(bucket, 10)).rejects.toMatchObject({ code: 'aws-access-denied' });
  });
});
