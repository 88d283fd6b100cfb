import { constants, createHash, createPublicKey, type KeyObject, privateDecrypt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { WrappingParameters } from '../../../lib/key-material/wrap';
import type { WrappingKeySpec } from '../../../lib/key-material/wrapping-key';
import { readyMadeKey } from '../../runner/wrapping-keys';

/** KMS's side of one import: an RSA pair, the same one for a size. */
export function rsaPair(spec: WrappingKeySpec): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  const privateKey = readyMadeKey(spec);
  return { privateKey, publicKey: createPublicKey(privateKey) };
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
