import fc from 'fast-check';
import type { PageMarker, VersionPage } from '../../../lib/s3/object-version';
import { listVersionsInParallel } from '../../../lib/s3/parallel-listing';
import { listVersionPages } from '../../../lib/s3/version-listing';
import { MemoryBucket, memoryStore } from './memory-store';

const SKIPPING = [
  ['S3, which goes on with the next older version', false],
  ['a store that goes on with the next key', true],
] as const;

function bucketOf(keys: readonly string[], over: Partial<MemoryBucket>): MemoryBucket {
  const bucket = Object.assign(new MemoryBucket(), { versioning: 'enabled', pageSize: 3 } as const, over);
  for (const key of keys) bucket.put(key);
  return bucket;
}

async function listed(pages: AsyncIterable<VersionPage>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { versions, deleteMarkers } of pages) {
    found.push(...[...versions, ...deleteMarkers].map(({ key, versionId }) => `${key} ${versionId}`));
  }
  return found;
}

const listedBy = (bucket: MemoryBucket, after?: PageMarker) =>
  listed(listVersionPages(memoryStore(bucket), { bucket: 'b', after }));

const namesOf = ({ versions }: MemoryBucket) => versions.map(({ key, versionId }) => `${key} ${versionId}`);

/** Acts before the listing request of that number. */
function atListing(bucket: MemoryBucket, nth: number, act: () => void): void {
  let count = 0;
  bucket.hooks = {
    before: () => {
      count += 1;
      if (count === nth) act();
    },
  };
}

describe.each(SKIPPING)('where a version is deleted between two pages, by %s', (_title, skipsKeyOfGoneMarker) => {
  it('lists the older versions of the key that the page ended in', async () => {
    const bucket = bucketOf(['a', 'b', 'b', 'b'], { skipsKeyOfGoneMarker });
    const [, newest] = [...bucket.listing()].map(({ versionId }) => versionId);
    atListing(bucket, 2, () => bucket.remove('b', newest ?? ''));
    expect((await listedBy(bucket)).toSorted()).toEqual(namesOf(bucket).toSorted());
  });

  it('lists the older versions of a key that fills a page, each of them once', async () => {
    const bucket = bucketOf(['b', 'b', 'b', 'b', 'b', 'c'], { skipsKeyOfGoneMarker });
    const third = bucket.listing()[2]?.versionId ?? '';
    atListing(bucket, 2, () => bucket.remove('b', third));
    const found = await listedBy(bucket);
    expect(found.toSorted()).toEqual([...namesOf(bucket), `b ${third}`].toSorted());
  });

  it('lists delete markers of such a key once, too', async () => {
    const bucket = bucketOf([], { skipsKeyOfGoneMarker });
    for (let at = 0; at < 4; at += 1) {
      bucket.put('b');
      bucket.delete('b');
    }
    const third = bucket.listing()[2]?.versionId ?? '';
    atListing(bucket, 2, () => bucket.remove('b', third));
    expect((await listedBy(bucket)).toSorted()).toEqual([...namesOf(bucket), `b ${third}`].toSorted());
  });

  it('lists what was there before and after once, whatever the keys, the pages and the deletions', async () => {
    const key = fc.constantFrom('a', 'b', 'ba', 'c');
    const deletion = fc.record({ at: fc.integer({ min: 2, max: 20 }), of: key, nth: fc.nat(6) });
    const writes = fc.array(fc.record({ key, act: fc.constantFrom('put', 'put', 'delete') }), { maxLength: 24 });
    const options = fc.record({
      pageSize: fc.integer({ min: 1, max: 4 }),
      versioning: fc.constantFrom('enabled' as const, 'suspended' as const),
      wide: fc.option(
        fc.record({ parts: fc.integer({ min: 1, max: 4 }), splitAfterPages: fc.integer({ min: 1, max: 3 }) }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(writes, fc.array(deletion, { maxLength: 8 }), options, async (all, deletions, one) => {
        const bucket = bucketOf([], { skipsKeyOfGoneMarker, pageSize: one.pageSize });
        all.forEach(({ key: name, act }, at) => {
          if (at === Math.floor(all.length / 2)) bucket.versioning = one.versioning;
          if (act === 'put') bucket.put(name);
          else bucket.delete(name);
        });
        const before = namesOf(bucket);
        let request = 0;
        bucket.hooks = {
          before: () => {
            request += 1;
            for (const { of, nth } of deletions.filter(({ at }) => at === request)) {
              const there = bucket.versions.filter((version) => version.key === of);
              const gone = there[nth % Math.max(1, there.length)];
              if (gone) bucket.remove(of, gone.versionId);
            }
          },
        };
        const listing = <T>(send: () => Promise<T>) => send();
        const found = one.wide
          ? await listed(listVersionsInParallel(memoryStore(bucket), { bucket: 'b', listing, ...one.wide }))
          : await listedBy(bucket);
        expect(new Set(found).size).toBe(found.length);
        expect(before).toEqual(expect.arrayContaining([...found]));
        expect(found).toEqual(expect.arrayContaining(namesOf(bucket)));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a listing that starts in the middle of a key', () => {
  it.each(SKIPPING)('lists what is older than the marker alone, by %s', async (_title, skipsKeyOfGoneMarker) => {
    const bucket = bucketOf(['b', 'b', 'b', 'c'], { skipsKeyOfGoneMarker });
    const [first, second, third] = bucket.listing().map(({ versionId }) => versionId);
    expect(await listedBy(bucket, { key: 'b', versionId: first })).toEqual([
      `b ${second}`,
      `b ${third}`,
      expect.stringMatching(/^c /),
    ]);
    expect(await listedBy(bucket, { key: 'b', versionId: third })).toEqual([expect.stringMatching(/^c /)]);
  });

  it('lists the whole key where the marker’s version is gone, rather than nothing of it', async () => {
    const bucket = bucketOf(['b', 'b', 'b', 'c'], { skipsKeyOfGoneMarker: true });
    const second = bucket.listing()[1]?.versionId ?? '';
    bucket.remove('b', second);
    expect((await listedBy(bucket, { key: 'b', versionId: second })).toSorted()).toEqual(namesOf(bucket).toSorted());
  });
});

it('lists a key once more that ends with its page, and never about one that does not', async () => {
  const requests = async (keys: readonly string[]) => {
    const bucket = bucketOf(keys, {});
    await listedBy(bucket);
    return bucket.log.length;
  };
  expect(await requests(['a', 'b', 'c', 'd', 'e'])).toBe(2);
  expect(await requests(['a', 'b', 'b', 'b', 'c'])).toBe(3 + 1);
  expect(await requests(['b', 'b', 'b', 'c'])).toBe(2 + 1);
});
