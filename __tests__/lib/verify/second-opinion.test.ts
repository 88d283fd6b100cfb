import type { VersionPage } from '../../../lib/s3/object-version';
import type { ObjectStore } from '../../../lib/s3/store';
import { StoreFault } from '../../../lib/s3/store-fault';
import type { BucketVerification, VerifyRequest } from '../../../lib/verify/bucket-verification';
import { unaccounted } from '../../../lib/verify/unaccounted';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { verifyChanged } from '../../../lib/verify/verify-changed';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, underKey } from '../s3/memory-store';

/** Objects `o1` … under the active key. */
function bucketOf(count: number): MemoryBucket {
  const bucket = new MemoryBucket();
  for (let at = 1; at <= count; at += 1) bucket.put(`o${at}`, { head: { encryption: underKey(NEW_KEY) } });
  return bucket;
}

const verify = (store: ObjectStore, over: Partial<VerifyRequest> = {}): Promise<BucketVerification> =>
  verifyBucket(store, {
    bucket: 'b',
    activeKeyArn: NEW_KEY,
    retry: { baseMs: 0, capMs: 0, transientAttempts: 1, throttledAttempts: 1 },
    ...over,
  });

const without = (page: VersionPage, key: string): VersionPage => ({
  ...page,
  versions: page.versions.filter((one) => one.key !== key),
});

it('lists by the second client, so that what the engine’s parser drops is still seen', async () => {
  const bucket = bucketOf(3);
  bucket.put('o9');
  const store = memoryStore(bucket);
  const dropping = { ...store, listVersions: async (part: never) => without(await store.listVersions(part), 'o9') };
  const found = await verify(dropping);
  expect(found.account).toMatchObject({ listed: 4, underActive: 3, left: 1 });
});

it('fails when it lists fewer versions than the re-encryption did, however many were written since', async () => {
  const bucket = bucketOf(3);
  const newest = bucket.clock;
  bucket.clock += 60_000;
  bucket.put('newer', { head: { encryption: underKey(NEW_KEY) } });
  const store = memoryStore(bucket);
  const witness = {
    ...store.witness,
    listVersions: async (part: never) => without(await store.witness.listVersions(part), 'o2'),
  };
  const listedBefore = { versions: 3, newest };
  expect(unaccounted(await verify(store, { listedBefore }))).toEqual([]);
  const short = await verify({ ...store, witness }, { listedBefore });
  expect(short.comparisons).toEqual([
    { with: 're-encryption', listedThere: 3, listedHere: 2, gone: 0, newer: 1, missing: 1 },
    { with: 'second listing', listedThere: 3, listedHere: 3, gone: 0, newer: 0, missing: 1 },
  ]);
  expect(unaccounted(short)[0]).toContain('0 gone, 1 newer, 1 missing');
});

it('fails when one page of its own listing lacked a version, and the next listing has it', async () => {
  const bucket = bucketOf(3);
  const store = memoryStore(bucket);
  let asked = 0;
  const witness = {
    ...store.witness,
    listVersions: async (part: never) => {
      asked += 1;
      const page = await store.witness.listVersions(part);
      return asked === 1 ? without(page, 'o2') : page;
    },
  };
  const found = await verify({ ...store, witness }, { listedBefore: { versions: 3, newest: bucket.clock } });
  expect(unaccounted(found)).toEqual([expect.stringContaining('second listing: 3 listed there, 2 here')]);
});

it('explains versions that were deleted since the re-encryption listed them', async () => {
  const bucket = bucketOf(3);
  const listedBefore = { versions: 4, newest: bucket.clock };
  const found = await verify(memoryStore(bucket), { listedBefore });
  expect(unaccounted(found)).toEqual([]);
  expect(found.comparisons[0]).toMatchObject({ listedThere: 4, listedHere: 3, gone: 1, missing: 0 });
});

it('fails when a HEAD that is repeated by the second client names another key', async () => {
  const bucket = bucketOf(3);
  bucket.put('o2');
  const store = memoryStore(bucket);
  const head: ObjectStore['head'] = async (ref) => ({ ...(await store.head(ref)), encryption: underKey(NEW_KEY) });
  const found = await verify({ ...store, head }, { read: 0 });
  expect(found.account).toMatchObject({ listed: 3, underActive: 2, unknown: 1 });
  expect(found.secondHeads).toEqual({ versions: 3, contradictions: 1 });
  expect(found.unknown).toEqual([expect.objectContaining({ key: 'o2', reason: expect.stringContaining(OLD_KEY) })]);
});

it('repeats the HEAD of every version that names no encryption, whatever the sample', async () => {
  const bucket = bucketOf(1);
  const lastModified = Date.parse('2020-01-01');
  bucket.put('stripped', { head: { lastModified } });
  bucket.put('plain', { head: { lastModified, encryption: { kind: 'unencrypted' } } });
  const store = memoryStore(bucket);
  const head: ObjectStore['head'] = async (ref) => {
    const truth = await store.head(ref);
    return ref.key === 'stripped' ? { ...truth, encryption: { kind: 'unencrypted' } } : truth;
  };
  const { account, unknown } = await verify({ ...store, head }, { secondHeads: 0 });
  expect(account).toMatchObject({ listed: 3, underActive: 1, outOfScope: 1, unknown: 1 });
  expect(unknown[0]?.key).toBe('stripped');
});

