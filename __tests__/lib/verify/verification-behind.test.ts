import fc from 'fast-check';
import type { ObjectHead, VersionPage } from '../../../lib/s3/object-version';
import type { ObjectStore } from '../../../lib/s3/store';
import { StoreFault } from '../../../lib/s3/store-fault';
import { versionScope } from '../../../lib/s3/version-scope';
import type { BucketVerification, VerifyRequest } from '../../../lib/verify/bucket-verification';
import { unaccounted } from '../../../lib/verify/unaccounted';
import { VerificationBehind } from '../../../lib/verify/verification-behind';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { runs } from '../../runner/slow';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, SOURCES, underKey } from '../s3/memory-store';

const DAY = 86_400_000;
const OTHER_KEY = OLD_KEY.replace(/a$/, 'c');
const ENCRYPTIONS = [
  underKey(NEW_KEY),
  underKey(OLD_KEY),
  underKey(OTHER_KEY),
  { kind: 'sse-s3' },
  { kind: 'other', algorithm: 'aws:backup' },
] as const;

const request = (over: Partial<VerifyRequest> = {}): VerifyRequest => ({
  bucket: 'b',
  activeKeyArn: NEW_KEY,
  scopeOf: (version) => versionScope({ activeKeyArn: NEW_KEY, ...SOURCES }, version),
  read: 0,
  retry: { baseMs: 0, capMs: 0, transientAttempts: 1, throttledAttempts: 1 },
  ...over,
});

/** What a verification says of a bucket, however it came to it. */
function verdictOf({ account, byKey, left, unknown, objectVersions, deleteMarkers, covers }: BucketVerification) {
  const { gone: _gone, listed: _listed, ...places } = account;
  const names = (all: readonly { key: string; versionId: string }[]) => all.map((one) => `${one.versionId} ${one.key}`);
  const counts = { ...places, listed: account.listed - account.gone, deleteMarkers, covers };
  const labels = Object.fromEntries(Object.entries(byKey).toSorted());
  expect(objectVersions).toBe(account.listed);
  return { ...counts, byKey: labels, left: names(left).toSorted(), unknown: names(unknown).toSorted() };
}

const behindOf = async (store: ObjectStore, over: Partial<VerifyRequest> = {}) => {
  const behind = new VerificationBehind(store, request(over));
  await behind.begin();
  return behind;
};

/** Versions of old dates under the active key: `k00`, `k01`, … */
function oldBucket(count: number, encryption: ObjectHead['encryption'] = underKey(NEW_KEY)): MemoryBucket {
  const bucket = new MemoryBucket();
  for (let at = 0; at < count; at += 1) {
    bucket.put(`k${String(at).padStart(2, '0')}`, { head: { encryption, lastModified: bucket.clock - DAY - at } });
  }
  return bucket;
}

const isHead = (operation: string) => operation === 'HeadObject';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const key = fc.constantFrom(...KEYS);
const encryption = fc.constantFrom(...ENCRYPTIONS);
type Act =
  | { readonly act: 'look'; readonly behind: string | undefined; readonly to: string | undefined }
  | { readonly act: 'put' | 'replicate'; readonly key: string; readonly encryption: ObjectHead['encryption'] }
  | { readonly act: 'delete' | 'remove' | 'move'; readonly key: string };
const bound = fc.option(fc.constantFrom(...KEYS, 'bb', 'ff'), { nil: undefined });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant('look' as const), behind: bound, to: bound }) },
  fc.record({ act: fc.constantFrom('put' as const, 'replicate' as const), key, encryption }),
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constantFrom('delete' as const, 'remove' as const, 'move' as const), key }),
  },
);

async function carryOut(bucket: MemoryBucket, behind: VerificationBehind, one: Act): Promise<void> {
  bucket.clock += 1000;
  switch (one.act) {
    case 'look':
      await behind.look(one);
      return;
    case 'put':
      bucket.put(one.key, { head: { encryption: one.encryption } });
      return;
    case 'replicate':
      // It keeps the date of its source.
      bucket.put(one.key, { head: { encryption: one.encryption, lastModified: bucket.clock - 2 * DAY } });
      return;
    case 'delete':
      bucket.delete(one.key);
      return;
    case 'remove':
      bucket.remove(one.key, bucket.current(one.key)?.versionId ?? '');
      return;
    case 'move':
      for (const version of bucket.versions) {
        const { encryption: from } = version.head;
        const isLeft = version.key === one.key && from.kind === 'sse-kms' && from.keyArn === OLD_KEY;
        if (isLeft) version.head = { ...version.head, encryption: underKey(NEW_KEY) };
      }
  }
}

