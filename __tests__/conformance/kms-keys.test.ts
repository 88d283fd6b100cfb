import {
  CancelKeyDeletionCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListGrantsCommand,
  ListKeyPoliciesCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  RevokeGrantCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { createExternalKey, importedKey, kmsClient, outcome } from './byok';

const day = 86_400_000;

let aws: LocalAws;
let kms: KMSClient;

beforeEach(async () => {
  aws = await startTestAws();
  kms = kmsClient(aws);
});
afterEach(() => aws.close());

const metadata = async (KeyId: string) => (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata;

async function plainKey(): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  return KeyMetadata?.KeyId ?? '';
}

describe('CreateKey', () => {
  it('makes a key with KMS material by default', async () => {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'plain' }));
    expect(KeyMetadata).toMatchObject({
      AWSAccountId: aws.accountId,
      Arn: `arn:aws:kms:${aws.region}:${aws.accountId}:key/${KeyMetadata?.KeyId}`,
      Description: 'plain',
      Enabled: true,
      KeyManager: 'CUSTOMER',
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyState: 'Enabled',
      KeyUsage: 'ENCRYPT_DECRYPT',
      MultiRegion: false,
      Origin: 'AWS_KMS',
    });
  });

  it.each([
    ['an asymmetric key', { KeySpec: 'RSA_2048' }, 'UnsupportedOperationException'],
    ['a key to sign with', { KeyUsage: 'SIGN_VERIFY' }, 'UnsupportedOperationException'],
    ['a key in a custom key store', { Origin: 'AWS_CLOUDHSM' }, 'UnsupportedOperationException'],
    [
      'a multi-Region key that signs',
      { MultiRegion: true, KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
      'UnsupportedOperationException',
    ],
    ['a description that is too long', { Description: 'x'.repeat(8193) }, 'ValidationException'],
    ['a policy that is no JSON', { Policy: '{' }, 'MalformedPolicyDocumentException'],
    ['a tag with a reserved key', { Tags: [{ TagKey: 'aws:x', TagValue: '' }] }, 'TagException'],
  ] satisfies [string, CreateKeyCommandInput, string][])('refuses %s', async (_, input, error) => {
    expect(await outcome(kms.send(new CreateKeyCommand(input)))).toBe(error);
  });
});

describe('DescribeKey', () => {
  it.each([
    ['another ID', 'c4a3a8a7-0000-4000-8000-000000000000', 'NotFoundException'],
    ['what is no ID', 'nonsense', 'NotFoundException'],
    ['an alias that is not there', 'alias/none', 'NotFoundException'],
    ['an ARN of another service', 'arn:aws:s3:::bucket', 'InvalidArnException'],
    [
      'an ARN of another Region',
      'arn:aws:kms:us-east-1:123456789012:key/c4a3a8a7-0000-4000-8000-000000000000',
      'NotFoundException',
    ],
    [
      'an ARN of another account',
      'arn:aws:kms:ap-northeast-1:999999999999:key/c4a3a8a7-0000-4000-8000-000000000000',
      'AccessDeniedException',
    ],
  ])('refuses %s', async (_, KeyId, error) => {
    expect(await outcome(kms.send(new DescribeKeyCommand({ KeyId })))).toBe(error);
  });

  it('makes the AWS managed key of S3 when it is first asked for', async () => {
    const managed = await metadata('alias/aws/s3');
    expect(managed).toMatchObject({ KeyManager: 'AWS', KeyState: 'Enabled' });
    expect((await metadata('alias/aws/s3'))?.KeyId).toBe(managed?.KeyId);
    expect(await outcome(kms.send(new DisableKeyCommand({ KeyId: managed?.KeyId })))).toBe('AccessDeniedException');
  });

  it('finds a new key only after a while, when eventual consistency is asked for', async () => {
    aws.faults.newKeyLag = 2;
    const KeyId = await plainKey();
    expect(await outcome(metadata(KeyId))).toBe('NotFoundException');
    expect(await outcome(metadata(KeyId))).toBe('NotFoundException');
    expect(await outcome(metadata(KeyId))).toBe('ok');
  });
});

