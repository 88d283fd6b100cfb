import type { ReencryptRequest } from '../../../lib/reencrypt/reencrypt-bucket';
import { unaccounted } from '../../../lib/verify/unaccounted';
import { ORDERS, reencryptIn } from '../../support/orders';
import {
  alsoFrom,
  MemoryBucket,
  memoryStore,
  NEW_KEY,
  OLD_KEY,
  SOURCES,
  type StoredVersion,
  underKey,
} from '../s3/memory-store';

const DAY = 86_400_000;

const request = (over: Partial<ReencryptRequest> = {}): ReencryptRequest => ({
  bucket: 'b',
  targetKeyArn: NEW_KEY,
  sources: SOURCES,
  bucketKeyDefault: true,
  method: 'rewrap',
  dryRun: false,
  retry: { baseMs: 1, capMs: 4 },
  ...over,
});

/** Versions of a day ago under the old key. */
function oldBucket(count: number, over: Partial<MemoryBucket> = {}): MemoryBucket {
  const bucket = Object.assign(new MemoryBucket(), over);
  for (let at = 0; at < count; at += 1) {
    bucket.put(`k${String(at).padStart(3, '0')}`, { head: { lastModified: bucket.clock - DAY } });
  }
  return bucket;
}

/** Acts on a version right after it was rewrapped for the first time. */
function afterRewrap(bucket: MemoryBucket, key: string, act: (stored: StoredVersion) => void): void {
  let isDone = false;
  bucket.hooks = {
    after: (operation, ref) => {
      const stored = bucket.current(key);
      if (isDone || operation !== 'UpdateObjectEncryption' || ref.key !== key || !stored) return;
      isDone = true;
      act(stored);
    },
  };
}

const count = (bucket: MemoryBucket, operation: string) => bucket.log.filter((one) => one === operation).length;

it('asks three times for each version of a whole rotation, and where everything is to move, twice', async () => {
  const bucket = oldBucket(60, { pageSize: 20 });
  const inScope = await reencryptIn('behind', memoryStore(bucket), request(), { secondHeads: 0, read: 0 });
  expect(await inScope.verify()).toMatchObject({ account: { listed: 60, underActive: 60 } });
  expect(inScope.result).toMatchObject({ moved: 60, complete: true, passes: 2 });
  expect([count(bucket, 'HeadObject'), count(bucket, 'UpdateObjectEncryption')]).toEqual([2 * 60, 60 + 1]);

  const whole = oldBucket(60, { pageSize: 20 });
  const sources = alsoFrom({ any: true });
  const asked = request({ sources, optimistic: 'sampled' });
  const any = await reencryptIn('behind', memoryStore(whole), asked, { secondHeads: 0, read: 0 });
  expect(await any.verify()).toMatchObject({ account: { listed: 60, underActive: 60 } });
  expect(any.result).toMatchObject({ moved: 60, complete: true });
  // Four pages with three versions each that are inspected first.
  expect(count(whole, 'HeadObject')).toBeLessThanOrEqual(60 + 4 * 3);
  expect(count(whole, 'UpdateObjectEncryption')).toBe(60 + 1);
});

it('inspects each version before it moves it where a sample is there already, or has another bucket key setting', async () => {
  const sources = alsoFrom({ any: true });
  const there = oldBucket(0);
  const mixed = oldBucket(0);
  for (let at = 0; at < 8; at += 1) {
    const lastModified = there.clock - DAY;
    there.put(`k${at}`, { head: { encryption: underKey(NEW_KEY), lastModified } });
    mixed.put(`k${at}`, { head: { encryption: underKey(OLD_KEY, false), lastModified } });
  }
  const again = await reencryptIn('behind', memoryStore(there), request({ sources, optimistic: 'sampled' }));
  expect(again.result).toMatchObject({ moved: 0, alreadyThere: 8 });
  const kept = await reencryptIn('behind', memoryStore(mixed), request({ sources, optimistic: 'sampled' }));
  expect(kept.result.moved).toBe(8);
  expect(
    mixed.versions.every((one) => JSON.stringify(one.head.encryption) === JSON.stringify(underKey(NEW_KEY, false))),
  ).toBe(true);
});

