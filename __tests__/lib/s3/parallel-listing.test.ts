import fc from 'fast-check';
import { listVersionsInParallel } from '../../../lib/s3/parallel-listing';
import { runs } from '../../runner/slow';
import { MemoryBucket, memoryStore } from './memory-store';

async function listedBy(bucket: MemoryBucket, parts: number, splitAfterPages: number) {
  const found: string[] = [];
  let markers = 0;
  const listing = <T>(send: () => Promise<T>) => send();
  for await (const page of listVersionsInParallel(memoryStore(bucket), {
    bucket: 'b',
    listing,
    parts,
    splitAfterPages,
  })) {
    found.push(...page.versions.map((one) => `${one.key} ${one.versionId}`));
    markers += page.deleteMarkers.length;
  }
  return { found: found.sort(), markers };
}

it('lists every version once, whatever the keys, pages and parts', async () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', '~', ' ', 'é', '/'), minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ key, marker: fc.boolean() }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 3 }),
      async (writes, pageSize, parts, splitAfterPages) => {
        const bucket = new MemoryBucket();
        bucket.versioning = 'enabled';
        bucket.pageSize = pageSize;
        for (const write of writes) {
          if (write.marker) bucket.delete(write.key);
          else bucket.put(write.key);
        }
        const { found, markers } = await listedBy(bucket, parts, splitAfterPages);
        const there = bucket.versions.filter((one) => !one.deleteMarker).map((one) => `${one.key} ${one.versionId}`);
        expect(found).toEqual(there.sort());
        expect(markers).toBe(bucket.versions.length - there.length);
      },
    ),
    { numRuns: runs(60) },
  );
});

it('fails with the first listing that fails', async () => {
  const bucket = new MemoryBucket();
  bucket.pageSize = 2;
  for (let at = 0; at < 40; at += 1) bucket.put(`${String.fromCharCode(97 + (at % 26))}${at}`);
  bucket.hooks = {
    before: (operation) => {
      if (operation === 'ListObjectVersions' && bucket.log.length === 20) throw new Error('cut');
    },
  };
  await expect(listedBy(bucket, 4, 2)).rejects.toThrow('cut');
});
