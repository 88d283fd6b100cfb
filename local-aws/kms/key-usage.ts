import { KmsFault } from '../message';
import { unsupported } from './faults';
import type { StatefulOperation } from './key-states';
import type { Key } from './state/key';

/** The one algorithm of a P-256 key. */
export const SIGNING_ALGORITHM = 'ECDSA_SHA_256';

export const keySpecOf = ({ signing }: Key): string => (signing ? 'ECC_NIST_P256' : 'SYMMETRIC_DEFAULT');
export const keyUsageOf = ({ signing }: Key): string => (signing ? 'SIGN_VERIFY' : 'ENCRYPT_DECRYPT');

const SIGNS: ReadonlySet<StatefulOperation> = new Set(['Sign', 'Verify']);
const ENCRYPTS: ReadonlySet<StatefulOperation> = new Set([
  'Encrypt',
  'Decrypt',
  'ReEncrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
]);
const SYMMETRIC: ReadonlySet<StatefulOperation> = new Set([
  'RotateKeyOnDemand',
  'ListKeyRotations',
  'GetKeyRotationStatus',
  'GetParametersForImport',
  'ImportKeyMaterial',
  'DeleteImportedKeyMaterial',
]);

/** Throws what KMS answers where a key of the other usage or spec is named. */
export function checkUsage(operation: StatefulOperation, key: Key): void {
  const wrong = key.signing ? ENCRYPTS : SIGNS;
  if (wrong.has(operation)) {
    const message = `${key.arn} key usage is ${keyUsageOf(key)} which is not valid for ${operation}.`;
    throw new KmsFault('InvalidKeyUsageException', message);
  }
  const unfit = key.signing ? SYMMETRIC.has(operation) : operation === 'GetPublicKey';
  if (unfit) throw unsupported(`${key.arn} key spec is ${keySpecOf(key)} which is not valid for ${operation}.`);
}
