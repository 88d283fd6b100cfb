import { CreateKeyCommand, DescribeKeyCommand } from '@aws-sdk/client-kms';
import { HeadBucketCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';

import { confirmTarget } from '../../../lib/aws/account-guard';
import { callerIdentity } from '../../../lib/aws/caller-identity';
import { type AwsClients, createClients } from '../../../lib/aws/clients';
import { asFailure, awsCodeOf, called } from '../../../lib/aws/failures';
import { KeyturnError } from '../../../lib/errors';
import { describeKey } from '../../../lib/kms/describe-key';
import { startEndpoint, type TestEndpoint } from './endpoint';

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await startEndpoint();
});
afterEach(() => endpoint.aws.faults.clear());
afterAll(() => endpoint.close());

const KEY = 'arn:aws:kms:ap-northeast-1:123456789012:key/11111111-2222-4333-8444-555555555555';

async function failureOf(clients: AwsClients = endpoint.clients): Promise<KeyturnError> {
  const work = called('kms:DescribeKey', KEY, () => clients.kms.send(new DescribeKeyCommand({ KeyId: KEY })));
  const error = await work.catch((thrown: unknown) => thrown);
  if (error instanceof KeyturnError) return error;
  throw error;
}

async function withVariables<T>(variables: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    process.env = before;
  }
}

describe('access denied', () => {
  test('names the action and the resource, and exits with 77', async () => {
    endpoint.refuse({ operation: 'DescribeKey' }, 'AccessDeniedException', 'no');
    expect(await failureOf()).toMatchObject({
      code: 'aws-access-denied',
      exitCode: 77,
      facts: { action: 'kms:DescribeKey', resource: KEY, awsMessage: 'no' },
    });
  });

  test('names the action that AWS reports as denied, even if it is another one', async () => {
    const said = `User: arn:aws:iam::123456789012:user/a is not authorized to perform: kms:Decrypt on resource: ${KEY} because`;
    endpoint.refuse({ operation: 'DescribeKey' }, 'AccessDeniedException', said);
    expect(await failureOf()).toMatchObject({ facts: { action: 'kms:Decrypt', resource: KEY } });
  });

  test('is recognized for an access key without permissions', async () => {
    const key = endpoint.aws.credentials.addUser('nobody');
    endpoint.aws.credentials.limit(key.accessKeyId, []);
    const { KeyMetadata } = await endpoint.clients.kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
    const arn = KeyMetadata?.Arn ?? '';
    const described = withVariables(endpoint.aws.environment(key), () => describeKey(endpoint.connect().kms, arn));
    const facts = { action: 'kms:DescribeKey', resource: arn };
    await expect(described).rejects.toMatchObject({ code: 'aws-access-denied', facts });
  });

  test('is recognized from the status of a HEAD', async () => {
    const key = endpoint.aws.credentials.addUser('no-head');
    endpoint.aws.credentials.limit(key.accessKeyId, ['sts:*']);
    const failure = await withVariables(endpoint.aws.environment(key), () => {
      const { s3 } = endpoint.connect();
      const work = called('s3:ListBucket', 'arn:aws:s3:::some-bucket', () =>
        s3.send(new HeadBucketCommand({ Bucket: 'some-bucket' })),
      );
      return work.catch((thrown: unknown) => thrown);
    });
    expect(failure).toMatchObject({ code: 'aws-access-denied', facts: { action: 's3:ListBucket' } });
  });
});

describe('credentials', () => {
  test('that are missing are named as such', async () => {
    const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_PROFILE: '', AWS_CONFIG_FILE: '/dev/null' };
    const variables = { ...none, AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
    const failure = await withVariables(variables, async () => failureOf(endpoint.connect()));
    expect(failure).toMatchObject({ code: 'aws-credentials-missing', exitCode: 77 });
  });

  test('that have expired are named as such', async () => {
    const key = endpoint.aws.credentials.addTemporary({ lifetime: -1000 });
    const failure = await withVariables(endpoint.aws.environment(key), async () => failureOf(endpoint.connect()));
    expect(failure).toMatchObject({ code: 'aws-credentials-expired', exitCode: 77 });
  });

  test.each([
    ['an unknown access key', { AWS_ACCESS_KEY_ID: 'AKIAUNKNOWNUNKNOWNXX' }],
    ['a wrong secret', { AWS_SECRET_ACCESS_KEY: 'wrong' }],
  ])('with %s are rejected', async (_name, variables) => {
    const failure = await withVariables(variables, async () => failureOf(endpoint.connect()));
    expect(failure).toMatchObject({ code: 'aws-credentials-rejected', exitCode: 77 });
  });
});

describe('the endpoint', () => {
  test('that is down is named by its URL, after a second try and no more', async () => {
    const url = 'http://127.0.0.1:9';
    const failure = await withVariables({ AWS_ENDPOINT_URL: url }, async () => failureOf(endpoint.connect()));
    expect(failure).toMatchObject({ code: 'aws-endpoint-unreachable', exitCode: 1, facts: { url } });
    expect(failure.message).toContain('ECONNREFUSED');
  });

  test('with a name that does not resolve is named by its URL', async () => {
    const url = 'http://keyturn.invalid';
    const failure = await withVariables({ AWS_ENDPOINT_URL: url }, async () => failureOf(endpoint.connect()));
    expect(failure).toMatchObject({ code: 'aws-endpoint-unreachable', facts: { url } });
  });

  test('that speaks no TLS is named with the reason', async () => {
    const url = endpoint.aws.url.replace('http:', 'https:');
    const failure = await withVariables({ AWS_ENDPOINT_URL: url }, async () => failureOf(endpoint.connect()));
    expect(failure).toMatchObject({ code: 'aws-endpoint-unreachable', facts: { url } });
  });

  test('that drops the connection is unreachable', async () => {
    endpoint.strike({ operation: 'DescribeKey' }, { kind: 'reset-before' });
    expect(await failureOf()).toMatchObject({ code: 'aws-endpoint-unreachable', facts: { url: endpoint.aws.url } });
  });
});