it.each(['unversioned', 'enabled'] as const)(
  'finds what a verification afterwards finds, whatever was looked at, moved, written and deleted (%s)',
  async (versioning) => {
    const puts = fc.array(fc.record({ key, encryption, age: fc.constantFrom(0, DAY, 3 * DAY) }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(puts, fc.array(act, { maxLength: 12 }), fc.constantFrom(2, 5, 1000), async (all, acts, size) => {
        const bucket = Object.assign(new MemoryBucket(), { versioning, pageSize: size });
        for (const one of all) {
          bucket.put(one.key, { head: { encryption: one.encryption, lastModified: bucket.clock - one.age } });
        }
        const store = memoryStore(bucket);
        const behind = await behindOf(store);
        for (const one of acts) await carryOut(bucket, behind, one);
        const found = await behind.finish(request());
        expect(unaccounted(found)).toEqual([]);
        expect(verdictOf(found)).toEqual(verdictOf(await verifyBucket(store, request())));
      }),
      { numRuns: runs(150) },
    );
  },
  300_000,
);

it('inspects each old version once where every key was looked at and nothing changed', async () => {
  const bucket = oldBucket(30);
  bucket.pageSize = 10;
  const behind = await behindOf(memoryStore(bucket), { secondHeads: 0, movedBefore: 0 });
  for (const [from, to] of [
    [undefined, 'k08'],
    ['k08', 'k20'],
    ['k20', undefined],
  ] as const) {
    expect(await behind.look({ behind: from, to })).toBe(true);
  }
  const found = await behind.finish(request({ secondHeads: 0, movedBefore: 0 }));
  expect(found).toMatchObject({ behindTheMove: { asThen: 30, atTheEnd: 0 }, account: { underActive: 30 } });
  expect(bucket.log.filter(isHead)).toHaveLength(30);
  expect(found.requests).toBe(bucket.log.length);
});

it('inspects at the end what no range covered', async () => {
  const bucket = oldBucket(20);
  const behind = await behindOf(memoryStore(bucket));
  await behind.look({ behind: undefined, to: 'k05' });
  await behind.look({ behind: 'k07', to: undefined });
  const last = bucket.versions.filter((one) => one.key === 'k06' || one.key === 'k07');
  for (const one of last) one.head = { ...one.head, encryption: underKey(OLD_KEY) };
  const found = await behind.finish(request());
  expect(found.left.map((one) => one.key)).toEqual(['k06', 'k07']);
});

it('takes what was left, and was moved since, for moved', async () => {
  const bucket = oldBucket(3, underKey(OLD_KEY));
  const behind = await behindOf(memoryStore(bucket));
  await behind.look({ behind: undefined, to: undefined });
  for (const one of bucket.versions) one.head = { ...one.head, encryption: underKey(NEW_KEY) };
  expect(await behind.finish(request())).toMatchObject({ leftTotal: 0, account: { underActive: 3 } });
});

it('inspects an upload that was open at the beginning, whatever date and ETag its object bears', async () => {
  const bucket = oldBucket(2);
  const [one] = bucket.versions;
  bucket.uploads.push({ key: 'k01', uploadId: 'u', initiated: one?.head.lastModified ?? 0, storageClass: 'STANDARD' });
  const behind = await behindOf(memoryStore(bucket));
  await behind.look({ behind: undefined, to: undefined });
  bucket.uploads.pop();
  // The same ETag and date, under the old key.
  if (one) one.head = { ...one.head, encryption: underKey(OLD_KEY) };
  expect((await behind.finish(request())).left).toMatchObject([{ key: 'k01' }]);
});

it('verifies everything afterwards where a look failed', async () => {
  const bucket = oldBucket(3, underKey(OLD_KEY));
  let isBroken = true;
  bucket.hooks = {
    before: (operation) => {
      if (isBroken && isHead(operation))
        throw new StoreFault({ operation, status: 401, code: 'ExpiredToken', message: 'over' });
    },
  };
  const behind = await behindOf(memoryStore(bucket));
  expect(await behind.look({ behind: undefined, to: undefined })).toBe(false);
  isBroken = false;
  const found = await behind.finish(request());
  expect(found).toMatchObject({ leftTotal: 3 });
  expect(found.behindTheMove).toBeUndefined();
});

it('fails when the listings at the end hide what was inspected from the verification alone', async () => {
  const bucket = oldBucket(4);
  const store = memoryStore(bucket);
  let isLying = false;
  const witness: ObjectStore['witness'] = {
    ...store.witness,
    listVersions: async (part) => {
      const page = await store.witness.listVersions(part);
      if (!isLying) return page;
      return { ...page, versions: page.versions.filter((one) => one.key !== 'k02') };
    },
  };
  const behind = await behindOf({ ...store, witness });
  await behind.look({ behind: undefined, to: undefined });
  isLying = true;
  const hidden = await behind.finish(request({ listedBefore: { versions: 4, newest: bucket.clock } }));
  expect(unaccounted(hidden)).not.toEqual([]);
});

it('drops samples of what changed, and counts what nobody can read anew', async () => {
  const bucket = oldBucket(3);
  bucket.put('archived', {
    head: { encryption: underKey(NEW_KEY), lastModified: bucket.clock - DAY, storageClass: 'GLACIER' },
  });
  const behind = await behindOf(memoryStore(bucket), { rehearse: 10 });
  await behind.look({ behind: undefined, to: undefined });
  bucket.put('k01', { head: { encryption: underKey(OTHER_KEY) } });
  bucket.remove('k02', 'null');
  const found = await behind.finish(request({ rehearse: 10 }));
  expect(found).toMatchObject({ secondHeads: { contradictions: 0 }, unknownTotal: 0 });
  expect(found.toRehearse).toMatchObject({
    underActive: [{ key: 'k00' }],
    outOfScope: [{ key: 'k01' }],
    archived: 1,
  });
});

it('asks again about annotations of a version that had some, and that lost them since', async () => {
  const bucket = oldBucket(2);
  bucket.annotated = new Set(['k01']);
  const behind = await behindOf(memoryStore(bucket));
  await behind.look({ behind: undefined, to: undefined });
  const still = new VerificationBehind(memoryStore(bucket), request());
  await still.begin();
  await still.look({ behind: undefined, to: undefined });
  expect((await still.finish(request())).annotations).toMatchObject({ annotatedTotal: 1 });
  bucket.annotated = new Set();
  expect((await behind.finish(request())).annotations).toMatchObject({ annotatedTotal: 0, unknownTotal: 0 });
});

/** A store whose verifier is told something else by its n-th whole listing from now on. */
function lyingOnce(store: ObjectStore, nth: number, edit: (page: VersionPage) => VersionPage): ObjectStore {
  let listings = 0;
  const listVersions: ObjectStore['witness']['listVersions'] = async (part) => {
    const page = await store.witness.listVersions(part);
    if (part.after === undefined && part.prefix === undefined) listings += 1;
    return listings === nth ? edit(page) : page;
  };
  return { ...store, witness: { ...store.witness, listVersions } };
}

it('fails when the last listing holds what another one after it hides', async () => {
  const bucket = oldBucket(3);
  // The look, the listing at the end, and the one more because something differs.
  const hide = (page: VersionPage) => ({ ...page, versions: page.versions.filter((one) => one.key !== 'replica') });
  const behind = await behindOf(lyingOnce(memoryStore(bucket), 3, hide));
  await behind.look({ behind: undefined, to: undefined });
  bucket.put('replica', { head: { lastModified: bucket.clock - DAY } });
  expect(unaccounted(await behind.finish(request()))).not.toEqual([]);
});

it('inspects a new version that the last listing dates long ago', async () => {
  const bucket = oldBucket(3);
  const date = (page: VersionPage) => ({
    ...page,
    versions: page.versions.map((one) => (one.key === 'new' ? { ...one, lastModified: bucket.clock - DAY } : one)),
  });
  const behind = await behindOf(lyingOnce(memoryStore(bucket), 2, date));
  await behind.look({ behind: undefined, to: undefined });
  bucket.put('new');
  expect((await behind.finish(request())).left).toMatchObject([{ key: 'new' }]);
});