it('lists keys in pages', async () => {
  const ids = new Set(await Promise.all(Array.from({ length: 5 }, plainKey)));
  const seen: string[] = [];
  let Marker: string | undefined;
  do {
    const page = await kms.send(new ListKeysCommand({ Limit: 2, Marker }));
    expect(page.Keys?.length).toBeLessThanOrEqual(2);
    expect(page.Truncated).toBe(page.NextMarker !== undefined);
    seen.push(...(page.Keys ?? []).map((key) => key.KeyId ?? ''));
    Marker = page.NextMarker;
  } while (Marker !== undefined);
  expect(seen).toHaveLength(5);
  expect(new Set(seen)).toEqual(ids);
  expect(await outcome(kms.send(new ListKeysCommand({ Marker: 'other' })))).toBe('InvalidMarkerException');
});

it('changes the description', async () => {
  const KeyId = await plainKey();
  await kms.send(new UpdateKeyDescriptionCommand({ KeyId, Description: 'now' }));
  expect((await metadata(KeyId))?.Description).toBe('now');
});

it('disables and enables a key', async () => {
  const { id: KeyId } = await importedKey(kms);
  await kms.send(new DisableKeyCommand({ KeyId }));
  expect(await metadata(KeyId)).toMatchObject({ KeyState: 'Disabled', Enabled: false });
  await kms.send(new EnableKeyCommand({ KeyId }));
  expect(await metadata(KeyId)).toMatchObject({ KeyState: 'Enabled', Enabled: true });
});

describe('ScheduleKeyDeletion', () => {
  it('waits out its window, and the key is gone with its aliases', async () => {
    const KeyId = await plainKey();
    const { DeletionDate, KeyState } = await kms.send(
      new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }),
    );
    expect(KeyState).toBe('PendingDeletion');
    expect((await metadata(KeyId))?.DeletionDate).toEqual(DeletionDate);
    aws.clock.advance(7 * day - 60_000);
    expect((await metadata(KeyId))?.KeyState).toBe('PendingDeletion');
    aws.clock.advance(60_000);
    expect(await outcome(metadata(KeyId))).toBe('NotFoundException');
  });

  it('can be taken back, which leaves the key disabled', async () => {
    const KeyId = await plainKey();
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId }));
    await kms.send(new CancelKeyDeletionCommand({ KeyId }));
    aws.clock.advance(31 * day);
    expect((await metadata(KeyId))?.KeyState).toBe('Disabled');
  });

  it.each([6, 31])('refuses a window of %i days', async (PendingWindowInDays) => {
    const command = new ScheduleKeyDeletionCommand({ KeyId: await plainKey(), PendingWindowInDays });
    expect(await outcome(kms.send(command))).toBe('ValidationException');
  });
});

it('has no automatic rotation for customer keys', async () => {
  const { KeyRotationEnabled } = await kms.send(new GetKeyRotationStatusCommand({ KeyId: await plainKey() }));
  expect(KeyRotationEnabled).toBe(false);
});

