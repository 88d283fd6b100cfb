import {
  DeleteObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { outcome } from './byok';
import { newBucket, openStand, put, type S3Stand } from './s3-stand';

let stand: S3Stand;
let s3: S3Client;

beforeAll(async () => {
  stand = await openStand();
  s3 = stand.s3;
});

afterAll(() => stand.close());

async function filled(keys: readonly string[], versioned = false): Promise<string> {
  const Bucket = await newBucket(s3, { versioned });
  for (const key of keys) await put(s3, Bucket, key);
  return Bucket;
}

/** All pages of ListObjectsV2, keys and common prefixes apart. */
async function listAll(
  input: ListObjectsV2CommandInput,
): Promise<{ keys: string[]; prefixes: string[]; pages: number }> {
  const all = { keys: [] as string[], prefixes: [] as string[], pages: 0 };
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ ...input, ContinuationToken }));
    all.keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
    all.prefixes.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? ''));
    all.pages += 1;
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return all;
}

test('keys come in the order of their UTF-8 bytes', async () => {
  const sorted = ['B', 'a', 'a/', 'a/1', 'a0', 'b', 'é', '\u{e000}', '\u{fffd}', '\u{10000}', '\u{1f511}'];
  const Bucket = await filled(sorted.toReversed());
  expect((await listAll({ Bucket })).keys).toEqual(sorted);
  expect((await listAll({ Bucket, MaxKeys: 1 })).keys).toEqual(sorted);
});

test.each([1, 2, 3, 1000])('prefixes roll up into groups, %i to a page', async (MaxKeys) => {
  const Bucket = await filled(['a', 'b/1', 'b/2', 'b/c/3', 'd', 'e/1', 'f//g']);
  const root = await listAll({ Bucket, Delimiter: '/', MaxKeys });
  expect([root.keys, root.prefixes]).toEqual([
    ['a', 'd'],
    ['b/', 'e/', 'f/'],
  ]);
  expect(root.pages).toBe(Math.ceil(5 / MaxKeys));
  const below = await listAll({ Bucket, Prefix: 'b/', Delimiter: '/', MaxKeys });
  expect([below.keys, below.prefixes]).toEqual([['b/1', 'b/2'], ['b/c/']]);
});

test('a page tells what it was asked and what it holds', async () => {
  const Bucket = await filled(['x 1+2', 'x 3']);
  const page = await s3.send(
    new ListObjectsV2Command({
      Bucket,
      Prefix: 'x ',
      MaxKeys: 1,
      EncodingType: 'url',
      FetchOwner: true,
      StartAfter: 'x',
    }),
  );
  expect(page).toMatchObject({
    Name: Bucket,
    Prefix: 'x+',
    KeyCount: 1,
    MaxKeys: 1,
    IsTruncated: true,
    StartAfter: 'x',
    EncodingType: 'url',
  });
  expect(page.Contents).toMatchObject([
    {
      Key: 'x+1%2B2',
      Size: 7,
      StorageClass: 'STANDARD',
      ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      Owner: { ID: expect.any(String) },
    },
  ]);
});

test('StartAfter begins behind a key, and MaxKeys of 0 tells nothing', async () => {
  const Bucket = await filled(['a', 'b', 'c']);
  expect((await listAll({ Bucket, StartAfter: 'a' })).keys).toEqual(['b', 'c']);
  expect(await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }))).toMatchObject({
    KeyCount: 0,
    IsTruncated: false,
  });
});

test('the first version of the listing goes on from a marker', async () => {
  const Bucket = await filled(['a', 'b/1', 'c']);
  const first = await s3.send(new ListObjectsCommand({ Bucket, MaxKeys: 2, Delimiter: '/' }));
  expect(first).toMatchObject({
    IsTruncated: true,
    NextMarker: 'b/',
    Contents: [{ Key: 'a' }],
    CommonPrefixes: [{ Prefix: 'b/' }],
  });
  const second = await s3.send(new ListObjectsCommand({ Bucket, Marker: first.NextMarker, Delimiter: '/' }));
  expect(second).toMatchObject({ IsTruncated: false, Contents: [{ Key: 'c' }] });
});

test('delete markers hide keys, and groups with nothing else in them', async () => {
  const Bucket = await filled(['a/1', 'a/2', 'b/1', 'c'], true);
  for (const Key of ['a/1', 'b/1', 'c']) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  const { keys, prefixes } = await listAll({ Bucket, Delimiter: '/' });
  expect([keys, prefixes]).toEqual([[], ['a/']]);
});

test.each([
  ['a negative page size', { MaxKeys: -1 }],
  ['a made-up continuation token', { ContinuationToken: 'nonsense' }],
])('refuses %s', async (_what, input) => {
  const Bucket = await filled(['a']);
  expect(await outcome(s3.send(new ListObjectsV2Command({ Bucket, ...input })))).toBe('InvalidArgument');
});

