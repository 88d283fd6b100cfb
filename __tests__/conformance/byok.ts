import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import {
  CreateKeyCommand,
  GetParametersForImportCommand,
  type GetParametersForImportCommandOutput,
  ImportKeyMaterialCommand,
  type ImportKeyMaterialCommandInput,
  KMSClient,
} from '@aws-sdk/client-kms';
import type { AccessKey, LocalAws } from '../../local-aws';

/** A KMS client as a program would make it, with retries off so that every refusal is seen once. */
export function kmsClient(aws: LocalAws, credentials: AccessKey = aws.accessKey): KMSClient {
  return new KMSClient({ endpoint: aws.url, region: aws.region, credentials, maxAttempts: 1 });
}

/** The name of the error a call is refused with, or `ok`. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

export async function createExternalKey(kms: KMSClient, MultiRegion = false): Promise<{ id: string; arn: string }> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL', MultiRegion }));
  return { id: KeyMetadata?.KeyId ?? '', arn: KeyMetadata?.Arn ?? '' };
}

const fetched = new Map<string, Promise<GetParametersForImportCommandOutput>>();

/** Parameters of a key, fetched once: a pair takes a while to find, and the token is good for 24 hours. */
export function sameParameters(kms: KMSClient, keyId: string): Promise<GetParametersForImportCommandOutput> {
  const known = fetched.get(keyId) ?? importParameters(kms, keyId);
  fetched.set(keyId, known);
  return known;
}

/** The smallest wrapping key, which is found fast. */
export function importParameters(kms: KMSClient, keyId: string): Promise<GetParametersForImportCommandOutput> {
  return kms.send(
    new GetParametersForImportCommand({
      KeyId: keyId,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
    }),
  );
}

export function wrap(material: Buffer, publicKey: Uint8Array | undefined, oaepHash = 'sha256'): Buffer {
  const key = createPublicKey({ key: Buffer.from(publicKey ?? []), format: 'der', type: 'spki' });
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, material);
}

/** Wraps `material` and imports it. Answers the ID of the material. */
export async function importMaterial(
  kms: KMSClient,
  keyId: string,
  material: Buffer,
  rest: Partial<ImportKeyMaterialCommandInput> = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' },
): Promise<string> {
  const { ImportToken, PublicKey } = await sameParameters(kms, keyId);
  const EncryptedKeyMaterial = wrap(material, PublicKey);
  const done = await kms.send(
    new ImportKeyMaterialCommand({ KeyId: keyId, ImportToken, EncryptedKeyMaterial, ...rest }),
  );
  return done.KeyMaterialId ?? '';
}

/** A key that is `Enabled`, with its material. */
export async function importedKey(kms: KMSClient, rest?: Partial<ImportKeyMaterialCommandInput>) {
  const key = await createExternalKey(kms);
  const material = randomBytes(32);
  return { ...key, material, materialId: await importMaterial(kms, key.id, material, rest) };
}