describe('key policies', () => {
  const allowRoot = (actions: string) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::123456789012:root' },
          Action: actions,
          Resource: '*',
        },
      ],
    });

  it('gives a key the default policy, and stores another exactly as it is put', async () => {
    const KeyId = await plainKey();
    const { Policy, PolicyName } = await kms.send(new GetKeyPolicyCommand({ KeyId }));
    expect(JSON.parse(Policy ?? '')).toMatchObject({ Id: 'key-default-1' });
    expect(PolicyName).toBe('default');
    await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: allowRoot('kms:*') }));
    expect((await kms.send(new GetKeyPolicyCommand({ KeyId }))).Policy).toBe(allowRoot('kms:*'));
    expect((await kms.send(new ListKeyPoliciesCommand({ KeyId }))).PolicyNames).toEqual(['default']);
  });

  it('refuses a policy that locks its author out, unless told to let it pass', async () => {
    const KeyId = await plainKey();
    const locked = { KeyId, Policy: allowRoot('kms:Decrypt') };
    expect(await outcome(kms.send(new PutKeyPolicyCommand(locked)))).toBe('MalformedPolicyDocumentException');
    const bypass = { ...locked, BypassPolicyLockoutSafetyCheck: true };
    expect(await outcome(kms.send(new PutKeyPolicyCommand(bypass)))).toBe('ok');
  });

  it.each([
    '[]',
    '{"Statement":[]}',
    '{"Statement":{"Effect":"Maybe"}}',
    '{"Version":"1","Statement":{}}',
    '{"Extra":1}',
  ])('refuses %s', async (Policy) => {
    const command = new PutKeyPolicyCommand({ KeyId: await plainKey(), Policy });
    expect(await outcome(kms.send(command))).toBe('MalformedPolicyDocumentException');
  });
});

it('puts, replaces, lists and takes away tags', async () => {
  const KeyId = await plainKey();
  const tags = async () => (await kms.send(new ListResourceTagsCommand({ KeyId }))).Tags;
  await kms.send(
    new TagResourceCommand({
      KeyId,
      Tags: [
        { TagKey: 'b', TagValue: '1' },
        { TagKey: 'a', TagValue: '' },
      ],
    }),
  );
  await kms.send(new TagResourceCommand({ KeyId, Tags: [{ TagKey: 'b', TagValue: '2' }] }));
  expect(await tags()).toEqual([
    { TagKey: 'a', TagValue: '' },
    { TagKey: 'b', TagValue: '2' },
  ]);
  await kms.send(new UntagResourceCommand({ KeyId, TagKeys: ['a', 'none'] }));
  expect(await tags()).toEqual([{ TagKey: 'b', TagValue: '2' }]);
  const many = Array.from({ length: 50 }, (_, index) => ({ TagKey: `t${index}`, TagValue: '' }));
  expect(await outcome(kms.send(new TagResourceCommand({ KeyId, Tags: many })))).toBe('TagException');
});

describe('grants', () => {
  const GranteePrincipal = 'arn:aws:iam::123456789012:role/reader';

  it('makes, lists and revokes them', async () => {
    const KeyId = await plainKey();
    const Operations = ['Decrypt' as const, 'DescribeKey' as const];
    const { GrantId, GrantToken } = await kms.send(
      new CreateGrantCommand({ KeyId, GranteePrincipal, Operations, Name: 'n' }),
    );
    expect(GrantToken).toBeTruthy();
    const { Grants } = await kms.send(new ListGrantsCommand({ KeyId }));
    expect(Grants).toMatchObject([{ GrantId, GranteePrincipal, Operations, Name: 'n' }]);
    await kms.send(new RevokeGrantCommand({ KeyId, GrantId }));
    expect((await kms.send(new ListGrantsCommand({ KeyId }))).Grants).toEqual([]);
    expect(await outcome(kms.send(new RevokeGrantCommand({ KeyId, GrantId })))).toBe('NotFoundException');
  });

  it('answers the same grant for the same name, and a new one without a name', async () => {
    const KeyId = await plainKey();
    const ask = (Name?: string) =>
      kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal, Operations: ['Decrypt'], Name }));
    expect((await ask('n')).GrantId).toBe((await ask('n')).GrantId);
    expect((await ask()).GrantId).not.toBe((await ask()).GrantId);
  });

  it('refuses one on a key without material', async () => {
    const { id } = await createExternalKey(kms);
    const command = new CreateGrantCommand({ KeyId: id, GranteePrincipal, Operations: ['Decrypt'] });
    expect(await outcome(kms.send(command))).toBe('KMSInvalidStateException');
  });
});
