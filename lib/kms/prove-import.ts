import { timingSafeEqual } from 'node:crypto';
import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms';

import { called } from '../aws/failures';
import { RETRY_POLICY } from '../aws/retry-policy';
import { KeyturnError } from '../errors';
import { retryUntilConsistent } from './retry-until-consistent';

/** The key policy allows the proof only with this encryption context. */
export const PROOF_CONTEXT = 'keyturn:proof';

export interface ProofOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait until KMS uses the material everywhere; default 60,000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Proves that the key encrypts and decrypts: GenerateDataKey, Decrypt, compare in constant time, zero both copies.
 *
 * @param rotationName - value of the encryption context `keyturn:proof`
 * @returns the KeyMaterialId that KMS used for both
 * @throws KeyturnError `kms-proof-failed` if the results differ; otherwise as `called`
 */
export async function proveImport(
  kms: KMSClient,
  keyArn: string,
  rotationName: string,
  { signal, timeoutMs = RETRY_POLICY['kms proof'].timeoutMs }: ProofOptions = {},
): Promise<{ readonly keyMaterialId: string }> {
  const options = { ...RETRY_POLICY['kms proof'], timeoutMs, signal, during: `the proof of ${keyArn}` };
  return retryUntilConsistent(() => roundTrip(kms, keyArn, { [PROOF_CONTEXT]: rotationName }), options);
}

async function roundTrip(kms: KMSClient, keyArn: string, context: Record<string, string>) {
  const generate = new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext: context });
  const made = await called('kms:GenerateDataKey', keyArn, () => kms.send(generate));
  try {
    const decrypt = new DecryptCommand({
      KeyId: keyArn,
      CiphertextBlob: made.CiphertextBlob,
      EncryptionContext: context,
    });
    const opened = await called('kms:Decrypt', keyArn, () => kms.send(decrypt));
    try {
      return agreement(keyArn, made, opened);
    } finally {
      opened.Plaintext?.fill(0);
    }
  } finally {
    made.Plaintext?.fill(0);
  }
}

interface Half {
  readonly Plaintext?: Uint8Array | undefined;
  readonly KeyId?: string | undefined;
  readonly KeyMaterialId?: string | undefined;
}

function agreement(keyArn: string, made: Half, opened: Half): { readonly keyMaterialId: string } {
  const refuse = (reason: string) => new KeyturnError('kms-proof-failed', { keyArn, reason });
  const [before, after] = [made.Plaintext, opened.Plaintext];
  if (!before || !after || before.length !== after.length || !timingSafeEqual(before, after)) {
    throw refuse('the decrypted data key differs');
  }
  if (made.KeyId !== keyArn || opened.KeyId !== keyArn) throw refuse('another key answered');
  if (!made.KeyMaterialId || made.KeyMaterialId !== opened.KeyMaterialId) {
    throw refuse('encryption and decryption used different key material');
  }
  return { keyMaterialId: made.KeyMaterialId };
}
