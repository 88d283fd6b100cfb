import {
  CreateGrantCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GetKeyLastUsageCommand,
  type KMSClient,
  ReEncryptCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { createExternalKey, importedKey, kmsClient, outcome } from './byok';

let aws: LocalAws;
let kms: KMSClient;
let one: Awaited<ReturnType<typeof importedKey>>;
let other: Awaited<ReturnType<typeof importedKey>>;

beforeAll(async () => {
  aws = await startTestAws();
  kms = kmsClient(aws);
  [one, other] = [await importedKey(kms), await importedKey(kms)];
});
afterAll(() => aws.close());

const context = { 'aws:s3:arn': 'arn:aws:s3:::bucket/key', purpose: 'test' };
const bytes = (data: Uint8Array | undefined) => Buffer.from(data ?? []);

it('encrypts and decrypts without being told the key', async () => {
  const Plaintext = Buffer.from('a secret of up to 4096 bytes');
  const sealed = await kms.send(new EncryptCommand({ KeyId: one.id, Plaintext, EncryptionContext: context }));
  expect(bytes(sealed.CiphertextBlob).includes(Plaintext)).toBe(false);
  const opened = await kms.send(
    new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context }),
  );
  expect(bytes(opened.Plaintext)).toEqual(Plaintext);
  expect(opened).toMatchObject({ KeyId: one.arn, KeyMaterialId: one.materialId });
});

it.each([
  [{ KeySpec: 'AES_256' }, 32],
  [{ KeySpec: 'AES_128' }, 16],
  [{ NumberOfBytes: 64 }, 64],
] as const)('generates a data key for %o', async (size, length) => {
  const made = await kms.send(new GenerateDataKeyCommand({ KeyId: one.arn, ...size }));
  expect(made.Plaintext).toHaveLength(length);
  expect(made).toMatchObject({ KeyId: one.arn, KeyMaterialId: one.materialId });
  const opened = await kms.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, KeyId: one.id }));
  expect(bytes(opened.Plaintext)).toEqual(bytes(made.Plaintext));
});

it('generates a data key without showing it', async () => {
  const input = { KeyId: one.id, KeySpec: 'AES_256' } as const;
  const made = await kms.send(new GenerateDataKeyWithoutPlaintextCommand(input));
  expect(made).not.toHaveProperty('Plaintext');
  const opened = await kms.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob }));
  expect(opened.Plaintext).toHaveLength(32);
});

it('re-encrypts under another key and another context', async () => {
  const made = await kms.send(
    new GenerateDataKeyCommand({ KeyId: one.id, KeySpec: 'AES_256', EncryptionContext: context }),
  );
  const moved = await kms.send(
    new ReEncryptCommand({
      CiphertextBlob: made.CiphertextBlob,
      SourceEncryptionContext: context,
      DestinationKeyId: other.arn,
      DestinationEncryptionContext: { moved: 'yes' },
    }),
  );
  expect(moved).toMatchObject({
    SourceKeyId: one.arn,
    KeyId: other.arn,
    SourceKeyMaterialId: one.materialId,
    DestinationKeyMaterialId: other.materialId,
  });
  const opened = await kms.send(
    new DecryptCommand({ CiphertextBlob: moved.CiphertextBlob, EncryptionContext: { moved: 'yes' } }),
  );
  expect(bytes(opened.Plaintext)).toEqual(bytes(made.Plaintext));
});

