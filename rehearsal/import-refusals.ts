import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import {
  CreateKeyCommand,
  GetParametersForImportCommand,
  ImportKeyMaterialCommand,
  type KMSClient,
} from '@aws-sdk/client-kms';
import type { Stage } from './stage';

interface Parameters {
  readonly keyId: string;
  readonly token: Uint8Array;
  readonly publicKey: Uint8Array;
}

const STALE_MS = 25 * 60 * 60 * 1000;

/** Proof 4, on separate keys: the imports that KMS rejects, with its error names. */
export async function proveRefusals({ kms, clock, proofs }: Stage): Promise<void> {
  const one = await emptyKey(kms);
  const other = await emptyKey(kms);
  const first = await parametersOf(kms, one);
  const material = randomBytes(32);
  const forOther = wrap(await parametersOf(kms, other), material);
  proofs.saw(4, 'material wrapped for another key', 'InvalidCiphertextException', await refusal(kms, first, forOther));
  const altered = wrap(first, material);
  altered.writeUInt8(altered.readUInt8(100) ^ 1, 100);
  proofs.saw(4, 'changed bytes', 'InvalidCiphertextException', await refusal(kms, first, altered));
  clock.advance(STALE_MS);
  try {
    proofs.saw(
      4,
      'a token 25 hours old',
      'ExpiredImportTokenException',
      await refusal(kms, first, wrap(first, material)),
    );
  } finally {
    clock.advance(-STALE_MS);
  }
  const fresh = await parametersOf(kms, one);
  proofs.saw(4, 'good material', 'accepted', await refusal(kms, fresh, wrap(fresh, material)));
  const again = await parametersOf(kms, one);
  const refused = await refusal(kms, again, wrap(again, randomBytes(32)), 'EXISTING_KEY_MATERIAL');
  proofs.saw(4, 'other material for a key that has some', 'IncorrectKeyMaterialException', refused);
}

async function emptyKey(kms: KMSClient): Promise<string> {
  const answer = await kms.send(
    new CreateKeyCommand({ Origin: 'EXTERNAL', Description: 'rehearsal: refused imports' }),
  );
  return answer.KeyMetadata?.KeyId ?? '';
}

async function parametersOf(kms: KMSClient, keyId: string): Promise<Parameters> {
  const answer = await kms.send(
    new GetParametersForImportCommand({
      KeyId: keyId,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
    }),
  );
  return { keyId, token: answer.ImportToken ?? new Uint8Array(), publicKey: answer.PublicKey ?? new Uint8Array() };
}

function wrap({ publicKey }: Parameters, material: Buffer): Buffer {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, material);
}

/** The name of KMS's error, or `accepted`. */
async function refusal(
  kms: KMSClient,
  { keyId, token }: Parameters,
  wrapped: Buffer,
  importType: 'NEW_KEY_MATERIAL' | 'EXISTING_KEY_MATERIAL' = 'NEW_KEY_MATERIAL',
): Promise<string> {
  const command = new ImportKeyMaterialCommand({
    KeyId: keyId,
    ImportToken: token,
    EncryptedKeyMaterial: wrapped,
    ImportType: importType,
    ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
  });
  return kms.send(command).then(
    () => 'accepted',
    (error: Error) => error.name,
  );
}
