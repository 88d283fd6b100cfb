import { randomBytes, randomUUID } from 'node:crypto';
import type { Caller, DataKeys, EncryptionContext } from '../message';
import type { Call, Kms } from './call';
import { checkState } from './key-states';
import { usableKey } from './operation';
import { recorded } from './recorded-call';
import { decryptWith, encryptUnder, noteUse } from './sealing';

/** AES-256 data keys, as S3 asks for them. */
const dataKeyLength = 32;

/** KMS of a Region as S3 calls it, in process: the same states, permissions and last usage as over the wire. */
export function createDataKeys(kms: Kms, region: string): DataKeys {
  const call = (operation: string, caller: Caller, encryptionContext?: EncryptionContext): Call => {
    const store = kms.stores.of(region, caller.accountId);
    return { ...kms, store, operation, caller, requestId: randomUUID(), via: 's3', encryptionContext, about: [] };
  };
  return {
    generateDataKey(keyId, context, caller) {
      const made = call('GenerateDataKey', caller, context);
      return recorded(made, () => {
        const key = usableKey(made, 'GenerateDataKey', keyId, 'key-or-alias');
        const plaintext = randomBytes(dataKeyLength);
        const { ciphertext } = encryptUnder(key, plaintext, context);
        noteUse(made, key, 'GenerateDataKey');
        return { plaintext, ciphertext, keyArn: key.arn };
      });
    },
    decrypt(ciphertext, context, caller) {
      const made = call('Decrypt', caller, context);
      return recorded(made, () => {
        const { key, plaintext } = decryptWith(made, 'Decrypt', ciphertext, context);
        noteUse(made, key, 'Decrypt');
        return { plaintext, keyArn: key.arn };
      });
    },
    reEncrypt(ciphertext, source, targetKeyId, target, caller) {
      const made = call('ReEncrypt', caller, target);
      return recorded(made, () => {
        const opened = decryptWith(made, 'ReEncrypt', ciphertext, source, { action: 'ReEncryptFrom' });
        const key = usableKey(made, 'ReEncrypt', targetKeyId, 'key-or-alias', 'ReEncryptTo');
        const sealed = encryptUnder(key, opened.plaintext, target);
        opened.plaintext.fill(0);
        noteUse(made, opened.key, 'ReEncrypt');
        noteUse(made, key, 'ReEncrypt');
        return { ciphertext: sealed.ciphertext, keyArn: key.arn };
      });
    },
    encrypt(plaintext, keyId, context, caller) {
      const made = call('Encrypt', caller, context);
      return recorded(made, () => {
        const key = usableKey(made, 'Encrypt', keyId, 'key-or-alias');
        const { ciphertext } = encryptUnder(key, plaintext, context);
        noteUse(made, key, 'Encrypt');
        return { ciphertext, keyArn: key.arn };
      });
    },
    checkKeyState(keyArn, caller) {
      const store = kms.stores.of(region, caller.accountId);
      const key = store.resolve(keyArn, 'key', caller, 'kms:Decrypt');
      checkState('Decrypt', store.stateOf(key), key.arn);
    },
    awsManagedS3Key: ({ accountId }) => kms.stores.of(region, accountId).awsManagedS3Key().arn,
  };
}
