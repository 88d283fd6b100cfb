import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ListJobsCommand } from '@aws-sdk/client-s3-control';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';

import { createClients } from '../../../lib/aws/clients';
import { endpointsOf, isAwsHost } from '../../../lib/aws/endpoints';
import { clientsFor } from '../../../lib/aws/rotation-clients';
import { describeKey } from '../../../lib/kms/describe-key';
import { startTestAws } from '../../support/embedded-aws';

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

describe('the clients of a rotation', () => {
  const rotation = { name: 'payroll', region: 'ap-northeast-1' };

  test('act as the role of the rotation file, in a session that CloudTrail can tell', async () => {
    await using aws = await endpointWithRole();
    const clients = clientsFor({ ...rotation, aws: { assumeRole: aws.role } }, { env: process.env });
    const { Arn } = await clients.sts.send(new GetCallerIdentityCommand({}));
    expect(Arn).toMatch(/assumed-role\/keyturn\/keyturn-payroll$/);
    for (const client of [clients.kms, clients.s3, clients.s3Control])
      expect((await client.config.credentials()).sessionToken).toBeDefined();
    clients.destroy();
  });

  test('fails when the external id is not the one that the role asks for', async () => {
    await using aws = await endpointWithRole();
    const assumeRole = { ...aws.role, externalId: 'another' };
    const clients = clientsFor({ ...rotation, aws: { assumeRole } }, { env: process.env });
    await expect(clients.sts.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
      code: 'aws-access-denied',
      facts: expect.objectContaining({ action: 'sts:AssumeRole' }),
    });
    clients.destroy();
  });

  test('take the credentials of its profile, also where the environment has others', async () => {
    // The SDK warns that there are two sources of credentials.
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const folder = mkdtempSync(path.join(tmpdir(), 'keyturn-profile-'));
    const file = path.join(folder, 'credentials');
    writeFileSync(file, '[team]\naws_access_key_id = AKIAOFTHETEAM\naws_secret_access_key = secret\n');
    Object.assign(process.env, variables, { AWS_SHARED_CREDENTIALS_FILE: file });
    const clients = clientsFor({ ...rotation, aws: { profile: 'team' } }, { env: process.env });
    for (const client of [clients.kms, clients.s3, clients.s3Control, clients.sts])
      expect(await client.config.credentials()).toMatchObject({ accessKeyId: 'AKIAOFTHETEAM' });
    clients.destroy();
    rmSync(folder, { recursive: true });
  });
});

