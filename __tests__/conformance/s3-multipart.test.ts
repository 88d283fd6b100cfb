import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type ChecksumAlgorithm,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { outcome } from './byok';
import { encryptBucket, head, newBucket, openStand, put, type S3Stand } from './s3-stand';

const MEBIBYTE = 1024 ** 2;
const PART = 5 * MEBIBYTE;
const parts = [Buffer.alloc(PART, 'a'), Buffer.alloc(PART + 1, 'b'), Buffer.from('tail')];
const whole = Buffer.concat(parts);

let stand: S3Stand;
let s3: S3Client;
let Bucket: string;

beforeAll(async () => {
  stand = await openStand();
  s3 = stand.s3;
  Bucket = await newBucket(s3);
});

afterAll(() => stand.close());

async function begin(Key: string, rest: Partial<CreateMultipartUploadCommandInput> = {}): Promise<string> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...rest }));
  return UploadId ?? '';
}

async function upload(
  Key: string,
  UploadId: string,
  bodies: readonly Buffer[] = parts,
  ChecksumAlgorithm?: ChecksumAlgorithm,
): Promise<CompletedPart[]> {
  const sent: CompletedPart[] = [];
  for (const [at, Body] of bodies.entries()) {
    const { $metadata: _unused, ...told } = await s3.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: at + 1, Body, ChecksumAlgorithm }),
    );
    sent.push({ PartNumber: at + 1, ...told });
  }
  return sent;
}

function complete(
  Key: string,
  UploadId: string,
  Parts: CompletedPart[],
  rest: Partial<CompleteMultipartUploadCommandInput> = {},
) {
  return s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...rest }));
}

test('parts become one object with all that was said at the beginning', async () => {
  const UploadId = await begin('whole', {
    Metadata: { a: '1' },
    ContentType: 'x/y',
    Tagging: 't=1',
    StorageClass: 'STANDARD_IA',
  });
  const done = await complete('whole', UploadId, await upload('whole', UploadId));
  const digests = parts.map((part) => createHash('md5').update(part).digest());
  const etag = `"${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-3"`;
  expect(done).toMatchObject({ Bucket, Key: 'whole', ETag: etag });
  const { Body, ...told } = await s3.send(new GetObjectCommand({ Bucket, Key: 'whole' }));
  expect(told).toMatchObject({
    ETag: etag,
    ContentLength: whole.length,
    Metadata: { a: '1' },
    ContentType: 'x/y',
    TagCount: 1,
    StorageClass: 'STANDARD_IA',
  });
  expect(whole.equals(Buffer.from((await Body?.transformToByteArray()) ?? []))).toBe(true);
  expect(await outcome(complete('whole', UploadId, []))).not.toBe('ok');
});

test('a range across parts and a part by its number are read', async () => {
  const UploadId = await begin('pieces');
  await complete('pieces', UploadId, await upload('pieces', UploadId));
  const across = await s3.send(new GetObjectCommand({ Bucket, Key: 'pieces', Range: `bytes=${PART - 2}-${PART + 1}` }));
  expect(await across.Body?.transformToString()).toBe('aabb');
  const third = await s3.send(new GetObjectCommand({ Bucket, Key: 'pieces', PartNumber: 3 }));
  expect(third).toMatchObject({
    PartsCount: 3,
    ContentLength: 4,
    ContentRange: `bytes ${2 * PART + 1}-${2 * PART + 4}/${whole.length}`,
  });
  expect(await third.Body?.transformToString()).toBe('tail');
  expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'pieces', PartNumber: 1 }))).toMatchObject({
    ContentLength: PART,
  });
  expect(await outcome(s3.send(new GetObjectCommand({ Bucket, Key: 'pieces', PartNumber: 4 })))).toBe(
    'InvalidPartNumber',
  );
});

