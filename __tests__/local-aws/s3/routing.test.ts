import { CALLER, Desk, proved, request } from './fixture';

let desk: Desk;

beforeEach(async () => {
  desk = new Desk();
  await desk.bucket('box');
});

describe('every request is an operation of AWS or is refused', () => {
  test.each([
    ['GET', '/', {}, 'ListBuckets'],
    ['HEAD', '/box', {}, 'HeadBucket'],
    ['GET', '/box', {}, 'ListObjects'],
    ['GET', '/box', { 'list-type': '2' }, 'ListObjectsV2'],
    ['GET', '/box/', { versions: '' }, 'ListObjectVersions'],
    ['PUT', '/box/key', {}, 'PutObject'],
    ['PUT', '/box/key', { partNumber: '1', uploadId: 'x' }, 'UploadPart'],
    ['GET', '/box/key', { partNumber: '1' }, 'GetObject'],
    ['POST', '/box/key', { uploads: '' }, 'CreateMultipartUpload'],
    ['PUT', '/box/key', { encryption: '', versionId: 'null' }, 'UpdateObjectEncryption'],
    ['GET', '/box/key', { torrent: '' }, 'Unknown'],
    ['GET', '/box', { acl: '', policy: '' }, 'Unknown'],
    ['PATCH', '/box/key', {}, 'Unknown'],
    ['GET', '/box/%ff', {}, 'Unknown'],
  ])('%s %s %j is %s', (method, path, query, operation) => {
    expect(desk.s3.operationOf(request(method, path, { query }))).toBe(operation);
  });

  test('a copy is told by its header', () => {
    const headers = { 'x-amz-copy-source': '/box/a' };
    const named = (query: Record<string, string>) => desk.s3.operationOf(request('PUT', '/box/b', { headers, query }));
    expect([named({}), named({ uploadId: 'x', partNumber: '1' }), named({ tagging: '' })]).toEqual([
      'CopyObject',
      'UploadPartCopy',
      'Unknown',
    ]);
  });

  test.each([
    ['a sub-resource that is not built', 'GET', '/box/key', { torrent: '' }, 'NotImplemented', 501],
    ['two sub-resources', 'GET', '/box', { acl: '', policy: '' }, 'NotImplemented', 501],
    ['a parameter that no operation reads', 'GET', '/box', { verzions: '' }, 'NotImplemented', 501],
    ['a parameter of another operation', 'PUT', '/box/key', { 'max-keys': '1' }, 'NotImplemented', 501],
    ['a form upload', 'POST', '/box', {}, 'MethodNotAllowed', 405],
    ['a method on the service', 'DELETE', '/', {}, 'MethodNotAllowed', 405],
    ['a path that is no UTF-8', 'GET', '/box/%ff', {}, 'InvalidURI', 400],
  ])('%s is refused', async (_what, method, path, query, code, status) => {
    const told = await desk.raw(method, path, { query });
    expect([told.code, told.status]).toEqual([code, status]);
  });

  test('x-id and the parameters of a presigned URL are not in the way', async () => {
    await desk.put('/box/key', 'x');
    const query = { 'x-id': 'GetObject', 'X-Amz-Algorithm': 'a', 'X-Amz-Credential': 'c', 'X-Amz-Signature': 's' };
    expect((await desk.ask('GET', '/box/key', { query })).text).toBe('x');
  });
});

test('headers that a presigner moved into the query count as headers', async () => {
  const query = { 'x-amz-server-side-encryption': 'AES256', 'x-amz-storage-class': 'STANDARD_IA', 'x-amz-meta-a': '1' };
  expect((await desk.ask('PUT', '/box/key', { query, body: 'x' })).status).toBe(200);
  const head = await desk.ask('HEAD', '/box/key');
  expect(head.headers).toMatchObject({ 'x-amz-storage-class': 'STANDARD_IA', 'x-amz-meta-a': '1' });
  expect((await desk.ask('PUT', '/box/key', { query: { 'x-amz-unheard-of': '1' } })).code).toBe('NotImplemented');
});

test('a bucket is found in the host name too', async () => {
  await desk.put('/box/deep/key', 'x');
  for (const host of ['box.localhost:4566', 'box.s3.eu-west-1.amazonaws.com']) {
    expect((await desk.raw('GET', '/deep/key', { headers: { host } })).text).toBe('x');
  }
  const list = await desk.raw('GET', '/', { headers: { host: 'box.localhost' } });
  expect(list.text).toContain('<ListBucketResult');
});

test('the path is decoded once and never normalised', async () => {
  await desk.raw('PUT', '/box/a%2525//../b+c', { body: 'x' });
  expect((await desk.ask('GET', '/box/a%25//../b+c')).text).toBe('x');
  expect((await desk.ask('GET', '/box', {})).text).toContain('<Key>a%25//../b+c</Key>');
});

