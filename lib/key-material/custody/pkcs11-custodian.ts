import { randomBytes } from 'node:crypto';

import { KeyturnError } from '../../errors';
import { sha256Hex } from '../wrap';
import { checkWrappingKey, type WrappingAlgorithm } from '../wrapping-key';
import type { HsmCustodian } from './custodian';
import { type FileOperations, nodeFiles } from './file-operations';
import { destroy, generateInside, keysOf, negotiate, refuseForeign, type TokenKey, wrapInside } from './pkcs11-keys';
import { type TokenAddress, type TokenSession, withToken } from './pkcs11-module';

export interface Pkcs11CustodyOptions extends TokenAddress {
  /** Name of the rotation. */
  readonly rotation: string;
  /** Absolute path for pending imports and records, which are not secret. */
  readonly directory: string;
  readonly files?: FileOperations | undefined;
}

/**
 * A hardware module behind PKCS#11 holds the copies: one AES key per key version with the label
 * `<rotation>-<version>`; its CKA_ID is the binding. The module generates the material and wraps it under KMS's
 * public key, so the plain bytes never enter this process. The library is loaded at the first use.
 *
 * @see PKCS#11 2.40, C_GenerateKey and C_WrapKey
 */
export function createPkcs11Custodian(options: Pkcs11CustodyOptions): HsmCustodian {
  const { rotation, directory, token, files = nodeFiles } = options;
  const label = (version: string) => `${rotation}-${version}`;
  const locate = (version: string) => `token ${token}, key ${label(version)}`;
  let wrapping: WrappingAlgorithm | undefined;
  return {
    kind: 'pkcs11',
    rotation,
    recipients: [],
    ledger: { directory, files },
    locate,
    async copyBinding(version) {
      return withToken(options, (session) => onlyKey(session, label(version), locate(version))?.id);
    },
    async wrapping() {
      wrapping ??= await withToken(options, negotiate);
      return wrapping;
    },
    async generate(version) {
      return withToken(options, (session) => generateAlone(session, label(version), locate(version)));
    },
    async wrap(version, parameters) {
      const { keyArn, publicKey, spec, algorithm } = parameters;
      const checked = checkWrappingKey(keyArn, publicKey, spec);
      const ciphertext = await withToken(options, (session) => {
        const key = onlyKey(session, label(version), locate(version));
        if (!key) throw new KeyturnError('custody-damaged', { file: locate(version), reason: 'it is missing' });
        return wrapInside(session, key.handle, checked.key, algorithm);
      });
      const wrappedSha256 = sha256Hex(ciphertext);
      return { ciphertext, algorithm, wrappingKeySpec: spec, publicKeySha256: checked.sha256, wrappedSha256 };
    },
  };
}

function onlyKey(session: TokenSession, label: string, file: string): TokenKey | undefined {
  const [key, ...more] = keysOf(session, label);
  if (key && more.length === 0) refuseForeign(session, key, file);
  if (more.length === 0) return key;
  const reason = `the token holds ${more.length + 1} keys with that label, but only one can be the material`;
  throw new KeyturnError('custody-damaged', { file, reason });
}

/**
 * Two concurrent runs may both find no key. A run that then finds a second key destroys its own, which was never
 * used.
 */
function generateAlone(session: TokenSession, label: string, file: string): string {
  const made = generateInside(session, label, randomBytes(16));
  if (keysOf(session, label).length === 1) return made.id;
  destroy(session, made.handle);
  throw new KeyturnError('custody-exists', { file });
}