describe('checksums of the whole', () => {
  test.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)(
    'a full-object %s is that of the bytes laid end to end',
    async (ChecksumAlgorithm) => {
      const UploadId = await begin('full', { ChecksumAlgorithm, ChecksumType: 'FULL_OBJECT' });
      const done = await complete('full', UploadId, await upload('full', UploadId, parts, ChecksumAlgorithm), {
        ChecksumType: 'FULL_OBJECT',
      });
      await put(s3, Bucket, 'single', { Body: whole, ChecksumAlgorithm });
      const single = await s3.send(new HeadObjectCommand({ Bucket, Key: 'single', ChecksumMode: 'ENABLED' }));
      expect(done[`Checksum${ChecksumAlgorithm}`]).toBe(single[`Checksum${ChecksumAlgorithm}`]);
      expect(done.ChecksumType).toBe('FULL_OBJECT');
    },
  );

  test.each(['CRC32', 'SHA256'] as const)(
    'a composite %s counts its parts, and tells each',
    async (ChecksumAlgorithm) => {
      const UploadId = await begin('composite', { ChecksumAlgorithm });
      const sent = await upload('composite', UploadId, parts, ChecksumAlgorithm);
      const done = await complete('composite', UploadId, sent);
      expect(done[`Checksum${ChecksumAlgorithm}`]).toMatch(/^[A-Za-z0-9+/]+=*-3$/);
      const told = await s3.send(
        new GetObjectAttributesCommand({
          Bucket,
          Key: 'composite',
          ObjectAttributes: ['ObjectParts', 'ObjectSize'],
          MaxParts: 2,
        }),
      );
      expect(told).toMatchObject({
        ObjectSize: whole.length,
        ObjectParts: { TotalPartsCount: 3, IsTruncated: true, NextPartNumberMarker: '2' },
      });
      expect(told.ObjectParts?.Parts).toMatchObject(
        sent.slice(0, 2).map((part) => ({
          PartNumber: part.PartNumber,
          [`Checksum${ChecksumAlgorithm}`]: part[`Checksum${ChecksumAlgorithm}`],
        })),
      );
    },
  );

  test('a wrong one for the whole is refused, and the upload stays open', async () => {
    const UploadId = await begin('wrong', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
    const sent = await upload('wrong', UploadId);
    expect(await outcome(complete('wrong', UploadId, sent, { ChecksumCRC32: 'AAAAAA==' }))).toBe('BadDigest');
    expect(await outcome(complete('wrong', UploadId, sent, { MpuObjectSize: 7 }))).toBe('InvalidRequest');
    expect(await outcome(complete('wrong', UploadId, sent, { MpuObjectSize: whole.length }))).toBe('ok');
  });
});

describe('CompleteMultipartUpload refuses', () => {
  const small = [Buffer.from('small'), Buffer.from('tail')];
  const etag = '"00000000000000000000000000000000"';

  test.each([
    ['a part that is too small', (sent: CompletedPart[]) => sent, 'EntityTooSmall'],
    ['parts out of order', (sent: CompletedPart[]) => sent.toReversed(), 'InvalidPartOrder'],
    ['a part twice', (sent: CompletedPart[]) => [...sent.slice(0, 1), ...sent.slice(0, 1)], 'InvalidPartOrder'],
    [
      'a part that was not sent',
      (sent: CompletedPart[]) => [...sent.slice(1), { PartNumber: 7, ETag: etag }],
      'InvalidPart',
    ],
    [
      'an entity tag of another part',
      (sent: CompletedPart[]) => sent.map((part) => ({ ...part, ETag: etag })),
      'InvalidPart',
    ],
    ['no parts', () => [], 'MalformedXML'],
  ])('%s', async (_what, choose, code) => {
    const UploadId = await begin('refused');
    const sent = choose(await upload('refused', UploadId, small));
    expect(await outcome(complete('refused', UploadId, sent))).toBe(code);
    expect(await outcome(head(s3, Bucket, 'refused'))).toBe('NotFound');
  });

  test('an upload that was aborted, or is of another key', async () => {
    const UploadId = await begin('gone');
    const sent = await upload('gone', UploadId, [Buffer.from('x')]);
    expect(await outcome(complete('another', UploadId, sent))).toBe('NoSuchUpload');
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'gone', UploadId }));
    expect(await outcome(complete('gone', UploadId, sent))).toBe('NoSuchUpload');
  });

  test('what a precondition on the object forbids', async () => {
    await put(s3, Bucket, 'guarded');
    const { ETag } = await head(s3, Bucket, 'guarded');
    const UploadId = await begin('guarded');
    const sent = await upload('guarded', UploadId, [Buffer.from('new')]);
    expect(await outcome(complete('guarded', UploadId, sent, { IfNoneMatch: '*' }))).toBe('PreconditionFailed');
    expect(await outcome(complete('guarded', UploadId, sent, { IfMatch: '"another"' }))).toBe('PreconditionFailed');
    expect(await outcome(complete('guarded', UploadId, sent, { IfMatch: ETag }))).toBe('ok');
  });
});

