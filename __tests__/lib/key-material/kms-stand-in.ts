import { constants, createHash, generateKeyPairSync, type KeyObject, privateDecrypt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { WrappingParameters } from '../../../lib/key-material/wrap';
import type { WrappingKeySpec } from '../../../lib/key-material/wrapping-key';

const BITS: Record<WrappingKeySpec, number> = { RSA_2048: 2048, RSA_3072: 3072, RSA_4096: 4096 };
const pairs = new Map<WrappingKeySpec, { publicKey: KeyObject; privateKey: KeyObject }>();

/** KMS's side of one import: an RSA pair, made once a size, since that is slow. */
export function rsaPair(spec: WrappingKeySpec) {
  const made = pairs.get(spec) ?? generateKeyPairSync('rsa', { modulusLength: BITS[spec] });
  pairs.set(spec, made);
  return made;
}

export const KEY_ARN = 'arn:aws:kms:ap-northeast-1:123456789012:key/11111111-2222-4333-8444-555555555555';
export const OTHER_KEY_ARN = 'arn:aws:kms:ap-northeast-1:123456789012:key/99999999-2222-4333-8444-555555555555';

/** Parameters as GetParametersForImport hands them out, valid for a day. */
export function parametersFor(keyArn = KEY_ARN, spec: WrappingKeySpec = 'RSA_2048'): WrappingParameters {
  return {
    keyArn,
    publicKey: rsaPair(spec).publicKey.export({ type: 'spki', format: 'der' }),
    importToken: Buffer.from('an import token'),
    validTo: new Date(Date.now() + 24 * 60 * 60 * 1000),
    algorithm: 'RSAES_OAEP_SHA_256',
    spec,
  };
}

/** What KMS would read. */
export function unwrap(wrapped: Uint8Array, spec: WrappingKeySpec = 'RSA_2048'): Buffer {
  const key = rsaPair(spec).privateKey;
  return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, wrapped);
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A folder of the test's own, removed by `cleanUp`. */
export function temporaryFolder(): { path: string; cleanUp(): void } {
  const path = mkdtempSync(join(tmpdir(), 'keyturn-test-'));
  return { path, cleanUp: () => rmSync(path, { recursive: true, force: true }) };
}
