import fc from 'fast-check';
import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { between, compareKeys, splitRest } from '../../../lib/s3/listing-segments';
import { listVersionPages } from '../../../lib/s3/version-listing';
import { runs } from '../../runner/slow';
import { MemoryBucket, memoryStore, NEW_KEY, SOURCES, underKey } from './memory-store';

const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }).filter((text) => !/[\uD800-\uDFFF]/.test(text)),
  fc.integer({ min: 0, max: 9999 }).map((n) => `logs/${String(n).padStart(8, '0')}`),
);
const keys = fc.uniqueArray(key, { minLength: 1, maxLength: 60 });

function bucketOf(names: readonly string[]): MemoryBucket {
  const bucket = new MemoryBucket();
  bucket.versioning = 'enabled';
  bucket.pageSize = 4;
  for (const name of names) {
    bucket.put(name);
    bucket.put(name);
  }
  if (names[0] !== undefined) bucket.delete(names[0]);
  return bucket;
}

describe('a listing in segments', () => {
  it('lists every version after the first key exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(keys, fc.integer({ min: 1, max: 8 }), async (names, parts) => {
        const bucket = bucketOf(names);
        const store = memoryStore(bucket);
        const [first = ''] = [...names].sort(compareKeys);
        const segments = await splitRest(store, (send) => send(), 'b', first, parts);
        expect(segments.length).toBeLessThanOrEqual(parts);
        const listed: string[] = [];
        let markers = 0;
        for (const segment of segments) {
          for await (const page of listVersionPages(store, { bucket: 'b', ...segment })) {
            listed.push(...page.versions.map((one) => `${one.key} ${one.versionId}`));
            markers += page.deleteMarkers.length;
          }
        }
        const expected = bucket.listing().filter((one) => one.key !== first);
        expect(listed).toEqual(expected.filter((one) => !one.deleteMarker).map((one) => `${one.key} ${one.versionId}`));
        expect(markers).toBe(expected.filter((one) => one.deleteMarker).length);
      }),
    );
  });

  it('finds boundaries strictly between two keys', () => {
    fc.assert(
      fc.property(key, fc.option(key, { nil: undefined }), (one, other) => {
        const [low = '', high] = other === undefined ? [one] : [one, other].sort(compareKeys);
        const middle = between(low, high);
        if (middle === undefined) return;
        expect(compareKeys(low, middle)).toBeLessThan(0);
        if (high !== undefined) expect(compareKeys(middle, high)).toBeLessThan(0);
      }),
    );
  });

  it('cuts a flat bucket of numbered keys into parts of some size', async () => {
    const bucket = new MemoryBucket();
    for (let at = 0; at < 400; at += 1) bucket.put(`k${String(at).padStart(9, '0')}`);
    const segments = await splitRest(memoryStore(bucket), (send) => send(), 'b', 'k000000099', 4);
    expect(segments).toHaveLength(4);
    const sizes: number[] = [];
    for (const segment of segments) {
      let size = 0;
      for await (const page of listVersionPages(memoryStore(bucket), { bucket: 'b', ...segment }))
        size += page.versions.length;
      sizes.push(size);
    }
    expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(300);
    expect(Math.max(...sizes)).toBeLessThan(200);
  });

  it('cuts a bucket of few prefixes between them, and of more than there are parts into even groups', async () => {
    const bucket = new MemoryBucket();
    for (let at = 0; at < 400; at += 1) bucket.put(`p${String(at % 10).padStart(2, '0')}/k${at}`);
    const cut = async (parts: number) => {
      const segments = await splitRest(memoryStore(bucket), (send) => send(), 'b', 'p00/k0', parts);
      return segments.map(({ to }) => to);
    };
    expect(await cut(10)).toEqual([...Array.from({ length: 9 }, (_, at) => `p0${at}0`), undefined]);
    expect(await cut(5)).toEqual(['p010', 'p030', 'p050', 'p070', undefined]);
    expect(await cut(2)).toEqual(['p040', undefined]);
    const [first, ...others] = await splitRest(memoryStore(bucket), (send) => send(), 'b', 'p00/k0', 2, 10);
    expect([first?.to, others.length]).toEqual(['p000', 9]);
    expect(await cut(12)).toHaveLength(12);
  });

  it('moves each version once when a run splits its listing', async () => {
    await fc.assert(
      fc.asyncProperty(keys, fc.integer({ min: 1, max: 3 }), async (names, splitAfterPages) => {
        const bucket = bucketOf(names);
        for (const one of bucket.versions) one.head = { ...one.head, lastModified: bucket.clock - 60_000 };
        const result = await reencryptBucket(memoryStore(bucket), {
          bucket: 'b',
          targetKeyArn: NEW_KEY,
          sources: SOURCES,
          bucketKeyDefault: true,
          method: 'rewrap',
          dryRun: false,
          splitAfterPages,
        });
        const count = names.length * 2;
        expect(result).toMatchObject({ objectVersions: count, moved: count, deleteMarkers: 1, complete: true });
        const live = bucket.versions.filter((one) => !one.deleteMarker);
        expect(live.every((one) => JSON.stringify(one.head.encryption) === JSON.stringify(underKey(NEW_KEY)))).toBe(
          true,
        );
      }),
      { numRuns: runs(50) },
    );
  });
});
