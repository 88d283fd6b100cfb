import { createPublicKey, verify } from 'node:crypto';
import {
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GetParametersForImportCommand,
  GetPublicKeyCommand,
  type KMSClient,
  SignCommand,
  VerifyCommand,
} from '@aws-sdk/client-kms';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { kmsClient, outcome } from './byok';

let aws: LocalAws;
let kms: KMSClient;
let KeyId: string;

const P256: CreateKeyCommandInput = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' };
const Message = Buffer.from('a message of up to 4096 bytes');
const signed = { SigningAlgorithm: 'ECDSA_SHA_256', Message } as const;

beforeAll(async () => {
  aws = await startTestAws();
  kms = kmsClient(aws);
  KeyId = (await kms.send(new CreateKeyCommand(P256))).KeyMetadata?.Arn ?? '';
});
afterAll(() => aws.close());

it('describes a key that signs', async () => {
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  expect(KeyMetadata).toMatchObject({
    KeySpec: 'ECC_NIST_P256',
    CustomerMasterKeySpec: 'ECC_NIST_P256',
    KeyUsage: 'SIGN_VERIFY',
    SigningAlgorithms: ['ECDSA_SHA_256'],
    KeyState: 'Enabled',
    Origin: 'AWS_KMS',
  });
  expect(KeyMetadata).not.toHaveProperty('EncryptionAlgorithms');
});

it('signs so that anybody verifies with its public key, and KMS too', async () => {
  const { Signature = new Uint8Array() } = await kms.send(new SignCommand({ KeyId, ...signed }));
  const { PublicKey = new Uint8Array(), ...rest } = await kms.send(new GetPublicKeyCommand({ KeyId }));
  expect(rest).toMatchObject({ KeyId, KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
  expect(verify('sha256', Message, publicKey, Signature)).toBe(true);
  const answer = await kms.send(new VerifyCommand({ KeyId, ...signed, Signature }));
  expect(answer.SignatureValid).toBe(true);
});

it('refuses a signature over another message', async () => {
  const { Signature } = await kms.send(new SignCommand({ KeyId, ...signed }));
  const changed = new VerifyCommand({ KeyId, ...signed, Message: Buffer.from('another'), Signature });
  expect(await outcome(kms.send(changed))).toBe('KMSInvalidSignatureException');
});

it('refuses what a key that signs cannot do, and a key that encrypts what it cannot', async () => {
  const symmetric = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.KeyId ?? '';
  expect(await outcome(kms.send(new EncryptCommand({ KeyId, Plaintext: Message })))).toBe('InvalidKeyUsageException');
  expect(await outcome(kms.send(new SignCommand({ KeyId: symmetric, ...signed })))).toBe('InvalidKeyUsageException');
  const other = new SignCommand({ KeyId, Message, SigningAlgorithm: 'ECDSA_SHA_384' });
  expect(await outcome(kms.send(other))).toBe('InvalidKeyUsageException');
  expect(await outcome(kms.send(new GetPublicKeyCommand({ KeyId: symmetric })))).toBe('UnsupportedOperationException');
  const wrapping = { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_4096' } as const;
  expect(await outcome(kms.send(new GetParametersForImportCommand({ KeyId, ...wrapping })))).toBe(
    'UnsupportedOperationException',
  );
});

it.each<[string, CreateKeyCommandInput, string]>([
  ['no usage', { KeySpec: 'ECC_NIST_P256' }, 'ValidationException'],
  [
    'the usage of another spec',
    { KeySpec: 'ECC_NIST_P256', KeyUsage: 'ENCRYPT_DECRYPT' },
    'UnsupportedOperationException',
  ],
  ['imported material', { ...P256, Origin: 'EXTERNAL' }, 'UnsupportedOperationException'],
])('refuses to create one with %s', async (_what, input, code) => {
  expect(await outcome(kms.send(new CreateKeyCommand(input)))).toBe(code);
});

it('refuses to sign while it is Disabled', async () => {
  const other = (await kms.send(new CreateKeyCommand(P256))).KeyMetadata?.KeyId ?? '';
  await kms.send(new DisableKeyCommand({ KeyId: other }));
  expect(await outcome(kms.send(new SignCommand({ KeyId: other, ...signed })))).toBe('DisabledException');
});
