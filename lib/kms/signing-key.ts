import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { called } from '../aws/failures';
import { isCode, KeyturnError } from '../errors';

/** An asymmetric KMS key on the curve P-256 that signs. */
export interface SigningKey {
  /** Its public key, DER (SPKI). */
  readonly publicKey: Buffer;
  /** Signs at most 4096 bytes; ECDSA over SHA-256, DER. */
  sign(bytes: Buffer): Promise<Buffer>;
}

/**
 * Reads the public key before anything depends on its signatures.
 *
 * @throws KeyturnError `evidence-signer-unusable` for a key of another kind; otherwise as `called`
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
 */
export async function openSigningKey(kms: KMSClient, keyArn: string): Promise<SigningKey> {
  const read = new GetPublicKeyCommand({ KeyId: keyArn });
  const { PublicKey, KeySpec, KeyUsage } = await called('kms:GetPublicKey', keyArn, () => kms.send(read)).catch(
    (error: unknown) => {
      // Disabled, pending deletion, symmetric: KMS says which.
      if (!isCode(error, 'aws-failed')) throw error;
      throw new KeyturnError('evidence-signer-unusable', { signer: keyArn, reason: error.message }, error);
    },
  );
  if (PublicKey === undefined || KeySpec !== 'ECC_NIST_P256' || KeyUsage !== 'SIGN_VERIFY') {
    const reason = `it is a key of spec ${KeySpec} for ${KeyUsage}, not ECC_NIST_P256 for SIGN_VERIFY`;
    throw new KeyturnError('evidence-signer-unusable', { signer: keyArn, reason });
  }
  return {
    publicKey: Buffer.from(PublicKey),
    async sign(bytes) {
      const command = new SignCommand({ KeyId: keyArn, Message: bytes, SigningAlgorithm: 'ECDSA_SHA_256' });
      const { Signature } = await called('kms:Sign', keyArn, () => kms.send(command));
      return Buffer.from(Signature ?? []);
    },
  };
}
