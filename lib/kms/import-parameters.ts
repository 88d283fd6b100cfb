import { GetParametersForImportCommand, type KMSClient } from '@aws-sdk/client-kms';

import { requireSecureEndpoint } from '../aws/endpoints';
import { called } from '../aws/failures';
import { RETRY_POLICY } from '../aws/retry-policy';
import { KeyturnError } from '../errors';
import { retryUntilConsistent } from './retry-until-consistent';

/** Wrapping that KMS accepts for a SYMMETRIC_DEFAULT key, the preferred one first. */
export const WRAPPING_ALGORITHMS = ['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1'] as const;
/** RSA moduli that KMS offers, the preferred one first. */
export const WRAPPING_KEY_SPECS = ['RSA_4096', 'RSA_3072', 'RSA_2048'] as const;

export type WrappingAlgorithm = (typeof WRAPPING_ALGORITHMS)[number];
export type WrappingKeySpec = (typeof WRAPPING_KEY_SPECS)[number];

/** A public key of KMS and its token: one pair, for one key, valid for 24 hours. */
export interface ImportParameters {
  readonly keyArn: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  /** Opaque, not secret: useless without material wrapped under this public key. */
  readonly importToken: Buffer;
  readonly validTo: Date;
  readonly algorithm: WrappingAlgorithm;
  readonly spec: WrappingKeySpec;
}

export interface ImportParametersOptions {
  /** Default `RSAES_OAEP_SHA_256`. */
  readonly algorithm?: string | undefined;
  /** Default `RSA_4096`, the longest that KMS offers and the one it recommends. */
  readonly spec?: WrappingKeySpec | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to keep trying under throttling; default 60,000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * GetParametersForImport. It waits for the quota of one call per 4 s and for eventual consistency.
 *
 * @throws KeyturnError `kms-wrapping-unsupported` before any call for an algorithm that a symmetric key does not
 * support;
 * `aws-failed` with `UnsupportedOperationException` for a key whose origin is not EXTERNAL; otherwise as `called`
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html
 */
export async function importParameters(
  kms: KMSClient,
  keyArn: string,
  { algorithm = 'RSAES_OAEP_SHA_256', spec = 'RSA_4096', signal, ...options }: ImportParametersOptions = {},
): Promise<ImportParameters> {
  const usable = usableAlgorithm(algorithm);
  await requireSecureEndpoint(kms);
  const command = new GetParametersForImportCommand({
    KeyId: keyArn,
    WrappingAlgorithm: usable,
    WrappingKeySpec: spec,
  });
  const during = 'kms:GetParametersForImport';
  const send = () => called(during, keyArn, () => kms.send(command));
  const { 'kms visibility': visibility, 'kms import quota': quota } = RETRY_POLICY;
  const { timeoutMs = quota.timeoutMs } = options;
  const visible = { ...visibility, timeoutMs: Math.min(timeoutMs, visibility.timeoutMs), signal, during };
  const sendOnceVisible = () => retryUntilConsistent(send, visible);
  const answer = await retryUntilConsistent(sendOnceVisible, { ...quota, timeoutMs, signal, during });
  if (!answer.PublicKey || !answer.ImportToken || !answer.ParametersValidTo) {
    const facts = {
      action: during,
      resource: keyArn,
      awsCode: 'IncompleteAnswer',
      requestId: answer.$metadata.requestId,
    };
    throw new KeyturnError('aws-failed', { ...facts, awsMessage: 'public key, token or date is missing' });
  }
  return {
    keyArn: answer.KeyId ?? keyArn,
    publicKey: Buffer.from(answer.PublicKey),
    importToken: Buffer.from(answer.ImportToken),
    validTo: answer.ParametersValidTo,
    algorithm: usable,
    spec,
  };
}

/** @see https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html */
function usableAlgorithm(algorithm: string): WrappingAlgorithm {
  const found = WRAPPING_ALGORITHMS.find((one) => one === algorithm);
  if (found) return found;
  const reason =
    algorithm === 'RSAES_PKCS1_V1_5'
      ? 'AWS KMS switched it off on 2023-10-10'
      : `KMS supports ${WRAPPING_ALGORITHMS.join(' or ')} for a symmetric key`;
  throw new KeyturnError('kms-wrapping-unsupported', { algorithm, reason });
}
