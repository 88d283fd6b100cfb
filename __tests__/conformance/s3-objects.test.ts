import { createHash } from 'node:crypto';
import {
  CopyObjectCommand,
  DeleteObjectAnnotationCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetObjectAnnotationCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectAnnotationsCommand,
  PutObjectAnnotationCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { outcome } from './byok';
import { head, newBucket, openStand, put, type S3Stand } from './s3-stand';

let stand: S3Stand;
let s3: S3Client;
let Bucket: string;

beforeAll(async () => {
  stand = await openStand();
  s3 = stand.s3;
  Bucket = await newBucket(s3);
});

afterAll(() => stand.close());

async function read(Key: string, rest: object = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...rest }));
  return (await Body?.transformToString()) ?? '';
}

test('everything a writer says of an object is told by HEAD and GET', async () => {
  const said = {
    ContentType: 'text/plain',
    CacheControl: 'no-cache',
    ContentDisposition: 'attachment',
    ContentEncoding: 'identity',
    ContentLanguage: 'en',
    Metadata: { team: 'ops', note: 'two words' },
    WebsiteRedirectLocation: '/elsewhere',
    StorageClass: 'STANDARD_IA' as const,
  };
  await put(s3, Bucket, 'described', { Body: 'hello', ...said, Tagging: 'a=1&b=2' });
  const told = {
    ...said,
    ContentLength: 5,
    AcceptRanges: 'bytes',
    ETag: `"${createHash('md5').update('hello').digest('hex')}"`,
    ServerSideEncryption: 'AES256',
  };
  const { status, LastModified } = await head(s3, Bucket, 'described');
  expect([status, LastModified?.getMilliseconds()]).toEqual([200, 0]);
  expect(await head(s3, Bucket, 'described')).toMatchObject(told);
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'described' }));
  expect(got).toMatchObject({ ...told, TagCount: 2, LastModified });
  expect(await got.Body?.transformToString()).toBe('hello');
});

test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
  'a %s checksum of the SDK is proved, stored and told',
  async (ChecksumAlgorithm) => {
    await put(s3, Bucket, `sum-${ChecksumAlgorithm}`, { Body: 'The quick brown fox', ChecksumAlgorithm });
    const input = { Bucket, Key: `sum-${ChecksumAlgorithm}`, ChecksumMode: 'ENABLED' as const };
    const told = await s3.send(new HeadObjectCommand(input));
    expect(told.ChecksumType).toBe('FULL_OBJECT');
    expect(told[`Checksum${ChecksumAlgorithm}`]).toMatch(/^[A-Za-z0-9+/]+=*$/);
    expect(await head(s3, Bucket, input.Key)).not.toHaveProperty('ChecksumType');
    const { Checksum } = await s3.send(new GetObjectAttributesCommand({ ...input, ObjectAttributes: ['Checksum'] }));
    expect(Checksum?.[`Checksum${ChecksumAlgorithm}`]).toBe(told[`Checksum${ChecksumAlgorithm}`]);
  },
);

test('a body that comes as a stream is taken in chunks', async () => {
  const chunks = async function* () {
    for (let at = 0; at < 40; at += 1) yield Buffer.alloc(10_000, at);
  };
  const { Readable } = await import('node:stream');
  await put(s3, Bucket, 'streamed', { Body: Readable.from(chunks()), ContentLength: 400_000 });
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'streamed', Range: 'bytes=255000-270000' }));
  const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
  expect([bytes.length, bytes[0], bytes[bytes.length - 1]]).toEqual([15_001, 25, 27]);
});

describe('damaged bodies are refused', () => {
  const sum = (value: string) => createHash('sha256').update(value).digest('base64');
  test.each([
    ['a Content-MD5 of other bytes', { ContentMD5: createHash('md5').update('other').digest('base64') }, 'BadDigest'],
    ['a Content-MD5 that is none', { ContentMD5: 'bm9uZQ==' }, 'InvalidDigest'],
    ['a SHA-256 of other bytes', { ChecksumSHA256: sum('other') }, 'BadDigest'],
    ['a SHA-256 that is none', { ChecksumSHA256: 'bm9uZQ==' }, 'InvalidRequest'],
  ])('%s', async (_what, digests, code) => {
    expect(await outcome(put(s3, Bucket, 'damaged', { Body: 'body', ...digests }))).toBe(code);
    expect(await outcome(head(s3, Bucket, 'damaged'))).toBe('NotFound');
  });
});

