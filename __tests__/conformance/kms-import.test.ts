import { createPublicKey, randomBytes } from 'node:crypto';
import {
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  GenerateDataKeyCommand,
  GetParametersForImportCommand,
  ImportKeyMaterialCommand,
  type ImportKeyMaterialCommandInput,
  type KMSClient,
} from '@aws-sdk/client-kms';
import { type LocalAws, startLocalAws } from '../../local-aws';
import { readyMadeKey } from '../runner/wrapping-keys';
import { startTestAws } from '../support/embedded-aws';
import {
  createExternalKey,
  importedKey,
  importMaterial,
  importParameters,
  kmsClient,
  outcome,
  sameParameters,
  wrap,
} from './byok';

const day = 86_400_000;
const hour = 3_600_000;
const forever = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const;

let aws: LocalAws;
let kms: KMSClient;
/** A key that every refusal leaves without material. */
let blank: { id: string; arn: string };

beforeAll(async () => {
  aws = await startTestAws();
  kms = kmsClient(aws);
  blank = await createExternalKey(kms);
});
afterEach(() => {
  aws.clock.offset = 0;
});
afterAll(() => aws.close());

const describeKey = async (keyId: string) => (await kms.send(new DescribeKeyCommand({ KeyId: keyId }))).KeyMetadata;

/** Imports with everything right but what is given. */
async function attempt(keyId: string, change: Partial<ImportKeyMaterialCommandInput>): Promise<string> {
  const { ImportToken, PublicKey } = await sameParameters(kms, keyId);
  const EncryptedKeyMaterial = wrap(randomBytes(32), PublicKey);
  const input = { KeyId: keyId, ImportToken, EncryptedKeyMaterial, ...forever, ...change };
  return outcome(kms.send(new ImportKeyMaterialCommand(input)));
}