it('counts a version as confirmed gone only when both clients and a new listing agree', async () => {
  const gone = bucketOf(3);
  gone.hooks = {
    before: (operation, { key }) =>
      operation === 'HeadObject' && key === 'o2' ? gone.remove('o2', 'null') : undefined,
  };
  expect((await verify(memoryStore(gone))).account).toMatchObject({ listed: 3, underActive: 2, gone: 1, unknown: 0 });

  const there = bucketOf(3);
  const store = memoryStore(there);
  const head: ObjectStore['head'] = async (ref) => {
    if (ref.key !== 'o2') return store.head(ref);
    throw new StoreFault({ operation: 'HeadObject', status: 404, code: '', message: '' });
  };
  expect((await verify({ ...store, head })).account).toMatchObject({ listed: 3, underActive: 2, gone: 0, unknown: 1 });
});

it('fails when a version is gone under the name that was listed, and a second listing holds as many', async () => {
  const bucket = bucketOf(2);
  bucket.put('o b');
  const store = memoryStore(bucket);
  let asked = 0;
  const witness: ObjectStore['witness'] = {
    ...store.witness,
    listVersions: async (part) => {
      asked += 1;
      const page = await store.witness.listVersions(part);
      const garbled = page.versions.map((one) => ({ ...one, key: one.key.replace(' ', '-') }));
      return asked === 1 ? { ...page, versions: garbled } : page;
    },
  };
  const found = await verify({ ...store, witness });
  expect(found.account).toMatchObject({ listed: 3, underActive: 2, gone: 1 });
  expect(unaccounted(found)).toEqual([expect.stringContaining('second listing: 3 listed there, 3 here, 1 gone')]);
});

it('inspects what a second listing of a key holds and the first did not', async () => {
  const bucket = bucketOf(2);
  bucket.hooks = {
    before: (operation, { key }) => {
      if (operation !== 'HeadObject' || key !== 'o2' || bucket.clock > 1_800_000_000_000) return;
      bucket.clock += 1000;
      bucket.remove('o2', 'null');
      bucket.versioning = 'suspended';
      throw new StoreFault({ operation, status: 404, code: '', message: '' });
    },
    after: (operation) => {
      if (operation === 'HeadObject' || bucket.current('o2') !== undefined) return;
      if (bucket.clock > 1_800_000_000_000) bucket.put('o2');
    },
  };
  const { account, left } = await verify(memoryStore(bucket), { concurrency: 1, read: 0 });
  expect(account).toMatchObject({ listed: 3, underActive: 1, gone: 1, left: 1 });
  expect(left.map((one) => one.key)).toEqual(['o2']);
});

it.each([
  ['another version id', { versionId: 'other' }],
  ['another ETag', { etag: '"other"', lastModified: 1 }],
  ['no ETag', { etag: '' }],
] as const)('does not take a HEAD with %s for that of the listed version', async (_name, lie) => {
  const bucket = bucketOf(3);
  const store = memoryStore(bucket);
  const head: ObjectStore['head'] = async (ref) => ({ ...(await store.head(ref)), ...(ref.key === 'o2' ? lie : {}) });
  const { account } = await verify({ ...store, head });
  expect(account).toMatchObject({ listed: 3, underActive: 2, unknown: 1 });
});

it('does not believe that a listing ends before S3 has said so twice', async () => {
  const bucket = bucketOf(4);
  const store = memoryStore(bucket);
  let asked = 0;
  const witness: ObjectStore['witness'] = {
    ...store.witness,
    listVersions: async (part) => {
      asked += 1;
      const page = await store.witness.listVersions(part);
      return asked === 1 ? { versions: page.versions.slice(0, 1), deleteMarkers: [], next: undefined } : page;
    },
  };
  expect((await verify({ ...store, witness })).account).toMatchObject({ listed: 4, underActive: 4 });
});

it('counts an upload that only one of two listings names', async () => {
  const bucket = bucketOf(1);
  bucket.uploads.push({ key: 'u', uploadId: 'id', initiated: bucket.clock, storageClass: 'STANDARD' });
  const store = memoryStore(bucket);
  for (const hidden of [1, 2]) {
    let asked = 0;
    const listUploads: ObjectStore['listUploads'] = async (part) => {
      asked += 1;
      return asked === hidden ? { uploads: [], next: undefined } : store.listUploads(part);
    };
    expect((await verify({ ...store, listUploads })).openUploadsTotal).toBe(1);
  }
});

it('fails when the last look lists what it listed before, and the other client lists more', async () => {
  const bucket = bucketOf(2);
  const store = memoryStore(bucket);
  const stale = await store.witness.listVersions({ bucket: 'b' });
  bucket.put('written since');
  const witness: ObjectStore['witness'] = {
    ...store.witness,
    listVersions: async ({ after }) => (after ? { versions: [], deleteMarkers: [], next: undefined } : stale),
  };
  const request = { bucket: 'b', activeKeyArn: NEW_KEY, since: bucket.clock };
  expect(unaccounted(await verifyChanged({ ...store, witness }, request))).toHaveLength(1);
  expect((await verifyChanged(store, request)).leftTotal).toBe(1);
});