describe('ranges', () => {
  beforeAll(() => put(s3, Bucket, 'digits', { Body: '0123456789' }));

  test.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=8-100', '89', 'bytes 8-9/10'],
    ['bytes=-100', '0123456789', 'bytes 0-9/10'],
    ['nonsense', '0123456789', undefined],
    ['bytes=4-2', '0123456789', undefined],
    ['bytes=0-1,3-4', '0123456789', undefined],
  ])('%s gives %s', async (Range, content, ContentRange) => {
    const { Body, ContentRange: told } = await s3.send(new GetObjectCommand({ Bucket, Key: 'digits', Range }));
    expect([await Body?.transformToString(), told]).toEqual([content, ContentRange]);
  });

  test.each([
    ['bytes=10-', 'InvalidRange'],
    ['bytes=-0', 'InvalidRange'],
  ])('%s is refused', async (Range, code) => {
    expect(await outcome(read('digits', { Range }))).toBe(code);
  });

  test('response headers are overridden by the query', async () => {
    const told = await s3.send(
      new GetObjectCommand({ Bucket, Key: 'digits', ResponseContentType: 'a/b', ResponseCacheControl: 'c' }),
    );
    expect(told).toMatchObject({ ContentType: 'a/b', CacheControl: 'c' });
  });
});

describe('preconditions of reads', () => {
  let etag: string | undefined;
  let modified: Date;
  beforeAll(async () => {
    await put(s3, Bucket, 'guarded');
    const told = await head(s3, Bucket, 'guarded');
    etag = told.ETag;
    modified = told.LastModified ?? new Date(0);
  });
  const earlier = () => new Date(modified.getTime() - 60_000);

  test.each([
    ['If-Match of this', () => ({ IfMatch: etag }), 'ok'],
    ['If-Match of another', () => ({ IfMatch: '"another"' }), 'PreconditionFailed'],
    ['If-None-Match of this', () => ({ IfNoneMatch: etag }), '304'],
    ['If-None-Match of another', () => ({ IfNoneMatch: '"another"' }), 'ok'],
    ['If-Modified-Since its time', () => ({ IfModifiedSince: modified }), '304'],
    ['If-Modified-Since before', () => ({ IfModifiedSince: earlier() }), 'ok'],
    ['If-Unmodified-Since before', () => ({ IfUnmodifiedSince: earlier() }), 'PreconditionFailed'],
    ['If-Match of this and If-Unmodified-Since before', () => ({ IfMatch: etag, IfUnmodifiedSince: earlier() }), 'ok'],
  ])('%s: %s', async (_what, condition, expected) => {
    const error = await read('guarded', condition()).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    expect(status === 304 ? '304' : error instanceof Error ? error.name : 'ok').toBe(expected);
  });
});

describe('conditional writes', () => {
  test('If-None-Match:* makes an object once', async () => {
    const make = () => outcome(put(s3, Bucket, 'once', { Body: 'x', IfNoneMatch: '*' }));
    expect([await make(), await make()]).toEqual(['ok', 'PreconditionFailed']);
  });

  test('If-Match overwrites what was read, nothing newer, nothing gone', async () => {
    await put(s3, Bucket, 'turn', { Body: 'one' });
    const { ETag } = await head(s3, Bucket, 'turn');
    const write = (Body: string, IfMatch?: string) => outcome(put(s3, Bucket, 'turn', { Body, IfMatch }));
    expect(await write('two', ETag)).toBe('ok');
    expect(await write('three', ETag)).toBe('PreconditionFailed');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'turn' }));
    expect(await write('four', ETag)).toBe('NoSuchKey');
  });

  test('DeleteObject with If-Match spares what has changed', async () => {
    await put(s3, Bucket, 'spared', { Body: 'one' });
    const remove = (IfMatch?: string) => outcome(s3.send(new DeleteObjectCommand({ Bucket, Key: 'spared', IfMatch })));
    expect(await remove('"another"')).toBe('PreconditionFailed');
    expect(await remove((await head(s3, Bucket, 'spared')).ETag)).toBe('ok');
  });
});

