import { randomBytes } from 'node:crypto';
import { CreateKeyCommand, type KMSClient } from '@aws-sdk/client-kms';

import { KeyMaterial } from '../../../lib/key-material/secret';
import { wrapKeyMaterial } from '../../../lib/key-material/wrap';
import { type ImportResult, importMaterial } from '../../../lib/kms/import-key-material';
import { type ImportParameters, importParameters } from '../../../lib/kms/import-parameters';

/** A new key without material, as Terraform declares it. */
export async function createExternalKey(kms: KMSClient): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
  return KeyMetadata?.Arn ?? '';
}

export function wrapBytes(bytes: Buffer, parameters: ImportParameters): Buffer {
  using material = KeyMaterial.take(Buffer.from(bytes), 'a test');
  return wrapKeyMaterial(material, parameters).ciphertext;
}

/** Imports random material (or these bytes) under the smaller and quicker RSA_2048. */
export async function importRandom(kms: KMSClient, keyArn: string, bytes = randomBytes(32)): Promise<ImportResult> {
  const parameters = await importParameters(kms, keyArn, { spec: 'RSA_2048' });
  const { importToken } = parameters;
  const wrapped = wrapBytes(bytes, parameters);
  return importMaterial(kms, { keyArn, importToken, wrapped, importType: 'NEW_KEY_MATERIAL' });
}

/** A key that encrypts. */
export async function createEnabledKey(kms: KMSClient): Promise<string> {
  const keyArn = await createExternalKey(kms);
  await importRandom(kms, keyArn);
  return keyArn;
}