describe('the region', () => {
  test('of KMS that differs from the endpoint’s is named', async () => {
    const failure = await failureOf(endpoint.connect({ region: 'eu-west-1' }));
    expect(failure).toMatchObject({ code: 'aws-wrong-region', exitCode: 78 });
  });

  test('of S3 that differs is named with the one that is expected', async () => {
    const { s3 } = endpoint.connect({ region: 'eu-west-1' });
    const work = called('s3:ListBucketVersions', 'some-bucket', () =>
      s3.send(new ListObjectVersionsCommand({ Bucket: 'some-bucket' })),
    );
    const facts = { given: 'eu-west-1', expected: 'ap-northeast-1' };
    await expect(work).rejects.toMatchObject({ code: 'aws-wrong-region', facts });
  });

  test('of STS that differs is named', async () => {
    const identity = callerIdentity(endpoint.connect({ region: 'eu-west-1' }));
    await expect(identity).rejects.toMatchObject({ code: 'aws-wrong-region' });
  });
});

test('throttling that does not stop is named after the retries', async () => {
  endpoint.refuse({ operation: 'DescribeKey' }, 'ThrottlingException', 'Rate exceeded');
  expect(await failureOf()).toMatchObject({ code: 'aws-throttled', facts: { awsCode: 'ThrottlingException' } });
});

test('LimitExceededException is a quota of things: it is not retried', async () => {
  const tried: string[] = [];
  const stop = endpoint.aws.requests.hook({
    before: (event) => {
      tried.push(event.operation);
      return undefined;
    },
  });
  endpoint.aws.requests.clear();
  endpoint.refuse({ operation: 'DescribeKey' }, 'LimitExceededException', 'no more');
  const failure = await failureOf();
  stop();
  expect(failure).toMatchObject({ code: 'aws-failed', facts: { awsCode: 'LimitExceededException' } });
  expect(Array.from(endpoint.aws.requests).filter((one) => one.operation === 'DescribeKey')).toHaveLength(1);
});

test('a passing fault of the server is retried and not seen', async () => {
  endpoint.refuse({ operation: 'DescribeKey', times: 1 }, 'KMSInternalException', 'again', 500);
  expect(await failureOf()).toMatchObject({ code: 'aws-failed', facts: { awsCode: 'NotFoundException' } });
});

test('anything else carries the code, the message and the request ID of AWS', async () => {
  const failure = await failureOf();
  expect(failure).toMatchObject({ code: 'aws-failed', exitCode: 1, facts: { awsCode: 'NotFoundException' } });
  expect((failure.facts as { requestId?: string }).requestId).toBeTruthy();
  expect(awsCodeOf(failure)).toBe('NotFoundException');
  expect(failure.cause).toBeDefined();
});

describe('a fired signal', () => {
  test('abandons the request in flight', async () => {
    const controller = new AbortController();
    const clients = endpoint.connect({ signal: controller.signal });
    endpoint.strike({ operation: 'DescribeKey' }, { kind: 'delay', milliseconds: 1_500 });
    setTimeout(() => controller.abort(), 50);
    expect(await failureOf(clients)).toMatchObject({ code: 'interrupted', exitCode: 130 });
  });

  test('that fired before stops a call at once', async () => {
    const clients = endpoint.connect({ signal: AbortSignal.abort() });
    expect(await failureOf(clients)).toMatchObject({ code: 'interrupted' });
  });
});

test.each([
  ['RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.'],
  ['InvalidSignatureException', 'Signature expired: 20261124T000000Z is now earlier than 20261124T010000Z'],
])('%s is a fault of the clock', (name, message) => {
  const error = Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
  expect(asFailure('kms:DescribeKey', KEY, error)).toMatchObject({ code: 'aws-clock-skew' });
});

test('an expired SSO session counts as expired credentials', () => {
  const message = 'Token is expired. To refresh this SSO session run `aws sso login` with the corresponding profile.';
  const error = Object.assign(new Error(message), { name: 'CredentialsProviderError' });
  expect(asFailure('sts:GetCallerIdentity', '*', error)).toMatchObject({ code: 'aws-credentials-expired' });
});

test('an error of ours passes through as it is', () => {
  const ours = new KeyturnError('interrupted', { during: 'a test' });
  expect(asFailure('kms:DescribeKey', KEY, ours)).toBe(ours);
});

describe('the account guard', () => {
  const rotation = { file: '/somewhere/rotation.yaml', region: 'ap-northeast-1', account: undefined };

  test('returns who we are and where', async () => {
    const target = await confirmTarget(endpoint.clients, { ...rotation, account: endpoint.aws.accountId });
    expect(target).toMatchObject({ account: '123456789012', region: 'ap-northeast-1' });
    expect(target.arn).toContain(':user/');
  });

  test('refuses another account than the rotation file declares', async () => {
    const confirmed = confirmTarget(endpoint.clients, { ...rotation, account: '999999999999' });
    const facts = { declared: '999999999999', given: '123456789012', file: rotation.file };
    await expect(confirmed).rejects.toMatchObject({ code: 'account-mismatch', exitCode: 78, facts });
  });

  test('refuses another region than the rotation file declares, before any call', async () => {
    const clients = createClients({ region: 'eu-west-1', env: process.env });
    const confirmed = confirmTarget(clients, rotation);
    const facts = { declared: 'ap-northeast-1', given: 'eu-west-1' };
    await expect(confirmed).rejects.toMatchObject({ code: 'region-mismatch', facts });
    clients.destroy();
  });
});