test('a part sent again replaces the one before', async () => {
  const UploadId = await begin('again');
  await upload('again', UploadId, [Buffer.from('first')]);
  const sent = await upload('again', UploadId, [Buffer.from('second')]);
  await complete('again', UploadId, sent);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'again' }));
  expect(await Body?.transformToString()).toBe('second');
});

describe('UploadPartCopy', () => {
  const copy = async (rest: object) => {
    const UploadId = await begin('copied');
    const input = { Bucket, Key: 'copied', UploadId, PartNumber: 1, CopySource: `${Bucket}/source`, ...rest };
    const { CopyPartResult } = await s3.send(new UploadPartCopyCommand(input));
    await complete('copied', UploadId, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'copied' }));
    return Body?.transformToString();
  };
  beforeAll(() => put(s3, Bucket, 'source', { Body: '0123456789' }));

  test('takes the whole source or a range of it', async () => {
    expect(await copy({})).toBe('0123456789');
    expect(await copy({ CopySourceRange: 'bytes=3-5' })).toBe('345');
  });

  test.each([
    ['a range beyond the source', { CopySourceRange: 'bytes=3-10' }, 'InvalidArgument'],
    ['an open range', { CopySourceRange: 'bytes=3-' }, 'InvalidArgument'],
    ['a source that has changed', { CopySourceIfMatch: '"another"' }, 'PreconditionFailed'],
    ['a part number over 10,000', { PartNumber: 10_001 }, 'InvalidArgument'],
  ])('refuses %s', async (_what, rest, code) => {
    expect(await outcome(copy(rest))).toBe(code);
  });
});

test('open uploads and their parts are listed, page by page', async () => {
  Bucket = await newBucket(s3);
  const ids = [await begin('a'), await begin('a'), await begin('b/1'), await begin('c')];
  await upload('a', ids[0] ?? '', [Buffer.from('1'), Buffer.from('22'), Buffer.from('333')]);
  const seen: string[] = [];
  let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (marker !== undefined) {
    const list = new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1, ...marker });
    const page: {
      Uploads?: { UploadId?: string; Initiated?: Date }[];
      IsTruncated?: boolean;
      NextKeyMarker?: string;
      NextUploadIdMarker?: string;
    } = await s3.send(list);
    seen.push(...(page.Uploads ?? []).map(({ UploadId }) => UploadId ?? ''));
    marker =
      page.IsTruncated === true
        ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
        : undefined;
  }
  expect(new Set(seen)).toEqual(new Set(ids));
  expect(seen.length).toBe(ids.length);
  const grouped = await s3.send(new ListMultipartUploadsCommand({ Bucket, Delimiter: '/' }));
  expect(grouped.CommonPrefixes).toEqual([{ Prefix: 'b/' }]);
  const first = await s3.send(new ListPartsCommand({ Bucket, Key: 'a', UploadId: ids[0], MaxParts: 2 }));
  expect(first).toMatchObject({
    IsTruncated: true,
    NextPartNumberMarker: '2',
    Parts: [
      { PartNumber: 1, Size: 1 },
      { PartNumber: 2, Size: 2 },
    ],
  });
  const rest = await s3.send(new ListPartsCommand({ Bucket, Key: 'a', UploadId: ids[0], PartNumberMarker: '2' }));
  expect(rest.Parts).toMatchObject([{ PartNumber: 3, Size: 3 }]);
});

test('an upload begun before the bucket default moves completes under the old key', async () => {
  Bucket = await newBucket(s3);
  const [v1, v2] = [await stand.newKey(), await stand.newKey()];
  await encryptBucket(s3, Bucket, v1, false);
  const UploadId = await begin('slow');
  const sent = await upload('slow', UploadId, [Buffer.from('x')]);
  await encryptBucket(s3, Bucket, v2, false);
  expect((await complete('slow', UploadId, sent)).SSEKMSKeyId).toBe(v1);
  expect((await head(s3, Bucket, 'slow')).SSEKMSKeyId).toBe(v1);
});