test.each([
  'a b+c%25d/..//e',
  '/leading',
  '../up',
  './.',
  'ünïcødé-𝄞-\u{ffff}x',
  'control-\u0001\u001f\r\n\t',
  'quotes-\'"<&>',
  'q?x=1#frag',
  'k'.repeat(1024),
])('the key %j is kept as it is', async (Key) => {
  await put(s3, Bucket, Key, { Body: Key });
  expect(await read(Key)).toBe(Key);
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource: `${Bucket}/${encodeURIComponent(Key)}` }));
  expect(await read('copied')).toBe(Key);
  await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  expect(await outcome(head(s3, Bucket, Key))).toBe('NotFound');
});

test('a key over 1,024 bytes is refused', async () => {
  expect(await outcome(put(s3, Bucket, 'ü'.repeat(513)))).toBe('KeyTooLongError');
});

describe('tags', () => {
  test('are replaced and taken away without touching the object', async () => {
    await put(s3, Bucket, 'tagged', { Body: 'x', Tagging: 'a=1' });
    const before = await head(s3, Bucket, 'tagged');
    const TagSet = [
      { Key: 'b', Value: '2 3' },
      { Key: 'c', Value: '' },
    ];
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: { TagSet } }));
    expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }))).TagSet).toEqual(TagSet);
    expect((await head(s3, Bucket, 'tagged')).LastModified).toEqual(before.LastModified);
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'tagged' }));
    expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }))).TagSet).toEqual([]);
  });

  test.each([
    ['eleven of them', Array.from({ length: 11 }, (_unused, at) => ({ Key: `k${at}`, Value: '' }))],
    [
      'a key twice',
      [
        { Key: 'a', Value: '1' },
        { Key: 'a', Value: '2' },
      ],
    ],
    ['a reserved key', [{ Key: 'aws:x', Value: '' }]],
    ['a key too long', [{ Key: 'k'.repeat(129), Value: '' }]],
  ])('refuses %s', async (_what, TagSet) => {
    await put(s3, Bucket, 'tagged');
    expect(await outcome(s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: { TagSet } })))).toBe(
      'InvalidTag',
    );
  });
});

test('metadata beyond ASCII is sent back as RFC 2047 words, and can be put on again as it came', async () => {
  await put(s3, Bucket, 'umlaut', { Body: 'x', Metadata: { note: '=?UTF-8?Q?gr=C3=BC=C3=9Fe_an_alle?=' } });
  const { Metadata } = await head(s3, Bucket, 'umlaut');
  expect(Metadata).toEqual({ note: `=?UTF-8?B?${Buffer.from('grüße an alle').toString('base64')}?=` });
  await put(s3, Bucket, 'again', { Body: 'x', Metadata });
  expect((await head(s3, Bucket, 'again')).Metadata).toEqual(Metadata);
});