describe('GetParametersForImport', () => {
  it.each(['RSA_2048', 'RSA_3072'] as const)(
    'hands out a %s public key and a token, good for 24 hours',
    async (spec) => {
      const key = await createExternalKey(kms);
      const before = Date.now();
      const given = await kms.send(
        new GetParametersForImportCommand({
          KeyId: key.arn,
          WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
          WrappingKeySpec: spec,
        }),
      );
      expect(given.KeyId).toBe(key.arn);
      expect(wrap(randomBytes(32), given.PublicKey)).toHaveLength(Number(spec.slice(4)) / 8);
      expect(given.ParametersValidTo?.getTime()).toBeGreaterThanOrEqual(before + 24 * hour);
      expect(given.ParametersValidTo?.getTime()).toBeLessThanOrEqual(Date.now() + 24 * hour);
    },
  );

  it('hands out the keys of its source where the endpoint is given one', async () => {
    const { id } = await createExternalKey(kms);
    const { PublicKey } = await importParameters(kms, id);
    const handedOut = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
    const ready = [readyMadeKey('RSA_2048', 0), readyMadeKey('RSA_2048', 1)].map((key) => createPublicKey(key));
    expect(ready.some((key) => key.equals(handedOut))).toBe(true);
  });

  describe('of an endpoint that is given no source of keys', () => {
    let fresh: LocalAws;
    let client: KMSClient;
    let keyId: string;
    beforeAll(async () => {
      fresh = await startLocalAws();
      client = kmsClient(fresh);
      keyId = (await createExternalKey(client)).id;
    });
    afterAll(() => fresh.close());

    it('hands out a new 4096-bit key whose material is accepted', async () => {
      const given = await client.send(
        new GetParametersForImportCommand({
          KeyId: keyId,
          WrappingAlgorithm: 'RSAES_OAEP_SHA_1',
          WrappingKeySpec: 'RSA_4096',
        }),
      );
      const EncryptedKeyMaterial = wrap(randomBytes(32), given.PublicKey, 'sha1');
      expect(EncryptedKeyMaterial).toHaveLength(512);
      const input = { KeyId: keyId, ImportToken: given.ImportToken, EncryptedKeyMaterial, ...forever };
      expect(await outcome(client.send(new ImportKeyMaterialCommand(input)))).toBe('ok');
    }, 90_000);

    it('hands out another key at every call', async () => {
      const calls = await Promise.all([1, 2, 3].map(() => importParameters(client, keyId)));
      const keys = calls.map(({ PublicKey }) => Buffer.from(PublicKey ?? []).toString('hex'));
      expect(new Set(keys).size).toBe(3);
    });
  });

  it.each(['RSAES_PKCS1_V1_5', 'RSA_AES_KEY_WRAP_SHA_1', 'RSA_AES_KEY_WRAP_SHA_256', 'SM2PKE'] as const)(
    'refuses %s for a symmetric key',
    async (algorithm) => {
      const { id } = await createExternalKey(kms);
      const input = { KeyId: id, WrappingAlgorithm: algorithm, WrappingKeySpec: 'RSA_2048' } as const;
      expect(await outcome(kms.send(new GetParametersForImportCommand(input)))).toBe('UnsupportedOperationException');
    },
  );

  it('refuses an alias', async () => {
    const input = { KeyId: 'alias/x', WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' } as const;
    expect(await outcome(kms.send(new GetParametersForImportCommand(input)))).toBe('NotFoundException');
  });

  it('throttles at the quota AWS has, when asked to', async () => {
    const strict = await startTestAws({ quotas: { GetParametersForImport: 0.25 } });
    try {
      const client = kmsClient(strict);
      const { id } = await createExternalKey(client);
      expect(await outcome(importParameters(client, id))).toBe('ok');
      expect(await outcome(importParameters(client, id))).toBe('ThrottlingException');
      strict.clock.advance(4_000);
      expect(await outcome(importParameters(client, id))).toBe('ok');
    } finally {
      await strict.close();
    }
  });
});

describe('ImportKeyMaterial', () => {
  it('takes a key from PendingImport to Enabled', async () => {
    const key = await createExternalKey(kms);
    expect(await describeKey(key.id)).toMatchObject({ KeyState: 'PendingImport', Enabled: false, Origin: 'EXTERNAL' });
    const materialId = await importMaterial(kms, key.id, randomBytes(32));
    const after = await describeKey(key.id);
    expect(after).toMatchObject({
      KeyState: 'Enabled',
      Enabled: true,
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    });
    expect(after?.CurrentKeyMaterialId).toBe(materialId);
    expect(after?.ValidTo).toBeUndefined();
  });

  it('gives the same material the same ID in one key and another ID in another key', async () => {
    const { id, material, materialId } = await importedKey(kms);
    expect(materialId).toMatch(/^[0-9a-f]{64}$/);
    expect(await importMaterial(kms, id, material)).toBe(materialId);
    const other = await createExternalKey(kms);
    expect(await importMaterial(kms, other.id, material)).not.toBe(materialId);
  });

  it('shows the expiry that was declared, and changes it when the same material is imported again', async () => {
    const validTo = new Date(Math.floor(Date.now() / 1000) * 1000 + 30 * day);
    const expiring = { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: validTo } as const;
    const { id, material } = await importedKey(kms, expiring);
    expect(await describeKey(id)).toMatchObject(expiring);
    await importMaterial(kms, id, material, { ...forever, ImportType: 'EXISTING_KEY_MATERIAL' });
    expect((await describeKey(id))?.ValidTo).toBeUndefined();
  });

  it('makes the key unusable once the material expires, until the same bytes come back', async () => {
    const { id, material } = await importedKey(kms, { ValidTo: new Date(Date.now() + hour) });
    const { CiphertextBlob } = await kms.send(new GenerateDataKeyCommand({ KeyId: id, KeySpec: 'AES_256' }));
    aws.clock.advance(hour);
    expect(await describeKey(id)).toMatchObject({ KeyState: 'PendingImport', Enabled: false });
    expect(await outcome(kms.send(new DecryptCommand({ CiphertextBlob })))).toBe('KMSInvalidStateException');
    expect(await outcome(importMaterial(kms, id, randomBytes(32)))).toBe('IncorrectKeyMaterialException');
    await importMaterial(kms, id, material);
    expect(await outcome(kms.send(new DecryptCommand({ CiphertextBlob })))).toBe('ok');
  });

  it('leaves a disabled key disabled, but enables one whose material was gone', async () => {
    const { id, material } = await importedKey(kms);
    await kms.send(new DisableKeyCommand({ KeyId: id }));
    await importMaterial(kms, id, material);
    expect((await describeKey(id))?.KeyState).toBe('Disabled');
    await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId: id }));
    expect((await describeKey(id))?.KeyState).toBe('PendingImport');
    await importMaterial(kms, id, material);
    expect((await describeKey(id))?.KeyState).toBe('Enabled');
  });

  it('refuses altered bytes', async () => {
    const { id } = await createExternalKey(kms);
    const { PublicKey, ImportToken } = await importParameters(kms, id);
    const EncryptedKeyMaterial = wrap(randomBytes(32), PublicKey);
    EncryptedKeyMaterial[7] = (EncryptedKeyMaterial[7] ?? 0) ^ 1;
    const input = { KeyId: id, ImportToken, EncryptedKeyMaterial, ...forever };
    expect(await outcome(kms.send(new ImportKeyMaterialCommand(input)))).toBe('InvalidCiphertextException');
    expect((await describeKey(id))?.KeyState).toBe('PendingImport');
  });

  it('refuses material wrapped under the public key of another key', async () => {
    const [one, other] = [await createExternalKey(kms), await createExternalKey(kms)];
    const { PublicKey } = await importParameters(kms, other.id);
    const change = { EncryptedKeyMaterial: wrap(randomBytes(32), PublicKey) };
    expect(await attempt(one.id, change)).toBe('InvalidCiphertextException');
  });

  it('refuses material wrapped with another hash than was asked for', async () => {
    const { id } = await createExternalKey(kms);
    const { PublicKey, ImportToken } = await importParameters(kms, id);
    const EncryptedKeyMaterial = wrap(randomBytes(32), PublicKey, 'sha1');
    expect(await attempt(id, { ImportToken, EncryptedKeyMaterial })).toBe('InvalidCiphertextException');
  });

  it('refuses the token of another key, and an altered one', async () => {
    const [one, other] = [await createExternalKey(kms), await createExternalKey(kms)];
    const { ImportToken } = await importParameters(kms, other.id);
    expect(await attempt(one.id, { ImportToken })).toBe('InvalidImportTokenException');
    const altered = Buffer.from(ImportToken ?? []);
    altered[20] = (altered[20] ?? 0) ^ 1;
    expect(await attempt(other.id, { ImportToken: altered })).toBe('InvalidImportTokenException');
  });

  it('refuses a token older than 24 hours', async () => {
    const { id } = await createExternalKey(kms);
    const { PublicKey, ImportToken } = await importParameters(kms, id);
    aws.clock.advance(24 * hour);
    const change = { ImportToken, EncryptedKeyMaterial: wrap(randomBytes(32), PublicKey) };
    expect(await attempt(id, change)).toBe('ExpiredImportTokenException');
  });

  it.each([0, 16, 31, 33])('refuses material of %i bytes', async (length) => {
    expect(await outcome(importMaterial(kms, blank.id, randomBytes(length)))).toBe('IncorrectKeyMaterialException');
  });

  it('refuses other material as EXISTING, and the same material as NEW', async () => {
    const { id, material } = await importedKey(kms);
    const existing = { ...forever, ImportType: 'EXISTING_KEY_MATERIAL' } as const;
    const fresh = { ...forever, ImportType: 'NEW_KEY_MATERIAL' } as const;
    expect(await outcome(importMaterial(kms, id, randomBytes(32), existing))).toBe('IncorrectKeyMaterialException');
    expect(await outcome(importMaterial(kms, id, randomBytes(32)))).toBe('IncorrectKeyMaterialException');
    expect(await outcome(importMaterial(kms, id, material, fresh))).toBe('IncorrectKeyMaterialException');
    expect(await outcome(importMaterial(kms, id, material, existing))).toBe('ok');
  });

  it('keeps NEW material beside the current one, without using it', async () => {
    const { id, materialId } = await importedKey(kms);
    const pending = await importMaterial(kms, id, randomBytes(32), { ...forever, ImportType: 'NEW_KEY_MATERIAL' });
    expect(pending).not.toBe(materialId);
    expect((await describeKey(id))?.CurrentKeyMaterialId).toBe(materialId);
    const made = await kms.send(new GenerateDataKeyCommand({ KeyId: id, KeySpec: 'AES_256' }));
    expect(made.KeyMaterialId).toBe(materialId);
    expect(await attempt(id, { ImportType: 'NEW_KEY_MATERIAL' })).toBe('KMSInvalidStateException');
    await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId: id, KeyMaterialId: pending }));
    expect((await describeKey(id))?.KeyState).toBe('Enabled');
  });

  it.each([
    ['an expiry that is missing', { ExpirationModel: 'KEY_MATERIAL_EXPIRES' }],
    ['an expiry that is missing under the default model', { ExpirationModel: undefined }],
    ['an expiry where there is none', { ...forever, ValidTo: new Date(Date.now() + day) }],
    ['an expiry in the past', { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: new Date(Date.now() - 1_000) }],
    ['an expiry over 365 days away', { ExpirationModel: undefined, ValidTo: new Date(Date.now() + 365 * day + hour) }],
    ['a material ID for new material', { ImportType: 'NEW_KEY_MATERIAL', KeyMaterialId: 'a'.repeat(64) }],
    ['a description with other characters', { KeyMaterialDescription: 'a*b' }],
  ] as const)('refuses %s', async (_, change) => {
    expect(await attempt(blank.id, change)).toBe('ValidationException');
    expect((await describeKey(blank.id))?.KeyState).toBe('PendingImport');
  });

  it('accepts an expiry 365 days away', async () => {
    const { id } = await createExternalKey(kms);
    const ValidTo = new Date(Date.now() + 365 * day - 1_000);
    expect(await attempt(id, { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo })).toBe('ok');
  });
});