/** An endpoint with a role that asks for an external id; the environment leads there. */
async function endpointWithRole() {
  const aws = await startTestAws();
  const trust = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${aws.accountId}:root` },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': 'team-7' } },
  };
  const may = [{ Effect: 'Allow', Action: '*', Resource: '*' }];
  const roleArn = aws.addRole({ name: 'keyturn', trust: [trust], may });
  Object.assign(process.env, aws.environment(), { AWS_CONFIG_FILE: '/dev/null' });
  return { role: { roleArn, externalId: 'team-7' }, [Symbol.asyncDispose]: () => aws.close() };
}

describe('the endpoints of AWS', () => {
  /** Host of the S3 request, and what a failed request to KMS says. */
  async function asked(region: string, more: Record<string, string>) {
    Object.assign(process.env, variables, { AWS_EC2_METADATA_DISABLED: 'true', AWS_MAX_ATTEMPTS: '1' }, more);
    const clients = createClients({ region, env: process.env });
    const hosts: string[] = [];
    for (const client of [clients.kms, clients.s3, clients.s3Control, clients.sts])
      client.config.requestHandler.handle = async ({ hostname }) => {
        hosts.push(hostname);
        throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND', hostname });
      };
    const failure = await describeKey(clients.kms, 'alias/x').catch((error: unknown) => error);
    await clients.s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' })).catch(() => undefined);
    await clients.s3Control.send(new ListJobsCommand({ AccountId: '123456789012' })).catch(() => undefined);
    await clients.sts.send(new GetCallerIdentityCommand({})).catch(() => undefined);
    const { kms, s3, sts } = await endpointsOf(clients);
    clients.destroy();
    return { hosts, failure, foreign: [kms, s3, sts] };
  }

  test.each([
    ['us-gov-west-1', 'amazonaws.com', 'the network, AWS_ENDPOINT_URL and the region'],
    ['us-iso-east-1', 'c2s.ic.gov', 'its own network alone'],
    ['us-isob-east-1', 'sc2s.sgov.gov', 'its own network alone'],
    ['us-isof-south-1', 'csp.hci.ic.gov', 'its own network alone'],
    ['eu-isoe-west-1', 'cloud.adc-e.uk', 'its own network alone'],
    ['cn-north-1', 'amazonaws.com.cn', 'the network, AWS_ENDPOINT_URL and the region'],
    ['eusc-de-east-1', 'amazonaws.eu', 'the network, AWS_ENDPOINT_URL and the region'],
  ])('in %s are under %s', async (region, suffix, advice) => {
    const { hosts, failure, foreign } = await asked(region, {});
    expect(hosts).toEqual([
      `kms.${region}.${suffix}`,
      `bucket.s3.${region}.${suffix}`,
      `123456789012.s3-control.${region}.${suffix}`,
      `sts.${region}.${suffix}`,
    ]);
    expect(failure).toMatchObject({ code: 'aws-endpoint-unreachable', hint: expect.stringContaining(advice) });
    expect(foreign).toEqual([null, null, null]);
  });

  test.each([
    ['FIPS', 'kms-fips.us-west-2.amazonaws.com', 'bucket.s3-fips.us-west-2.amazonaws.com'],
    ['DUALSTACK', 'kms.us-west-2.api.aws', 'bucket.s3.dualstack.us-west-2.amazonaws.com'],
  ])('with AWS_USE_%s_ENDPOINT are others, and the advice names it', async (kind, kms, s3) => {
    const { hosts, failure } = await asked('us-west-2', { [`AWS_USE_${kind}_ENDPOINT`]: 'true' });
    expect(hosts.slice(0, 2)).toEqual([kms, s3]);
    expect(failure).toMatchObject({ hint: expect.stringContaining(`AWS_USE_${kind}_ENDPOINT`) });
  });

  test('are known in every partition, also by an address that is given', () => {
    const hosts = [
      'vpce-1.kms.us-iso-east-1.vpce.c2s.ic.gov',
      'kms.eusc-de-east-1.amazonaws.eu',
      'kms.us-east-1.api.aws',
    ];
    expect(hosts.map(isAwsHost)).toEqual([true, true, true]);
    expect(['c2s.ic.gov.example', 'notamazonaws.com', 'kms.aws.example'].map(isAwsHost)).toEqual([false, false, false]);
  });

  test.each(['FIPS', 'DUALSTACK'])('refuses AWS_USE_%s_ENDPOINT at another address', async (kind) => {
    const more = { [`AWS_USE_${kind}_ENDPOINT`]: 'true', AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    const { failure } = await asked('us-west-2', more);
    expect(failure).toMatchObject({
      code: 'aws-endpoint-invalid',
      hint: expect.stringContaining(`unset AWS_USE_${kind}_ENDPOINT`),
    });
  });

  test.each(['localhost:4566', '127.0.0.1:4566', 'aws.example'])('refuses the address %s without a scheme', (url) => {
    const env = { ...variables, AWS_ENDPOINT_URL_KMS: url };
    expect(() => createClients({ region: 'eu-west-1', env })).toThrow(
      `AWS_ENDPOINT_URL_KMS cannot be used: ${url} has no scheme`,
    );
  });

  test('refuses such an address of a profile', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'keyturn-profile-'));
    const file = path.join(folder, 'config');
    writeFileSync(file, '[default]\nendpoint_url = 127.0.0.1:4566\n');
    const { hosts, failure } = await asked('eu-west-1', { AWS_CONFIG_FILE: file });
    rmSync(folder, { recursive: true });
    expect(hosts).toEqual([]);
    expect(failure).toMatchObject({ code: 'aws-endpoint-invalid', hint: expect.stringContaining('endpoint_url') });
  });
});

describe('credentials that are not there', () => {
  const failed = async (env: Record<string, string>) => {
    const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...none } = variables;
    Object.assign(process.env, none, { AWS_EC2_METADATA_DISABLED: 'true', ...env });
    const clients = createClients({ region: 'eu-west-1', env: process.env });
    const failure = await describeKey(clients.kms, 'alias/x').catch((error: unknown) => error);
    clients.destroy();
    return failure;
  };

  test('fails when the profile is unknown, and names it', async () => {
    expect(await failed({ AWS_PROFILE: 'nobody' })).toMatchObject({
      code: 'aws-credentials-missing',
      message: expect.stringContaining('from the profile nobody'),
      hint: expect.stringContaining('list-profiles'),
    });
  });

  test('fails when the file of a web identity is missing, and names it', async () => {
    const AWS_ROLE_ARN = 'arn:aws:iam::123456789012:role/ci';
    expect(await failed({ AWS_WEB_IDENTITY_TOKEN_FILE: '/nowhere/token', AWS_ROLE_ARN })).toMatchObject({
      code: 'aws-credentials-missing',
      message: expect.stringContaining('/nowhere/token'),
      hint: expect.stringContaining('AWS_WEB_IDENTITY_TOKEN_FILE'),
    });
  });
});
