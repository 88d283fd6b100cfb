import {
  CopyObjectCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { outcome } from './byok';
import { head, newBucket, openStand, put, type S3Stand } from './s3-stand';

let stand: S3Stand;
let s3: S3Client;

beforeAll(async () => {
  stand = await openStand();
  s3 = stand.s3;
});

afterAll(() => stand.close());

const suspend = (Bucket: string) =>
  s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }));

/** Every version and delete marker, newest first, as `id` or `id!` for a marker. */
async function history(Bucket: string): Promise<string[]> {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  return [...Versions.map(({ VersionId }) => `${VersionId}`), ...DeleteMarkers.map(({ VersionId }) => `${VersionId}!`)];
}

async function content(Bucket: string, Key: string, VersionId?: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, VersionId }));
  return (await Body?.transformToString()) ?? '';
}

test('a bucket that never had versioning holds one null version, told in no header', async () => {
  const Bucket = await newBucket(s3);
  await put(s3, Bucket, 'a', { Body: 'one' });
  expect(await put(s3, Bucket, 'a', { Body: 'two' })).toBe('');
  expect(await history(Bucket)).toEqual(['null']);
  expect(await content(Bucket, 'a', 'null')).toBe('two');
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
  expect(await history(Bucket)).toEqual([]);
});

test('a versioned bucket keeps every version, also the null one from before', async () => {
  const Bucket = await newBucket(s3);
  await put(s3, Bucket, 'a', { Body: 'before' });
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  const first = await put(s3, Bucket, 'a', { Body: 'first' });
  const second = await put(s3, Bucket, 'a', { Body: 'second' });
  expect(await history(Bucket)).toEqual([second, first, 'null']);
  expect(await content(Bucket, 'a')).toBe('second');
  expect(await content(Bucket, 'a', first)).toBe('first');
  expect(await head(s3, Bucket, 'a', 'null')).toMatchObject({ VersionId: 'null', ContentLength: 6 });
});

test('a delete hides the object behind a marker, and deleting the marker brings it back', async () => {
  const Bucket = await newBucket(s3, { versioned: true });
  const version = await put(s3, Bucket, 'a');
  const { DeleteMarker, VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
  expect(DeleteMarker).toBe(true);
  expect(await outcome(content(Bucket, 'a'))).toBe('NoSuchKey');
  expect(await content(Bucket, 'a', version)).toBe('content');
  expect(await history(Bucket)).toEqual([version, `${VersionId}!`]);
  expect(await outcome(s3.send(new DeleteBucketCommand({ Bucket })))).toBe('BucketNotEmpty');
  expect(await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId }))).toMatchObject({
    DeleteMarker: true,
    VersionId,
  });
  expect(await content(Bucket, 'a')).toBe('content');
});

test('a delete marker named by its ID is not allowed to be read', async () => {
  const Bucket = await newBucket(s3, { versioned: true });
  const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
  const refused = await head(s3, Bucket, 'a', VersionId).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(S3ServiceException);
  const { $response, $metadata } = refused as S3ServiceException;
  expect($metadata.httpStatusCode).toBe(405);
  expect($response?.headers).toMatchObject({
    'x-amz-delete-marker': 'true',
    allow: 'DELETE',
    'x-amz-version-id': VersionId,
  });
  const copy = new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a?versionId=${VersionId}` });
  expect(await outcome(s3.send(copy))).toBe('InvalidRequest');
});

test('suspended versioning replaces the null version and spares the others', async () => {
  const Bucket = await newBucket(s3, { versioned: true });
  const kept = await put(s3, Bucket, 'a', { Body: 'kept' });
  await suspend(Bucket);
  expect(await put(s3, Bucket, 'a', { Body: 'one' })).toBe('');
  expect(await put(s3, Bucket, 'a', { Body: 'two' })).toBe('');
  expect(await history(Bucket)).toEqual(['null', kept]);
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
  expect(await history(Bucket)).toEqual([kept, 'null!']);
});

test('an old version copied onto its key becomes the current one', async () => {
  const Bucket = await newBucket(s3, { versioned: true });
  const old = await put(s3, Bucket, 'a', { Body: 'old' });
  await put(s3, Bucket, 'a', { Body: 'new' });
  const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: 'a', CopySource: `${Bucket}/a?versionId=${old}` }));
  expect(copied.CopySourceVersionId).toBe(old);
  expect(await content(Bucket, 'a')).toBe('old');
  expect((await history(Bucket)).length).toBe(3);
});

test('DeleteObjects tells what became of each key', async () => {
  const Bucket = await newBucket(s3, { versioned: true });
  const version = await put(s3, Bucket, 'a');
  const Objects = [{ Key: 'a', VersionId: version }, { Key: 'b' }, { Key: 'c', VersionId: 'nonsense' }];
  const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  expect(Deleted).toEqual([
    { Key: 'a', VersionId: version },
    { Key: 'b', DeleteMarker: true, DeleteMarkerVersionId: expect.any(String) },
  ]);
  expect(Errors).toMatchObject([{ Key: 'c', VersionId: 'nonsense', Code: 'InvalidArgument' }]);
  const quiet = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Quiet: true, Objects: [{ Key: 'b' }] } }));
  expect(quiet.Deleted).toBeUndefined();
});

test.each([
  ['a version ID that S3 never made', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'InvalidArgument'],
  ['what is no version ID', 'abc', 'InvalidArgument'],
])('refuses %s', async (_what, VersionId, code) => {
  const Bucket = await newBucket(s3, { versioned: true });
  await put(s3, Bucket, 'a');
  expect(await outcome(content(Bucket, 'a', VersionId))).toBe(code);
});
