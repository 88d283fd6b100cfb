import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { type LocalAwsOptions, startLocalAws } from '../../local-aws';
import { kmsClient, outcome } from '../conformance/byok';

it.each([
  [{ host: '0.0.0.0' }, 'host 0.0.0.0 is not a loopback address'],
  [{ host: '192.168.1.2' }, 'is not a loopback address'],
  [{ host: '::' }, 'is not a loopback address'],
  [{ port: 70_000 }, 'port 70000 is not between 0 and 65535'],
  [{ region: 'Tokyo' }, 'region Tokyo is not the name of a Region'],
  [{ accountId: '1' }, 'account ID 1 is not 12 digits'],
] satisfies [LocalAwsOptions, string][])('refuses %j', async (options, message) => {
  await expect(startLocalAws(options)).rejects.toThrow(message);
});

it('fails when the port is taken', async () => {
  const first = await startLocalAws();
  try {
    await expect(startLocalAws({ port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  } finally {
    await first.close();
  }
});

it('tells the variables that lead an SDK here and nowhere else', async () => {
  const aws = await startLocalAws({ region: 'eu-west-1' });
  expect(aws.environment()).toEqual({
    AWS_ENDPOINT_URL: `http://127.0.0.1:${aws.port}`,
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: aws.accessKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.accessKey.secretAccessKey,
    AWS_SESSION_TOKEN: '',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false',
  });
  const temporary = aws.credentials.addTemporary();
  expect(aws.environment(temporary).AWS_SESSION_TOKEN).toBe(temporary.sessionToken);
  await aws.close();
});

it('answers nobody after it is closed, though a connection was kept open', async () => {
  const aws = await startLocalAws();
  const kms = kmsClient(aws);
  expect(await outcome(kms.send(new DescribeKeyCommand({ KeyId: 'alias/none' })))).toBe('NotFoundException');
  await aws.close();
  await expect(fetch(aws.url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  await expect(kms.send(new DescribeKeyCommand({ KeyId: 'alias/none' }))).rejects.not.toMatchObject({
    name: 'NotFoundException',
  });
  await aws.close();
});

it('keeps two endpoints apart', async () => {
  const [one, other] = [await startLocalAws(), await startLocalAws({ accountId: '999999999999' })];
  const [mine, theirs] = [kmsClient(one), kmsClient(other)];
  const managed = await mine.send(new DescribeKeyCommand({ KeyId: 'alias/aws/s3' }));
  const KeyId = managed.KeyMetadata?.KeyId;
  expect(await outcome(theirs.send(new DescribeKeyCommand({ KeyId })))).toBe('NotFoundException');
  await Promise.all([one.close(), other.close()]);
});