describe('ListObjectVersions', () => {
  /** All pages, as `key@n`: the n-th write of all, negative for a delete marker. */
  async function versionsOf(Bucket: string, MaxKeys: number, between: () => Promise<void> = async () => undefined) {
    const seen: string[] = [];
    let marker: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
    while (marker !== undefined) {
      const page: Awaited<ReturnType<typeof one>> = await one(Bucket, MaxKeys, marker);
      const rows = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
      seen.push(...rows.map(({ Key, VersionId }) => `${Key}@${VersionId}`));
      expect(rows.length).toBeLessThanOrEqual(MaxKeys);
      marker =
        page.IsTruncated === true
          ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
          : undefined;
      await between();
    }
    return seen;
  }

  const one = (Bucket: string, MaxKeys: number, marker: object) =>
    s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys, ...marker }));

  test.each([1, 2, 3, 1000])('tells every version once, newest first, %i to a page', async (MaxKeys) => {
    const Bucket = await newBucket(s3, { versioned: true });
    const expected: string[] = [];
    for (const key of ['a', 'a/b', 'b']) {
      const ids = [await put(s3, Bucket, key), await put(s3, Bucket, key), await put(s3, Bucket, key)];
      expected.push(...ids.toReversed().map((id) => `${key}@${id}`));
    }
    expect(await versionsOf(Bucket, MaxKeys)).toEqual(expected);
  });

  test('leaves out nothing while the marker itself is deleted and new versions come', async () => {
    const Bucket = await newBucket(s3, { versioned: true });
    const ids: string[] = [];
    for (let at = 0; at < 6; at += 1) ids.unshift(await put(s3, Bucket, 'a'));
    let turn = 0;
    const seen = await versionsOf(Bucket, 1, async () => {
      const VersionId = ids[turn];
      turn += 1;
      if (turn > ids.length) return;
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId }));
      await put(s3, Bucket, 'a');
    });
    expect(seen).toEqual(ids.map((id) => `a@${id}`));
  });

  describe('goes on with the next older version where the marker names', () => {
    const remove = (Bucket: string, VersionId: string | undefined) =>
      s3.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId }));
    const versioning = (Bucket: string, Status: 'Enabled' | 'Suspended') =>
      s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
    const behind = async (Bucket: string, VersionIdMarker: string | undefined) => {
      const { Versions = [] } = await one(Bucket, 1000, { KeyMarker: 'a', VersionIdMarker });
      return Versions.map(({ Key, VersionId }) => `${Key}@${VersionId}`);
    };

    test('a version that is gone, and with the next key where nothing older is there', async () => {
      const Bucket = await newBucket(s3, { versioned: true });
      const [first, second] = [await put(s3, Bucket, 'a'), await put(s3, Bucket, 'a')];
      const next = await put(s3, Bucket, 'b');
      await remove(Bucket, second);
      expect(await behind(Bucket, second)).toEqual([`a@${first}`, `b@${next}`]);
      await remove(Bucket, first);
      expect(await behind(Bucket, second)).toEqual([`b@${next}`]);
    });

    test('a delete marker that is gone', async () => {
      const Bucket = await newBucket(s3, { versioned: true });
      const first = await put(s3, Bucket, 'a');
      const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
      await remove(Bucket, VersionId);
      expect(await behind(Bucket, VersionId)).toEqual([`a@${first}`]);
    });

    test('a null version that is gone or was written again', async () => {
      const Bucket = await newBucket(s3, { versioned: true });
      const first = await put(s3, Bucket, 'a');
      await versioning(Bucket, 'Suspended');
      await put(s3, Bucket, 'a');
      await versioning(Bucket, 'Enabled');
      await put(s3, Bucket, 'a');
      await versioning(Bucket, 'Suspended');
      await put(s3, Bucket, 'a');
      expect(await behind(Bucket, 'null')).toContain(`a@${first}`);
      await remove(Bucket, 'null');
      expect(await behind(Bucket, 'null')).toContain(`a@${first}`);
    });
  });

  test('says which is the latest, and rolls up groups', async () => {
    const Bucket = await newBucket(s3, { versioned: true });
    await put(s3, Bucket, 'a');
    const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await put(s3, Bucket, 'g/1');
    await put(s3, Bucket, 'g/2');
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket, Delimiter: '/' }));
    expect(page.Versions).toMatchObject([{ Key: 'a', IsLatest: false, Size: 7, StorageClass: 'STANDARD' }]);
    expect(page.DeleteMarkers).toMatchObject([{ Key: 'a', IsLatest: true, VersionId }]);
    expect(page.CommonPrefixes).toEqual([{ Prefix: 'g/' }]);
    const behind = await s3.send(new ListObjectVersionsCommand({ Bucket, Delimiter: '/', KeyMarker: 'g/' }));
    expect([behind.Versions, behind.CommonPrefixes]).toEqual([undefined, undefined]);
  });

  test('refuses a version marker without a key marker', async () => {
    const Bucket = await newBucket(s3, { versioned: true });
    expect(await outcome(one(Bucket, 1, { VersionIdMarker: 'null' }))).toBe('InvalidArgument');
  });
});