describe('refuses', () => {
  const seal = async () => {
    const command = new EncryptCommand({ KeyId: one.id, Plaintext: Buffer.from('x'), EncryptionContext: context });
    return bytes((await kms.send(command)).CiphertextBlob);
  };
  const open = (CiphertextBlob: Buffer, EncryptionContext: Record<string, string> = context, KeyId?: string) =>
    outcome(kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext, KeyId })));

  it('a ciphertext with any one bit changed', async () => {
    const sealed = await seal();
    // Bytes 1 to 16 name the key: changed, they name one that is not there.
    for (const at of [0, 20, 40, 60, 76, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      expect(await open(changed)).toBe('InvalidCiphertextException');
    }
    const elsewhere = Buffer.from(sealed);
    elsewhere[3] = (elsewhere[3] ?? 0) ^ 1;
    expect(await open(elsewhere)).toBe('AccessDeniedException');
  });

  it('a ciphertext cut short, and bytes that never were one', async () => {
    expect(await open((await seal()).subarray(0, 50))).toBe('InvalidCiphertextException');
    expect(await open(Buffer.from('not a ciphertext'))).toBe('InvalidCiphertextException');
  });

  it('another context: less, more or other', async () => {
    const sealed = await seal();
    expect(await open(sealed, {})).toBe('InvalidCiphertextException');
    expect(await open(sealed, { ...context, more: '1' })).toBe('InvalidCiphertextException');
    expect(await open(sealed, { ...context, purpose: 'Test' })).toBe('InvalidCiphertextException');
    expect(await open(sealed, { purpose: context.purpose, 'aws:s3:arn': context['aws:s3:arn'] })).toBe('ok');
  });

  it('a key ID that is not the key of the ciphertext', async () => {
    expect(await open(await seal(), context, other.id)).toBe('IncorrectKeyException');
    expect(await open(await seal(), context, one.id)).toBe('ok');
  });

  it.each([
    ['no size at all', {}],
    ['two sizes', { KeySpec: 'AES_256', NumberOfBytes: 32 }],
    ['a size over 1024 bytes', { NumberOfBytes: 1025 }],
  ] as const)('a data key of %s', async (_, size) => {
    expect(await outcome(kms.send(new GenerateDataKeyCommand({ KeyId: one.id, ...size })))).toBe('ValidationException');
  });

  it('an attestation of an enclave and an algorithm for other keys', async () => {
    const recipient = { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: Buffer.from('x') } as const;
    const input = { KeyId: one.id, KeySpec: 'AES_256', Recipient: recipient } as const;
    expect(await outcome(kms.send(new GenerateDataKeyCommand(input)))).toBe('UnsupportedOperationException');
    const rsa = { KeyId: one.id, Plaintext: Buffer.from('x'), EncryptionAlgorithm: 'RSAES_OAEP_SHA_1' } as const;
    expect(await outcome(kms.send(new EncryptCommand(rsa)))).toBe('InvalidKeyUsageException');
  });

  it('a grant token that nobody was given', async () => {
    const granted = await kms.send(
      new CreateGrantCommand({ KeyId: one.id, GranteePrincipal: 'arn:aws:iam::1:role/r', Operations: ['Encrypt'] }),
    );
    const encrypt = (token: string | undefined) =>
      outcome(kms.send(new EncryptCommand({ KeyId: one.id, Plaintext: Buffer.from('x'), GrantTokens: [token ?? ''] })));
    expect(await encrypt(granted.GrantToken)).toBe('ok');
    expect(await encrypt('x')).toBe('InvalidGrantTokenException');
  });
});

it('makes a dry run of everything but the work', async () => {
  const input = { KeyId: one.id, KeySpec: 'AES_256', DryRun: true } as const;
  expect(await outcome(kms.send(new GenerateDataKeyCommand(input)))).toBe('DryRunOperationException');
  const { id } = await createExternalKey(kms);
  expect(await outcome(kms.send(new GenerateDataKeyCommand({ ...input, KeyId: id })))).toBe('KMSInvalidStateException');
});

it('remembers the last successful use of a key, and no other', async () => {
  const key = await importedKey(kms);
  const usage = async () => (await kms.send(new GetKeyLastUsageCommand({ KeyId: key.id }))).KeyLastUsage;
  expect(await usage()).toEqual({});
  await kms.send(new EncryptCommand({ KeyId: key.id, Plaintext: Buffer.from('x') }));
  expect(await usage()).toMatchObject({ Operation: 'Encrypt' });
  await outcome(kms.send(new GenerateDataKeyCommand({ KeyId: key.id })));
  expect(await usage()).toMatchObject({ Operation: 'Encrypt' });
});

it('cannot open anything of a key that is gone', async () => {
  const key = await importedKey(kms);
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: key.id, Plaintext: Buffer.from('x') }));
  await kms.send(new ScheduleKeyDeletionCommand({ KeyId: key.id, PendingWindowInDays: 7 }));
  aws.clock.advance(7 * 86_400_000);
  expect(await outcome(kms.send(new DescribeKeyCommand({ KeyId: key.id })))).toBe('NotFoundException');
  expect(await outcome(kms.send(new DecryptCommand({ CiphertextBlob })))).toBe('AccessDeniedException');
  aws.clock.offset = 0;
});
