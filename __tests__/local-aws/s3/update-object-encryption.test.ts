import { Desk, keyArn, proved, type Told } from './fixture';

let desk: Desk;
let v1: string;
let v2: string;

beforeEach(async () => {
  desk = new Desk();
  v1 = desk.keys.add('aaaaaaa1');
  v2 = desk.keys.add('aaaaaaa2');
  await desk.bucket('box');
  await desk.encrypted('box', v1);
});

function rewrap(path: string, arn: string, options: { bucketKey?: string; versionId?: string } = {}): Promise<Told> {
  const setting = options.bucketKey === undefined ? '' : `<BucketKeyEnabled>${options.bucketKey}</BucketKeyEnabled>`;
  const body = `<ObjectEncryption xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><SSE-KMS><KMSKeyArn>${arn}</KMSKeyArn>${setting}</SSE-KMS></ObjectEncryption>`;
  const query: Record<string, string> = { encryption: '' };
  if (options.versionId !== undefined) query.versionId = options.versionId;
  return desk.ask('PUT', path, { query, ...proved(body) });
}

const SSE_KEY = 'x-amz-server-side-encryption-aws-kms-key-id';

test('moves the data key and nothing else', async () => {
  await desk.put('/box/a', 'hello', {
    'x-amz-meta-team': 'ops',
    'x-amz-tagging': 'k=v',
    'x-amz-storage-class': 'GLACIER_IR',
  });
  const before = await desk.ask('HEAD', '/box/a');
  const stored = desk.s3.versions('box')[0];
  desk.now += 3_600_000;
  const moved = await rewrap('/box/a', v2);
  expect([moved.status, moved.text]).toEqual([200, '']);
  const after = await desk.ask('HEAD', '/box/a');
  expect(before.headers[SSE_KEY]).toBe(v1);
  expect(after.headers).toEqual({ ...before.headers, [SSE_KEY]: v2 });
  expect(desk.s3.versions('box')[0]?.ciphertext).toEqual(stored?.ciphertext);
  expect(desk.s3.versions('box')[0]?.encryption.wrapped).not.toBe(stored?.encryption.wrapped);
  desk.keys.refuse(v1, 'DisabledException', `${v1} is disabled.`);
  expect((await desk.ask('GET', '/box/a')).text).toBe('hello');
});

test('turns the bucket key off unless the request says true', async () => {
  await desk.encrypted('box', v1, true);
  await desk.put('/box/a', 'x');
  const setting = 'x-amz-server-side-encryption-bucket-key-enabled';
  expect((await desk.ask('HEAD', '/box/a')).headers[setting]).toBe('true');
  await rewrap('/box/a', v2);
  expect((await desk.ask('HEAD', '/box/a')).headers[setting]).toBeUndefined();
  await rewrap('/box/a', v2, { bucketKey: 'true' });
  expect((await desk.ask('HEAD', '/box/a')).headers[setting]).toBe('true');
  expect(desk.keys.calls.at(-1)?.context).toEqual({ 'aws:s3:arn': 'arn:aws:s3:::box' });
  expect((await desk.ask('GET', '/box/a')).text).toBe('x');
});

test('moves an SSE-S3 object and keeps its MD5 entity tag', async () => {
  await desk.put('/box/plain', 'hello', { 'x-amz-server-side-encryption': 'AES256' });
  expect((await rewrap('/box/plain', v1)).status).toBe(200);
  expect((await rewrap('/box/plain', v2)).status).toBe(200);
  const head = await desk.ask('HEAD', '/box/plain');
  expect(head.headers).toMatchObject({ etag: '"5d41402abc4b2a76b9719d911017c592"', [SSE_KEY]: v2 });
  expect((await desk.ask('GET', '/box/plain')).text).toBe('hello');
  desk.keys.refuse(v2, 'DisabledException', 'off');
  expect((await desk.ask('GET', '/box/plain')).code).toBe('KMS.DisabledException');
});

test('acts on the version that is named', async () => {
  await desk.versioned('box');
  const first = await desk.put('/box/a', 'one');
  await desk.put('/box/a', 'two');
  const versionId = first.headers['x-amz-version-id'] ?? '';
  expect((await rewrap('/box/a', v2, { versionId })).status).toBe(200);
  const head = async (query: Record<string, string>) => (await desk.ask('HEAD', '/box/a', { query })).headers[SSE_KEY];
  expect([await head({ versionId }), await head({})]).toEqual([v2, v1]);
});

test.each([
  ['an alias ARN', 'arn:aws:kms:eu-west-1:111122223333:alias/key', 'InvalidRequest'],
  ['a bare key ID', 'aaaaaaa2', 'InvalidRequest'],
  ['an empty ARN', '', 'InvalidRequest'],
  ['a key of another account', 'arn:aws:kms:eu-west-1:999999999999:key/aaaaaaa2', 'AccessDenied'],
  ['a key that does not exist', keyArn('ffffffff'), 'KMS.NotFoundException'],
])('refuses %s', async (_what, arn, code) => {
  await desk.put('/box/a', 'x');
  expect((await rewrap('/box/a', arn)).code).toBe(code);
  expect((await desk.ask('HEAD', '/box/a')).headers[SSE_KEY]).toBe(v1);
});

test('refuses a bucket-key setting that is neither true nor false', async () => {
  await desk.put('/box/a', 'x');
  expect((await rewrap('/box/a', v2, { bucketKey: 'yes' })).code).toBe('InvalidRequest');
});

test('refuses DSSE-KMS objects', async () => {
  await desk.put('/box/a', 'x', { 'x-amz-server-side-encryption': 'aws:kms:dsse', [SSE_KEY]: v1 });
  expect((await rewrap('/box/a', v2)).code).toBe('InvalidRequest');
});

test.each([
  ['source', () => v1],
  ['target', () => v2],
])('fails when the %s key is disabled, and changes nothing', async (_which, arn) => {
  await desk.put('/box/a', 'x');
  desk.keys.refuse(arn(), 'DisabledException', `${arn()} is disabled.`);
  const moved = await rewrap('/box/a', v2);
  expect([moved.status, moved.code]).toEqual([400, 'KMS.DisabledException']);
  desk.keys.accept(arn());
  expect((await desk.ask('HEAD', '/box/a')).headers[SSE_KEY]).toBe(v1);
});

test('fails when the object does not exist', async () => {
  expect((await rewrap('/box/none', v2)).code).toBe('NoSuchKey');
});

test('refuses a request that proves its body with nothing', async () => {
  await desk.put('/box/a', 'x');
  expect((await desk.ask('PUT', '/box/a', { query: { encryption: '' }, body: '<ObjectEncryption/>' })).code).toBe(
    'InvalidRequest',
  );
});
