import { CreateAliasCommand, KMSClient } from '@aws-sdk/client-kms';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Observing } from '../../../lib/observation/observe';
import { moveScope } from '../../../lib/workflow/move-scope';
import { type TestEndpoint, testEndpoint } from '../reencrypt/endpoint';
import { parse, textWith } from '../rotation/rotation-texts';

const TENANT = 'arn:aws:kms:ap-northeast-1:999988887777:key/77777777-2222-3333-4444-555555555555';

describe('the scope of a rotation', () => {
  let e: TestEndpoint;
  beforeAll(async () => {
    e = await testEndpoint();
    for (const [AliasName, TargetKeyId] of [
      ['alias/test/v1', e.oldKey],
      ['alias/test/v2', e.newKey],
    ])
      await e.kms.send(new CreateAliasCommand({ AliasName, TargetKeyId }));
  });
  afterAll(() => e.close());

  const scopeOf = async (change: Record<string, unknown>, kms: KMSClient = e.kms) => {
    const versions = { keyVersions: [{ name: 'v1' }, { name: 'v2' }], activeVersion: 'v2', alias: 'alias/test' };
    const rotation = await parse(textWith({ ...versions, ...change }));
    const run: Observing = {
      rotation,
      clients: { kms, s3: e.s3 },
      identity: { account: e.aws.accountId, arn: '', userId: '' },
      signal: new AbortController().signal,
    };
    return moveScope(run, e.newKey);
  };

  it('takes every declared version but the active one, before it and after it', async () => {
    expect(await scopeOf({})).toEqual({
      activeKeyArn: e.newKey,
      versionKeyArns: [e.oldKey],
      unresolvedVersions: [],
      from: { any: false, sseS3: false, keyArns: [], unresolved: undefined },
    });
    const rolledBack = await scopeOf({ keyVersions: [{ name: 'v2' }, { name: 'v1', disabled: true }] });
    expect(rolledBack.versionKeyArns).toEqual([e.oldKey]);
  });

  it('names a superseded version that has no key, and neither a retired nor a later one', async () => {
    const keyVersions = [{ name: 'v0', disabled: true }, { name: 'v1b' }, { name: 'v2' }, { name: 'v3' }];
    expect(await scopeOf({ keyVersions })).toMatchObject({ versionKeyArns: [], unresolvedVersions: ['v1b'] });
  });

  it('resolves aws/s3 once the account has it, and creates none', async () => {
    const reencrypt = { from: ['aws/s3', TENANT] };
    expect((await scopeOf({ reencrypt })).from).toMatchObject({ keyArns: [TENANT], unresolved: undefined });
    await e.bucket('managed');
    const managed = { Bucket: 'managed', Key: 'a', Body: 'x', ServerSideEncryption: 'aws:kms' } as const;
    const { SSEKMSKeyId } = await e.s3.send(new PutObjectCommand(managed));
    expect((await scopeOf({ reencrypt })).from.keyArns).toEqual([TENANT, SSEKMSKeyId]);
  });

  it('says why aws/s3 is not known to who may not list aliases', async () => {
    const user = { accessKeyId: 'AKIDLIMITED000000001', secretAccessKey: 'example-secret-of-a-limited-user' };
    e.aws.credentials.addUser('limited', user);
    e.aws.credentials.limit(user.accessKeyId, ['kms:DescribeKey']);
    const kms = new KMSClient({ region: e.aws.region, endpoint: e.aws.url, credentials: user, maxAttempts: 1 });
    const { from } = await scopeOf({ reencrypt: { from: ['aws/s3'] } }, kms);
    expect(from).toMatchObject({ keyArns: [], unresolved: expect.stringContaining('kms:ListAliases') });
    kms.destroy();
  });
});
