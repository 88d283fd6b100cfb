import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AccessKey, LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { outcome } from './byok';
import { Sha256 } from './sha256';

let aws: LocalAws;
let s3: S3Client;

beforeAll(async () => {
  aws = await startTestAws();
  s3 = client();
  await s3.send(
    new CreateBucketCommand({ Bucket: 'bucket', CreateBucketConfiguration: { LocationConstraint: 'ap-northeast-1' } }),
  );
  await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'body' }));
});
afterAll(() => aws.close());

function client(credentials: AccessKey = aws.accessKey, region = aws.region, skew = 0): S3Client {
  return new S3Client({ endpoint: aws.url, region, credentials, maxAttempts: 1, systemClockOffset: skew });
}

const get = (from: S3Client) => from.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }));

const signer = (service: string) =>
  new SignatureV4({
    service,
    region: aws.region,
    credentials: aws.accessKey,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
    applyChecksum: true,
  });

const unsigned = (method: string, path: string, headers: Record<string, string> = {}) => ({
  protocol: 'http:',
  hostname: '127.0.0.1',
  port: aws.port,
  method,
  path,
  query: {},
  headers: { host: `127.0.0.1:${aws.port}`, ...headers },
});

interface Raw {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | undefined;
}

/** Sends exactly these bytes: no client library between. */
function send({ method, path, headers, body = '' }: Raw) {
  return new Promise<{ status: number; text: string; code: string | undefined }>((resolve, reject) => {
    const sent = httpRequest({ port: aws.port, host: '127.0.0.1', method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, text, code: /<Code>(\w+)</.exec(text)?.[1] });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const queryString = (query: unknown): string =>
  new URLSearchParams(query as Record<string, string>).toString().replaceAll('+', '%20');

async function presigned(expiresIn: number, signingDate = new Date()): Promise<Raw> {
  const signed = await signer('s3').presign(
    unsigned('GET', '/bucket/key', { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
    { expiresIn, signingDate },
  );
  return {
    method: 'GET',
    path: `/bucket/key?${queryString(signed.query)}`,
    headers: { host: signed.headers.host ?? '' },
  };
}

describe('a signed request', () => {
  it('is answered', async () => {
    expect(await (await get(s3)).Body?.transformToString()).toBe('body');
  });

  it.each([
    ['an unknown access key', () => client({ accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'x' }), 'InvalidAccessKeyId'],
    ['a wrong secret', () => client({ ...aws.accessKey, secretAccessKey: 'x' }), 'SignatureDoesNotMatch'],
    ['a token nobody issued', () => client({ ...aws.accessKey, sessionToken: 'x' }), 'InvalidToken'],
    ['another Region', () => client(aws.accessKey, 'us-east-1'), 'AuthorizationHeaderMalformed'],
    ['a clock 16 minutes fast', () => client(aws.accessKey, aws.region, 960_000), 'RequestTimeTooSkewed'],
    ['a clock 16 minutes slow', () => client(aws.accessKey, aws.region, -960_000), 'RequestTimeTooSkewed'],
  ])('is refused for %s', async (_, from, code) => {
    expect(await outcome(get(from()))).toBe(code);
  });

  it('is accepted from a clock 14 minutes off', async () => {
    expect(await outcome(get(client(aws.accessKey, aws.region, -840_000)))).toBe('ok');
  });

  it('is refused when a header S3 acts on is not under the signature', async () => {
    const hash = createHash('sha256').update('').digest('hex');
    const signed = await signer('s3').sign(unsigned('PUT', '/bucket/other', { 'x-amz-content-sha256': hash }));
    const headers = { ...signed.headers, 'x-amz-storage-class': 'GLACIER' };
    const refused = await send({ method: 'PUT', path: '/bucket/other', headers });
    expect(refused).toMatchObject({ status: 403, code: 'AccessDenied' });
    expect(refused.text).toContain('<HeadersNotSigned>x-amz-storage-class</HeadersNotSigned>');
  });

  it('is refused when the body is not the one that was hashed', async () => {
    const hash = createHash('sha256').update('meant').digest('hex');
    const signed = await signer('s3').sign(unsigned('PUT', '/bucket/other', { 'x-amz-content-sha256': hash }));
    const refused = await send({ method: 'PUT', path: '/bucket/other', headers: signed.headers, body: 'other' });
    expect(refused).toMatchObject({ status: 400, code: 'XAmzContentSHA256Mismatch' });
  });

  it('is refused when its length is not announced', async () => {
    const unsent = unsigned('PUT', '/bucket/other', { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' });
    const headers = { ...(await signer('s3').sign(unsent)).headers, 'transfer-encoding': 'chunked' };
    const refused = await send({ method: 'PUT', path: '/bucket/other', headers, body: 'body' });
    expect(refused).toMatchObject({ status: 501, code: 'NotImplemented' });
  });

  it('is refused without the hash of its body', async () => {
    const { 'x-amz-content-sha256': _, ...headers } = (await signer('s3').sign(unsigned('GET', '/bucket/key'))).headers;
    expect(await send({ method: 'GET', path: '/bucket/key', headers })).toMatchObject({ code: 'InvalidRequest' });
  });

  it.each([
    ['AWS4-HMAC-SHA256 nonsense', 'AuthorizationHeaderMalformed'],
    ['AWS AKIAIOSFODNN7EXAMPLE:c2lnbmF0dXJl', 'InvalidRequest'],
  ])('is refused with the authorization %s', async (authorization, code) => {
    const headers = { ...unsigned('GET', '/').headers, authorization };
    expect(await send({ method: 'GET', path: '/bucket/key', headers })).toMatchObject({ status: 400, code });
  });
});

describe('temporary credentials', () => {
  it('work with their token until they expire', async () => {
    const key = aws.credentials.addTemporary({ lifetime: 1_000 });
    expect(await outcome(get(client(key)))).toBe('ok');
    aws.clock.advance(1_000);
    expect(await outcome(get(client(key)))).toBe('ExpiredToken');
    aws.clock.offset = 0;
  });

  it('are refused without their token', async () => {
    const { sessionToken: _, ...key } = aws.credentials.addTemporary();
    expect(await outcome(get(client(key)))).toBe('InvalidToken');
  });
});

describe('a presigned URL', () => {
  it('opens the object it was made for', async () => {
    expect(await send(await presigned(60))).toMatchObject({ status: 200, text: 'body' });
  });

  it('is refused once it has expired', async () => {
    const refused = await send(await presigned(60, new Date(Date.now() - 61_000)));
    expect(refused).toMatchObject({ status: 403, code: 'AccessDenied' });
    expect(refused.text).toContain('Request has expired');
  });

  it('is refused for another object, another method and a longer time', async () => {
    const url = await presigned(60);
    for (const changed of [
      { ...url, path: url.path.replace('/key?', '/other?') },
      { ...url, method: 'DELETE' },
      { ...url, path: url.path.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000') },
    ]) {
      expect(await send(changed)).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
    }
  });

  it('is refused when it asks for more than seven days', async () => {
    const url = await presigned(60);
    const changed = { ...url, path: url.path.replace('X-Amz-Expires=60', 'X-Amz-Expires=604801') };
    expect(await send(changed)).toMatchObject({ status: 400 });
  });
});

describe('an unsigned request', () => {
  it('gets nothing of an object', async () => {
    expect(await send(unsigned('GET', '/bucket/key'))).toMatchObject({ status: 403, code: 'AccessDenied' });
  });

  it('is told whether a bucket exists, and its Region', async () => {
    const there = await fetch(`${aws.url}/bucket`, { method: 'HEAD' });
    expect([there.status, there.headers.get('x-amz-bucket-region')]).toEqual([403, aws.region]);
    expect((await fetch(`${aws.url}/none`, { method: 'HEAD' })).status).toBe(404);
  });

  it('is refused by KMS and STS in their own protocols', async () => {
    const json = await send(unsigned('POST', '/', { 'x-amz-target': 'TrentService.ListKeys' }));
    expect(JSON.parse(json.text)).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await send(unsigned('POST', '/', form))).toMatchObject({ status: 403, code: 'MissingAuthenticationToken' });
  });
});

describe('a chunked upload of unknown parts', () => {
  it('is decoded, with its trailing checksum', async () => {
    const parts = [Buffer.alloc(70_000, 1), Buffer.alloc(70_000, 2)];
    const Body = Readable.from(parts);
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'stream', Body, ContentLength: 140_000 }));
    const stored = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'stream' }));
    expect(Buffer.from((await stored.Body?.transformToByteArray()) ?? [])).toEqual(Buffer.concat(parts));
    expect(stored.ContentEncoding).toBeUndefined();
  });

  it('is refused when a trailer is not the one that was announced', async () => {
    const headers = {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '4',
      'x-amz-trailer': 'x-amz-checksum-crc32',
      'content-encoding': 'aws-chunked',
    };
    const signed = await signer('s3').sign(unsigned('PUT', '/bucket/stream', headers));
    const body = '4\r\nbody\r\n0\r\nx-amz-checksum-sha1:AAAA\r\n\r\n';
    const refused = await send({ method: 'PUT', path: '/bucket/stream', headers: signed.headers, body });
    expect(refused).toMatchObject({ status: 400, code: 'MalformedTrailerError' });
  });

  it('is refused when its length is not the one that was announced', async () => {
    const headers = {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '5',
      'x-amz-trailer': 'x-amz-checksum-crc32',
    };
    const signed = await signer('s3').sign(unsigned('PUT', '/bucket/stream', headers));
    const body = '4\r\nbody\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n';
    const refused = await send({ method: 'PUT', path: '/bucket/stream', headers: signed.headers, body });
    expect(refused).toMatchObject({ status: 400, code: 'IncompleteBody' });
  });
});

describe('a service that is not served', () => {
  it('is named, in a way that nobody tries again', async () => {
    const signed = await signer('dynamodb').sign(
      unsigned('POST', '/', { 'content-type': 'application/x-www-form-urlencoded' }),
    );
    const refused = await send({ method: 'POST', path: '/', headers: signed.headers });
    expect(refused).toMatchObject({ status: 501, code: 'NotImplemented' });
    expect(refused.text).toContain(
      'The service dynamodb is not part of this endpoint, which serves cloudtrail, iam, kms, s3, s3control, sts.',
    );
  });
});

describe('KMS', () => {
  const kms = (credentials: AccessKey, region = aws.region) =>
    new KMSClient({ endpoint: aws.url, region, credentials, maxAttempts: 1 });
  const list = (from: KMSClient) => outcome(from.send(new ListKeysCommand({})));

  it('refuses what S3 refuses, in its own words', async () => {
    expect(await list(kms({ accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'x' }))).toBe('UnrecognizedClientException');
    expect(await list(kms({ ...aws.accessKey, secretAccessKey: 'x' }))).toBe('InvalidSignatureException');
    expect(await list(kms({ ...aws.accessKey, sessionToken: 'x' }))).toBe('UnrecognizedClientException');
    expect(await list(kms(aws.accessKey, 'us-east-1'))).toBe('InvalidSignatureException');
  });
});
