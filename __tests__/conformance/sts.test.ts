import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { outcome } from './byok';

let aws: LocalAws;

beforeAll(async () => {
  aws = await startTestAws({ accountId: '210987654321', region: 'eu-central-1' });
});
afterAll(() => aws.close());

const client = (credentials = aws.accessKey, region = aws.region) =>
  new STSClient({ endpoint: aws.url, region, credentials, maxAttempts: 1 });

it('tells a user who it is', async () => {
  const key = aws.credentials.addUser('ada');
  const identity = await client(key).send(new GetCallerIdentityCommand({}));
  expect(identity).toMatchObject({ Account: '210987654321', Arn: 'arn:aws:iam::210987654321:user/ada' });
  expect(identity.UserId).toMatch(/^AIDA[A-Z2-7]{16}$/);
});

it('tells the bearer of temporary credentials who it is', async () => {
  const key = aws.credentials.addTemporary({ roleName: 'rotator' });
  const identity = await client(key).send(new GetCallerIdentityCommand({}));
  expect(identity.Arn).toBe('arn:aws:sts::210987654321:assumed-role/rotator/session');
});

it('answers even a caller that is permitted nothing', async () => {
  const key = aws.credentials.addUser('nobody');
  aws.credentials.limit(key.accessKeyId, []);
  expect(await outcome(client(key).send(new GetCallerIdentityCommand({})))).toBe('ok');
});

it('refuses temporary credentials once they have expired', async () => {
  const key = aws.credentials.addTemporary({ lifetime: 60_000 });
  aws.clock.advance(60_000);
  expect(await outcome(client(key).send(new GetCallerIdentityCommand({})))).toBe('ExpiredToken');
  aws.clock.offset = 0;
});

it('refuses temporary credentials without their token, and a token that is not theirs', async () => {
  const { sessionToken, ...pair } = aws.credentials.addTemporary();
  expect(await outcome(client(pair).send(new GetCallerIdentityCommand({})))).toBe('InvalidClientTokenId');
  const other = { ...pair, sessionToken: sessionToken.slice(1) };
  expect(await outcome(client(other).send(new GetCallerIdentityCommand({})))).toBe('InvalidClientTokenId');
});

it('refuses an access key it does not know and a secret that is wrong', async () => {
  const unknown = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'x' };
  expect(await outcome(client(unknown).send(new GetCallerIdentityCommand({})))).toBe('InvalidClientTokenId');
  const wrong = { ...aws.accessKey, secretAccessKey: 'x' };
  expect(await outcome(client(wrong).send(new GetCallerIdentityCommand({})))).toBe('SignatureDoesNotMatch');
});

it('refuses a signature for another Region', async () => {
  const refused = client(aws.accessKey, 'us-east-1').send(new GetCallerIdentityCommand({}));
  await expect(refused).rejects.toMatchObject({
    name: 'SignatureDoesNotMatch',
    message: expect.stringContaining("Credential should be scoped to a valid region, not 'us-east-1'"),
  });
});

it('refuses an action it does not serve', async () => {
  expect(await outcome(client().send(new GetSessionTokenCommand({})))).toBe('InvalidAction');
});
