import { Desk, keyArn, proved } from './fixture';

let desk: Desk;
let v1: string;

beforeEach(async () => {
  desk = new Desk();
  v1 = desk.keys.add('aaaaaaa1');
  await desk.bucket('box');
  await desk.encrypted('box', v1);
  await desk.put('/box/a', 'x');
});

test.each([
  ['DisabledException', 400, 'KMS.DisabledException', 400],
  ['KMSInvalidStateException', 400, 'KMS.KMSInvalidStateException', 400],
  ['InvalidKeyUsageException', 400, 'KMS.InvalidKeyUsageException', 400],
  ['AccessDeniedException', 400, 'AccessDenied', 403],
  ['ThrottlingException', 400, 'SlowDown', 503],
  ['KMSInternalException', 500, 'ServiceUnavailable', 503],
])('%s of KMS is told as %s %s', async (refusal, kmsStatus, code, status) => {
  desk.keys.refuse(v1, refusal, 'why', kmsStatus);
  for (const told of [await desk.ask('GET', '/box/a'), await desk.ask('PUT', '/box/b', { body: 'x' })]) {
    expect([told.code, told.status]).toEqual([code, status]);
  }
  expect((await desk.ask('HEAD', '/box/a')).status).toBe(200);
});

test('SlowDown for KMS says that KMS is meant', async () => {
  desk.keys.refuse(v1, 'ThrottlingException', 'why');
  const told = await desk.ask('GET', '/box/a');
  expect(told.text).toContain('Please reduce your request rate for operations involving AWS KMS.');
});

test('a key that is gone is NotFound to a writer and AccessDenied to a reader', async () => {
  desk.keys.refuse(v1, 'NotFoundException', `Key '${v1}' does not exist`);
  expect((await desk.ask('PUT', '/box/b', { body: 'x' })).code).toBe('KMS.NotFoundException');
  const read = await desk.ask('GET', '/box/a');
  expect([read.code, read.status]).toEqual(['AccessDenied', 403]);
});

test('an error that is not of KMS is not dressed up as one', async () => {
  desk.keys.generateDataKey = () => {
    throw new TypeError('a bug');
  };
  await expect(desk.ask('PUT', '/box/b', { body: 'x' })).rejects.toThrow('a bug');
});

test.each([
  [false, 'arn:aws:s3:::box/dir/a b'],
  [true, 'arn:aws:s3:::box'],
])('with bucket key %s the encryption context names %s', async (bucketKey, arn) => {
  await desk.encrypted('box', v1, bucketKey);
  desk.keys.calls.length = 0;
  await desk.put('/box/dir/a b', 'x');
  await desk.ask('GET', '/box/dir/a b');
  expect(desk.keys.calls.map(({ name, context }) => [name, context])).toEqual([
    ['GenerateDataKey', { 'aws:s3:arn': arn }],
    ['Decrypt', { 'aws:s3:arn': arn }],
  ]);
});

test('the context of a writer is joined by that of S3, which it cannot replace', async () => {
  const context = Buffer.from('{"team":"ops","aws:s3:arn":"forged"}').toString('base64');
  desk.keys.calls.length = 0;
  await desk.put('/box/a', 'x', {
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': v1,
    'x-amz-server-side-encryption-context': context,
  });
  expect(desk.keys.calls[0]?.context).toEqual({ team: 'ops', 'aws:s3:arn': 'arn:aws:s3:::box/a' });
});

test('every object has a data key of its own, and a listing or HEAD uses none', async () => {
  await desk.put('/box/b', 'x');
  const wrapped = desk.s3.versions('box').map(({ encryption }) => encryption.wrapped);
  expect(new Set(wrapped).size).toBe(2);
  desk.keys.calls.length = 0;
  await desk.ask('HEAD', '/box/a');
  await desk.ask('GET', '/box');
  await desk.ask('GET', '/box', { query: { versions: '' } });
  expect(desk.keys.calls).toEqual([]);
});

test('a range opens what it needs with one use of the key', async () => {
  await desk.put('/box/a', Buffer.alloc(1_000_000, '0123456789'));
  desk.keys.calls.length = 0;
  const told = await desk.ask('GET', '/box/a', { headers: { range: 'bytes=299999-300003' } });
  expect([told.status, told.text, told.headers['content-range']]).toEqual([
    206,
    '90123',
    'bytes 299999-300003/1000000',
  ]);
  expect(desk.keys.calls.length).toBe(1);
});

test('a locked object is written only with proof of its body', async () => {
  await desk.bucket('vault', { 'x-amz-bucket-object-lock-enabled': 'true' });
  const rule = '<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>';
  const body = `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`;
  expect((await desk.ask('PUT', '/vault', { query: { 'object-lock': '' }, ...proved(body) })).status).toBe(200);
  expect((await desk.ask('PUT', '/vault/a', { body: 'x' })).code).toBe('InvalidRequest');
  expect((await desk.ask('PUT', '/vault/a', proved('x'))).status).toBe(200);
});

test('a bare aws:kms names the AWS managed key', async () => {
  const put = await desk.put('/box/a', 'x', { 'x-amz-server-side-encryption': 'aws:kms' });
  expect(put.headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe(keyArn('managed1'));
});