describe('CopyObject', () => {
  const CopySource = () => `${Bucket}/origin`;
  const rich = {
    Body: 'body',
    Metadata: { a: '1' },
    ContentType: 'x/y',
    Tagging: 't=1',
    StorageClass: 'STANDARD_IA' as const,
    WebsiteRedirectLocation: '/r',
  };
  beforeEach(() => put(s3, Bucket, 'origin', rich));

  test('carries metadata, content headers and tags, and loses class and redirect', async () => {
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: CopySource() }));
    const told = await head(s3, Bucket, 'copy');
    expect(told).toMatchObject({ Metadata: { a: '1' }, ContentType: 'x/y' });
    expect([told.StorageClass, told.WebsiteRedirectLocation]).toEqual([undefined, undefined]);
    expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'copy' }))).TagSet).toEqual([
      { Key: 't', Value: '1' },
    ]);
  });

  test('takes new ones when told to replace', async () => {
    const replace = {
      MetadataDirective: 'REPLACE',
      TaggingDirective: 'REPLACE',
      Metadata: { b: '2' },
      Tagging: 'u=2',
    } as const;
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: CopySource(), ...replace }));
    expect((await head(s3, Bucket, 'copy')).Metadata).toEqual({ b: '2' });
    expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'copy' }))).TagSet).toEqual([
      { Key: 'u', Value: '2' },
    ]);
  });

  test('refuses a copy onto itself that changes nothing', async () => {
    const onto = (rest: object) =>
      outcome(s3.send(new CopyObjectCommand({ Bucket, Key: 'origin', CopySource: CopySource(), ...rest })));
    expect(await onto({})).toBe('InvalidRequest');
    expect(await onto({ ServerSideEncryption: 'AES256' })).toBe('ok');
    expect(await onto({ StorageClass: 'STANDARD' })).toBe('ok');
    expect(await onto({ MetadataDirective: 'REPLACE' })).toBe('ok');
  });

  test('holds preconditions on the source and on the destination', async () => {
    const { ETag } = await head(s3, Bucket, 'origin');
    await put(s3, Bucket, 'target', { Body: 'old' });
    const target = await head(s3, Bucket, 'target');
    const copy = (rest: object) =>
      outcome(s3.send(new CopyObjectCommand({ Bucket, Key: 'target', CopySource: CopySource(), ...rest })));
    expect(await copy({ CopySourceIfMatch: '"another"' })).toBe('PreconditionFailed');
    expect(await copy({ CopySourceIfNoneMatch: ETag })).toBe('PreconditionFailed');
    expect(await copy({ IfMatch: '"another"' })).toBe('PreconditionFailed');
    expect(await copy({ IfNoneMatch: '*' })).toBe('PreconditionFailed');
    expect(await read('target')).toBe('old');
    expect(await copy({ CopySourceIfMatch: ETag, IfMatch: target.ETag })).toBe('ok');
    expect(await read('target')).toBe('body');
  });

  test('fails when the source does not exist', async () => {
    expect(await outcome(s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/none` })))).toBe(
      'NoSuchKey',
    );
    expect(
      await outcome(s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: 'no-such-bucket/none' }))),
    ).toBe('NoSuchBucket');
  });
});

describe('what is not built is refused', () => {
  test.each([
    ['a header', (add: (name: string, value: string) => void) => add('x-amz-write-offset-bytes', '0')],
    [
      'an object annotation header',
      (add: (name: string, value: string) => void) => add('x-amz-object-annotation', 'a'),
    ],
  ])('%s', async (_what, mark) => {
    const command = new PutObjectCommand({ Bucket, Key: 'marked', Body: 'x' });
    command.middlewareStack.add(
      (next) => (args) => {
        const { request } = args as unknown as { request: { headers: Record<string, string> } };
        mark((name, value) => {
          request.headers[name] = value;
        });
        return next(args);
      },
      { step: 'build' },
    );
    expect(await outcome(s3.send(command))).toBe('NotImplemented');
    expect(await outcome(head(s3, Bucket, 'marked'))).toBe('NotFound');
  });
});

describe('annotations', () => {
  const place = (Key = 'annotated') => ({ Bucket, Key, AnnotationName: 'note' });
  const readNote = async (key = 'annotated') => {
    const answer = await s3.send(new GetObjectAnnotationCommand({ ...place(key) }));
    return answer.AnnotationPayload?.transformToString();
  };

  it('are put, listed, read, copied unless the copy excludes them, and deleted', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'annotated', Body: 'x' }));
    await s3.send(new PutObjectAnnotationCommand({ ...place(), AnnotationPayload: 'hello' }));
    const list = async () =>
      (await s3.send(new ListObjectAnnotationsCommand({ Bucket, Key: 'annotated' }))).Annotations;
    expect(await list()).toMatchObject([{ AnnotationName: 'note', Size: 5 }]);
    expect(await readNote()).toBe('hello');
    const copy = { Bucket, CopySource: `${Bucket}/annotated` };
    await s3.send(new CopyObjectCommand({ ...copy, Key: 'copy' }));
    await s3.send(new CopyObjectCommand({ ...copy, Key: 'bare', AnnotationDirective: 'EXCLUDE' }));
    expect([await readNote('copy'), await outcome(readNote('bare'))]).toEqual(['hello', 'NoSuchKey']);
    await s3.send(new DeleteObjectAnnotationCommand(place()));
    expect(await list()).toEqual([]);
  });
});
