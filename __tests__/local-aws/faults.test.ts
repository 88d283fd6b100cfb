import { CreateKeyCommand, type KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { FaultAction, FaultMatch, LocalAws } from '../../local-aws';
import { kmsClient, outcome } from '../conformance/byok';
import { startTestAws } from '../support/embedded-aws';

let aws: LocalAws;
let s3: S3Client;
let kms: KMSClient;

beforeEach(async () => {
  aws = await startTestAws({ region: 'us-east-1' });
  kms = kmsClient(aws);
  s3 = new S3Client({ endpoint: aws.url, region: aws.region, credentials: aws.accessKey, maxAttempts: 1 });
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }));
});
afterEach(() => aws.close());

const strike = (match: FaultMatch, action: FaultAction) =>
  // biome-ignore lint/suspicious/noThenProperty: a rule reads as "when this matches, then that", and is never awaited
  aws.faults.inject({ match, then: action });

const put = (Key: string, Body = 'body') => s3.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body }));
const exists = async (Key: string) =>
  (await outcome(s3.send(new HeadObjectCommand({ Bucket: 'bucket', Key })))) === 'ok';

describe('a fault', () => {
  it('answers instead of the service, in its protocol', async () => {
    strike({ operation: 'PutObject' }, { kind: 'answer', status: 503, code: 'SlowDown' });
    strike({ service: 'kms' }, { kind: 'answer', status: 400, code: 'ThrottlingException' });
    expect(await outcome(put('a'))).toBe('SlowDown');
    expect(await exists('a')).toBe(false);
    expect(await outcome(kms.send(new ListKeysCommand({})))).toBe('ThrottlingException');
  });

  it('strikes the n-th request that matches, and no other', async () => {
    strike({ operation: 'PutObject', nth: 2 }, { kind: 'answer', status: 500, code: 'InternalError' });
    const outcomes = [await outcome(put('a')), await outcome(put('b')), await outcome(put('c'))];
    expect(outcomes).toEqual(['ok', 'InternalError', 'ok']);
  });

  it('strikes so many times and no more', async () => {
    strike({ service: 's3', times: 2 }, { kind: 'answer', status: 503, code: 'SlowDown' });
    const outcomes = [await outcome(put('a')), await outcome(put('b')), await outcome(put('c'))];
    expect(outcomes).toEqual(['SlowDown', 'SlowDown', 'ok']);
  });

  it.each([['bad/one'], [/^bad\//]])('strikes the object %s alone', async (key) => {
    strike({ key }, { kind: 'answer', status: 403, code: 'AccessDenied' });
    expect(await outcome(put('good/one'))).toBe('ok');
    expect(await outcome(put('bad/one'))).toBe('AccessDenied');
  });

  it('drops the connection before anything is done', async () => {
    strike({ times: 1 }, { kind: 'reset-before' });
    await expect(put('a')).rejects.toThrow('ECONNRESET');
    expect(await exists('a')).toBe(false);
  });

  it('drops the connection after the request took effect', async () => {
    strike({ times: 1 }, { kind: 'reset-after' });
    await expect(put('a')).rejects.toThrow('ECONNRESET');
    expect(await exists('a')).toBe(true);
  });

  it('cuts an answer short', async () => {
    await put('a', 'x'.repeat(1000));
    strike({ operation: 'GetObject' }, { kind: 'truncate', bytes: 10 });
    const { Body, ContentLength } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'a' }));
    expect(ContentLength).toBe(1000);
    await expect(Body?.transformToByteArray()).rejects.toThrow();
  });

  it('holds a request up and lets it through, beside another fault', async () => {
    strike({ operation: 'PutObject' }, { kind: 'delay', milliseconds: 1 });
    strike({ operation: 'PutObject', key: 'b' }, { kind: 'answer', status: 500, code: 'InternalError' });
    expect([await outcome(put('a')), await outcome(put('b'))]).toEqual(['ok', 'InternalError']);
  });

  it('is taken away again', async () => {
    const remove = strike({}, { kind: 'answer', status: 500, code: 'InternalError' });
    expect(await outcome(put('a'))).toBe('InternalError');
    remove();
    expect(await outcome(put('a'))).toBe('ok');
    strike({}, { kind: 'reset-before' });
    aws.faults.clear();
    expect(await outcome(put('a'))).toBe('ok');
  });
});

describe('a hook', () => {
  it('sees a request before and after it took effect', async () => {
    const seen: string[] = [];
    aws.requests.hook({
      async before({ operation, key }) {
        seen.push(`before ${operation} ${key}`);
        return undefined;
      },
      after({ operation, status }) {
        seen.push(`after ${operation} ${status}`);
        return undefined;
      },
    });
    await put('a');
    expect(seen).toEqual(['before PutObject a', 'after PutObject 200']);
  });

  it('drops the connection at either moment', async () => {
    const removeBefore = aws.requests.hook({ before: () => 'reset' });
    await expect(put('a')).rejects.toThrow('ECONNRESET');
    removeBefore();
    expect(await exists('a')).toBe(false);
    const removeAfter = aws.requests.hook({ after: () => 'reset' });
    await expect(put('a')).rejects.toThrow('ECONNRESET');
    removeAfter();
    expect(await exists('a')).toBe(true);
  });
});

it('logs every request with its outcome', async () => {
  aws.requests.clear();
  await put('a');
  await outcome(s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'none' })));
  await kms.send(new CreateKeyCommand({}));
  const lines = Array.from(aws.requests, ({ service, operation, key, status, code }) => ({
    service,
    operation,
    key,
    status,
    code,
  }));
  expect(lines).toEqual([
    { service: 's3', operation: 'PutObject', key: 'a', status: 200, code: undefined },
    { service: 's3', operation: 'GetObject', key: 'none', status: 404, code: 'NoSuchKey' },
    { service: 'kms', operation: 'CreateKey', key: undefined, status: 200, code: undefined },
  ]);
});