describe.each(ORDERS)('a rewrap that is verified %s it', (order) => {
  it('decides again about an object that was overwritten while it was being moved', async () => {
    const bucket = oldBucket(3);
    afterRewrap(bucket, 'k001', () => void bucket.put('k001', { body: 'the newest content' }));
    const { result, verify } = await reencryptIn(order, memoryStore(bucket), request());
    expect(result).toMatchObject({ moved: 3, complete: true });
    expect(bucket.current('k001')).toMatchObject({
      body: 'the newest content',
      head: { encryption: underKey(NEW_KEY) },
    });
    expect(await verify()).toMatchObject({ leftTotal: 0, unknownTotal: 0 });
  });

  it('decides again about a null version that was overwritten in a bucket whose versioning is suspended', async () => {
    const bucket = oldBucket(3, { versioning: 'suspended' });
    afterRewrap(bucket, 'k001', () => void bucket.put('k001', { body: 'the newest content' }));
    const { result } = await reencryptIn(order, memoryStore(bucket), request());
    expect(result).toMatchObject({ moved: 3, failedTotal: 0, complete: true });
    expect(bucket.current('k001')?.head.encryption).toEqual(underKey(NEW_KEY));
  });

  it.each<[string, (stored: StoredVersion) => void, string]>([
    ['is under the old key afterwards', (one) => set(one, { encryption: underKey(OLD_KEY) }), 'it is under'],
    ['has another bucket key setting', (one) => set(one, { encryption: underKey(NEW_KEY, false) }), 'its bucket key'],
    ['has another class', (one) => set(one, { storageClass: 'GLACIER' }), 'its class went from STANDARD to GLACIER'],
    ['has another size', (one) => set(one, { size: 1 }), 'its size went from'],
    ['has another ETag', (one) => set(one, { etag: '"other"' }), 'its ETag went from'],
  ])('fails when a version %s', async (_what, act, reason) => {
    const bucket = oldBucket(3, { versioning: 'enabled' });
    afterRewrap(bucket, 'k001', act);
    const { result } = await reencryptIn(order, memoryStore(bucket), request({ maxPasses: 1 }));
    expect(result).toMatchObject({ moved: 2, failedTotal: 1, failed: [{ key: 'k001', code: 'Changed' }] });
    expect(result.failed[0]?.reason).toContain(reason);
  });

  it('does not fail because of a version that was deleted', async () => {
    const bucket = oldBucket(3);
    afterRewrap(bucket, 'k001', () => bucket.remove('k001', 'null'));
    const { result, verify } = await reencryptIn(order, memoryStore(bucket), request());
    expect(result).toMatchObject({ moved: 2, gone: 1, failedTotal: 0 });
    const found = await verify();
    expect(found.account).toMatchObject({ underActive: 2, left: 0, unknown: 0 });
    expect(unaccounted(found)).toEqual([]);
  });

  it('moves what a writer adds under the old key behind the look, with a date of long ago too', async () => {
    const bucket = oldBucket(6, { pageSize: 3 });
    let isDone = false;
    bucket.hooks = {
      before: (operation, { key }) => {
        if (isDone || operation !== 'UpdateObjectEncryption' || key !== 'k004') return;
        isDone = true;
        bucket.put('a new', { head: { lastModified: bucket.clock } });
        bucket.put('a replica', { head: { lastModified: bucket.clock - DAY } });
      },
    };
    const { verify } = await reencryptIn(order, memoryStore(bucket), request());
    // No pass of the re-encryption looks at what bears an old date; the verification does.
    expect((await verify()).left.map((one) => one.key)).toEqual(['a replica']);
  });

  it('moves and verifies a key of more versions than a page holds', async () => {
    const bucket = oldBucket(0, { versioning: 'enabled', pageSize: 4 });
    for (const key of ['a', ...Array.from({ length: 11 }, () => 'many'), 'z']) {
      bucket.put(key, { head: { lastModified: bucket.clock - DAY } });
    }
    const { result, verify } = await reencryptIn(order, memoryStore(bucket), request());
    expect(result).toMatchObject({ moved: 13, complete: true });
    expect(await verify()).toMatchObject({ account: { listed: 13, underActive: 13 } });
  });
});

function set(stored: StoredVersion, head: Partial<StoredVersion['head']>): void {
  stored.head = { ...stored.head, ...head };
}
