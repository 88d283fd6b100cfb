import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { KmsFault } from '../../message';
import type { WrappingSpec } from './wrapping-keys';

export type WrappingAlgorithm = 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256';

/** What an import token stands for. */
export interface ImportParameters {
  readonly keyId: string;
  readonly spec: WrappingSpec;
  readonly algorithm: WrappingAlgorithm;
  /** Names the key pair that was handed out with the token. */
  readonly pairId: string;
  /** Milliseconds since the epoch. */
  readonly validTo: number;
}

/** Public key and token are good for so long, in milliseconds. */
export const parametersLifetime = 24 * 3_600_000;

export interface ImportTokens {
  issue(parameters: ImportParameters): Buffer;
  /** Throws `InvalidImportTokenException` or `ExpiredImportTokenException` unless the token is for this key and still good. */
  redeem(token: Buffer, keyId: string, now: number): ImportParameters;
}

/** Tokens are sealed under a secret of this endpoint: nobody else can make or read one. */
export function createImportTokens(): ImportTokens {
  const secret = randomBytes(32);
  return {
    issue(parameters) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', secret, iv);
      const bytes = Buffer.concat([cipher.update(JSON.stringify(parameters)), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), bytes]);
    },
    redeem(token, keyId, now) {
      const parameters = openToken(token, secret);
      if (parameters?.keyId !== keyId) {
        throw invalidToken();
      }
      if (now >= parameters.validTo) throw new KmsFault('ExpiredImportTokenException', 'The import token has expired.');
      return parameters;
    },
  };
}

export const invalidToken = (): KmsFault =>
  new KmsFault('InvalidImportTokenException', 'The import token is invalid or is not associated with this key.');

function openToken(token: Buffer, secret: Buffer): ImportParameters | undefined {
  if (token.length < 29) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', secret, token.subarray(0, 12));
  decipher.setAuthTag(token.subarray(12, 28));
  try {
    return JSON.parse(Buffer.concat([decipher.update(token.subarray(28)), decipher.final()]).toString());
  } catch {
    return undefined;
  }
}
