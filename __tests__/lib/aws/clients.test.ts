import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ListJobsCommand } from '@aws-sdk/client-s3-control';

import { createClients } from '../../../lib/aws/clients';

const variables = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_CONFIG_FILE: '/dev/null',
};
const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

/** Where a request for an object would go, without sending it. */
async function addressed(endpoint: string | undefined, bucket: string): Promise<string> {
  Object.assign(process.env, variables);
  delete process.env.AWS_ENDPOINT_URL;
  if (endpoint) process.env.AWS_ENDPOINT_URL = endpoint;
  const clients = createClients({ region: 'ap-northeast-1', env: process.env });
  let url = '';
  stopBeforeSending(clients.s3, (request) => {
    url = `${request.protocol}//${request.hostname}${request.path}`;
  });
  await clients.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'key' })).catch(() => undefined);
  clients.destroy();
  return url;
}

interface Address {
  readonly protocol: string;
  readonly hostname: string;
  readonly path: string;
}

function stopBeforeSending(s3: S3Client, look: (request: Address) => void): void {
  s3.middlewareStack.add(
    () => async (args) => {
      look(args.request as Address);
      throw Object.assign(new Error('not sent'), { name: 'NotSent' });
    },
    { step: 'deserialize', priority: 'low' },
  );
}

test.each([
  ['http://localhost:4566', 'http://localhost/bucket/key'],
  ['http://127.0.0.1:4566', 'http://127.0.0.1/bucket/key'],
  ['https://storage.example.com', 'https://storage.example.com/bucket/key'],
])('puts the bucket into the path at %s', async (endpoint, url) => {
  expect(await addressed(endpoint, 'bucket')).toBe(url);
});

test('puts the bucket into the host name at AWS, as the SDK does by itself', async () => {
  expect(await addressed(undefined, 'bucket')).toBe('https://bucket.s3.ap-northeast-1.amazonaws.com/key');
  const vpc = 'https://bucket.vpce-1a2b3c4d-5e6f.s3.ap-northeast-1.vpce.amazonaws.com';
  expect(await addressed(vpc, 'bucket')).toContain('bucket.bucket.vpce-1a2b3c4d');
});

test.each([
  ['http://127.0.0.1:4566', '127.0.0.1'],
  ['http://localhost:4566', 'localhost'],
  [undefined, '123456789012.s3-control.ap-northeast-1.amazonaws.com'],
])('asks for jobs at %s under the host %s', async (endpoint, host) => {
  Object.assign(process.env, variables);
  delete process.env.AWS_ENDPOINT_URL;
  if (endpoint) process.env.AWS_ENDPOINT_URL = endpoint;
  const clients = createClients({ region: 'ap-northeast-1', env: process.env });
  let asked: unknown;
  clients.s3Control.middlewareStack.add(
    () => async (args) => {
      asked = (args.request as Address).hostname;
      throw Object.assign(new Error('not sent'), { name: 'NotSent' });
    },
    { step: 'deserialize', priority: 'low' },
  );
  await clients.s3Control.send(new ListJobsCommand({ AccountId: '123456789012' })).catch(() => undefined);
  clients.destroy();
  expect(asked).toBe(host);
});

test('all clients take the region of the rotation file, whatever the environment says', async () => {
  Object.assign(process.env, variables, { AWS_REGION: 'us-east-1' });
  const clients = createClients({ region: 'ap-northeast-1', env: process.env });
  for (const client of [clients.kms, clients.s3, clients.sts])
    expect(await client.config.region()).toBe('ap-northeast-1');
  expect(clients.region).toBe('ap-northeast-1');
  clients.destroy();
});

test('the number of attempts is the one of AWS_MAX_ATTEMPTS', async () => {
  Object.assign(process.env, variables, { AWS_MAX_ATTEMPTS: '7' });
  const clients = createClients({ region: 'ap-northeast-1', env: process.env });
  expect(await clients.kms.config.maxAttempts()).toBe(7);
  clients.destroy();
});