test('a caller of another account lists buckets of its own', async () => {
  const caller = { ...CALLER, accountId: '999999999999' };
  expect((await desk.ask('GET', '/')).text).toContain('<Name>box</Name>');
  expect((await desk.ask('GET', '/', { caller })).text).toContain('<Buckets></Buckets>');
});

test('an error document names code, message and request, and no resource; HEAD has none', async () => {
  const told = await desk.ask('GET', '/box/n&ne');
  expect(told.status).toBe(404);
  expect(told.xml.Error).toMatchObject({
    Code: 'NoSuchKey',
    Message: 'The specified key does not exist.',
    Key: 'n&ne',
    RequestId: 'REQUEST0',
  });
  expect(told.headers).toMatchObject({
    'x-amz-request-id': 'REQUEST0',
    'x-amz-id-2': expect.any(String),
    'content-type': 'application/xml',
  });
  const head = await desk.ask('HEAD', '/box/none');
  expect([head.status, head.text]).toEqual([404, '']);
});

test('a customer key that does not fit its MD5, or its algorithm, is refused', async () => {
  const name = (suffix: string) => `x-amz-server-side-encryption-customer-${suffix}`;
  const put = async (algorithm: string, key: Buffer, md5: string) =>
    (
      await desk.ask('PUT', '/box/a', {
        headers: { [name('algorithm')]: algorithm, [name('key')]: key.toString('base64'), [name('key-md5')]: md5 },
      })
    ).code;
  const key = Buffer.alloc(32, 1);
  const { headers } = proved(key.toString('latin1'));
  const md5 = headers['content-md5'] ?? '';
  expect(await put('AES256', key, 'AAAAAAAAAAAAAAAAAAAAAA==')).toBe('InvalidArgument');
  expect(await put('AES256', Buffer.alloc(16), md5)).toBe('InvalidArgument');
  expect(await put('ROT13', key, md5)).toBe('InvalidArgument');
  expect(await put('AES256', key, md5)).toBe('AccessDenied');
});

test('a checksum may come in a trailer, and is held against the body all the same', async () => {
  const headers = { 'x-amz-trailer': 'x-amz-checksum-crc32', 'x-amz-sdk-checksum-algorithm': 'CRC32' };
  const put = (crc: string) =>
    desk.ask('PUT', '/box/a', { headers, body: '123456789', trailers: { 'x-amz-checksum-crc32': crc } });
  expect((await put('y/Q5Jg==')).status).toBe(200);
  expect((await put('AAAAAA==')).code).toBe('BadDigest');
  expect((await desk.ask('PUT', '/box/a', { headers, body: 'x' })).code).toBe('InvalidRequest');
});

test('two checksums of one body are refused', async () => {
  const headers = { 'x-amz-checksum-crc32': 'y/Q5Jg==', 'x-amz-checksum-sha1': 'AAAA' };
  expect((await desk.ask('PUT', '/box/a', { headers, body: '123456789' })).code).toBe('InvalidRequest');
});

test('sizes over the limit of a single write are refused, and a larger source is not copied', async () => {
  desk = new Desk({ singleWrite: 10, smallestPart: 1 });
  await desk.bucket('box');
  expect((await desk.ask('PUT', '/box/a', { body: 'x'.repeat(11) })).code).toBe('EntityTooLarge');
  const begun = await desk.ask('POST', '/box/big', { query: { uploads: '' } });
  const uploadId = String(begun.xml.InitiateMultipartUploadResult?.UploadId);
  const parts = [1, 2].map(async (number) => {
    const part = await desk.ask('PUT', '/box/big', {
      query: { uploadId, partNumber: String(number) },
      body: 'x'.repeat(8),
    });
    return `<Part><PartNumber>${number}</PartNumber><ETag>${part.headers.etag}</ETag></Part>`;
  });
  const body = `<CompleteMultipartUpload>${(await Promise.all(parts)).join('')}</CompleteMultipartUpload>`;
  expect((await desk.ask('POST', '/box/big', { query: { uploadId }, body })).status).toBe(200);
  const copy = (headers: Record<string, string>, query = {}) =>
    desk.ask('PUT', '/box/copy', { query, headers: { 'x-amz-copy-source': '/box/big', ...headers } });
  expect((await copy({})).code).toBe('InvalidRequest');
});

test('deleting by a list names keys with control characters by reference', async () => {
  await desk.put('/box/a\u0001b', 'x');
  const told = await desk.ask('POST', '/box', {
    query: { delete: '' },
    ...proved('<Delete><Object><Key>a&#x1;b</Key></Object></Delete>'),
  });
  expect(told.text).toContain('<Deleted><Key>a&#x1;b</Key></Deleted>');
  expect((await desk.ask('HEAD', '/box/a\u0001b')).status).toBe(404);
});
