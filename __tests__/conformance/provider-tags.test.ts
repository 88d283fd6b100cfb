import { GetBucketTaggingCommand } from '@aws-sdk/client-s3';
import {
  GetPublicAccessBlockCommand,
  ListTagsForResourceCommand,
  PutPublicAccessBlockCommand,
  S3ControlClient,
  TagResourceCommand,
} from '@aws-sdk/client-s3-control';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { HttpProxyAgent } from 'http-proxy-agent';
import type { AccessKey } from '../../local-aws';
import { newBucket, openStand, type S3Stand } from './s3-stand';

let stand: S3Stand;
beforeAll(async () => {
  stand = await openStand();
});
afterAll(() => stand.close());

/**
 * S3 Control under `<account>.<host>`, as a client behind a proxy sends it. The host is a name, because URLs of JavaScript
 * refuse `123456789012.127.0.0.1`.
 */
function accountHost(credentials: AccessKey = stand.aws.accessKey): S3ControlClient {
  const { url, region, port } = stand.aws;
  const requestHandler = new NodeHttpHandler({ httpAgent: new HttpProxyAgent(url) });
  const endpoint = `http://endpoint.test:${port}`;
  return new S3ControlClient({ endpoint, region, credentials, maxAttempts: 1, requestHandler });
}

/** What the AWS provider from 6.23.0 on does at a refresh: S3's own tags only after certain refusals of S3 Control. */
async function refreshedTags(bucket: string, control = accountHost()): Promise<readonly object[]> {
  const asked = { AccountId: stand.aws.accountId, ResourceArn: `arn:aws:s3:::${bucket}` };
  try {
    return (await control.send(new ListTagsForResourceCommand(asked))).Tags ?? [];
  } catch (error) {
    const { name, message } = error as Error;
    const falls = /is not authorized to perform/.test(message) || /^(MethodNotAllowed|UnsupportedArgument)$/.test(name);
    if (!falls) throw error;
    return (await stand.s3.send(new GetBucketTaggingCommand({ Bucket: bucket }))).TagSet ?? [];
  } finally {
    control.destroy();
  }
}

const Tags = [{ Key: 'owner', Value: 'payroll' }];

async function taggedBucket(): Promise<string> {
  const bucket = await newBucket(stand.s3);
  const control = accountHost();
  const { accountId: AccountId } = stand.aws;
  await control.send(new TagResourceCommand({ AccountId, ResourceArn: `arn:aws:s3:::${bucket}`, Tags }));
  control.destroy();
  return bucket;
}

it("serves requests that a proxy's client sends for the host of the account", async () => {
  const bucket = await taggedBucket();
  expect(await refreshedTags(bucket)).toEqual(Tags);
  expect((await stand.s3.send(new GetBucketTaggingCommand({ Bucket: bucket }))).TagSet).toEqual(Tags);
});

it('denies in the words after which the provider asks S3 itself', async () => {
  const bucket = await taggedBucket();
  const reader = stand.aws.credentials.addUser('reader');
  stand.aws.credentials.limit(reader.accessKeyId, ['s3:GetBucketTagging']);
  expect(await refreshedTags(bucket, accountHost(reader))).toEqual(Tags);
});

it('fails as the provider does where S3 Control is not served', async () => {
  const bucket = await taggedBucket();
  const then = { kind: 'answer', status: 501, code: 'NotImplemented' } as const;
  const remove = stand.aws.faults.inject({ match: { service: 's3control' }, then });
  await expect(refreshedTags(bucket)).rejects.toMatchObject({ name: 'NotImplemented' });
  remove();
});

it("keeps the account's block of public access", async () => {
  const control = accountHost();
  const { accountId: AccountId } = stand.aws;
  const read = () => control.send(new GetPublicAccessBlockCommand({ AccountId }));
  await expect(read()).rejects.toThrow('The public access block configuration was not found');
  const wanted = { BlockPublicAcls: true, RestrictPublicBuckets: true };
  await control.send(new PutPublicAccessBlockCommand({ AccountId, PublicAccessBlockConfiguration: wanted }));
  expect((await read()).PublicAccessBlockConfiguration).toEqual({
    ...wanted,
    IgnorePublicAcls: false,
    BlockPublicPolicy: false,
  });
  control.destroy();
});
