import { join } from 'node:path';

import { KeyturnError } from '../../errors';
import { checkRecipients } from '../age-recipients';
import { addIdentities } from '../identity-file';
import { KEY_MATERIAL_BYTES, KeyMaterial } from '../secret';
import { sha256Hex } from '../wrap';
import { headerEnd, openPayload, plaintextLength, sealPayload } from './age-format';
import { createFile, readFile, replaceFile } from './atomic-file';
import type { MaterialCustodian } from './custodian';
import { type FileOperations, nodeFiles } from './file-operations';

const ARMOR = Buffer.from('-----BEGIN AGE ENCRYPTED FILE-----');

export interface AgeCustodyOptions {
  /** Name of the rotation. */
  readonly rotation: string;
  /** Absolute path; created with mode 0700 if it is missing. */
  readonly directory: string;
  /** `age1…`; at least one. */
  readonly recipients: readonly string[];
  readonly files?: FileOperations | undefined;
}

/**
 * One age file a key version, `<directory>/<rotation>-<version>.age`, mode 0600: only the 32 bytes, so that `age
 * --decrypt` restores the material without Keyturn.
 *
 * @throws KeyturnError `custody-recipients-missing`, `custody-recipient-invalid`
 */
export async function createAgeCustodian(options: AgeCustodyOptions): Promise<MaterialCustodian> {
  const { rotation, directory, recipients, files = nodeFiles } = options;
  if (recipients.length === 0) throw new KeyturnError('custody-recipients-missing', { rotation });
  await checkRecipients(recipients);
  const locate = (version: string) => join(directory, `${rotation}-${version}.age`);
  return {
    kind: 'age',
    rotation,
    recipients,
    ledger: { directory, files },
    locate,
    async copyBinding(version) {
      const file = await readFile(files, locate(version));
      return file && sha256Hex(file);
    },
    async seal(version, material) {
      const bytes = await encryptFor(recipients, material);
      return { binding: sha256Hex(bytes), store: () => createFile(files, locate(version), bytes) };
    },
    async reseal(version, material) {
      const bytes = await encryptFor(recipients, material);
      await replaceFile(files, locate(version), bytes);
      return sha256Hex(bytes);
    },
    async open(version, keyArn, identityFile) {
      const path = locate(version);
      if (identityFile === undefined) throw new KeyturnError('custody-identity-needed', { file: path, keyArn });
      const file = await readFile(files, path);
      if (!file) throw new KeyturnError('custody-damaged', { file: path, reason: 'it is missing' });
      return openWith(path, file, identityFile);
    },
  };
}

/**
 * An additional recipient without a stanza captures the file key while the library writes the header over an empty
 * body.
 */
async function encryptFor(recipients: readonly string[], material: KeyMaterial): Promise<Buffer> {
  const age = await import('age-encryption');
  const encrypter = new age.Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  let fileKey: Uint8Array | undefined;
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey = key;
      return [];
    },
  });
  try {
    const empty = await encrypter.encrypt(new Uint8Array(0));
    const end = headerEnd(empty);
    if (!fileKey || end === undefined) throw new Error('age-encryption did not write an age header');
    const key = fileKey;
    const payload = material.withBytes('custody', (bytes) => sealPayload(key, bytes));
    return Buffer.concat([empty.subarray(0, end), payload]);
  } finally {
    fileKey?.fill(0);
  }
}

async function openWith(path: string, file: Buffer, identityFile: string): Promise<KeyMaterial> {
  const age = await import('age-encryption');
  const binary = unarmored(path, file, age.armor.decode);
  const end = headerEnd(binary);
  if (end === undefined) throw damaged(path, 'it is not an age file');
  const payload = binary.subarray(end);
  const length = Math.max(0, plaintextLength(payload));
  if (length !== KEY_MATERIAL_BYTES) throw damaged(path, `it holds ${length} bytes, not ${KEY_MATERIAL_BYTES}`);
  const decrypter = new age.Decrypter();
  await addIdentities(decrypter, identityFile);
  const fileKey = await fileKeyOf(path, identityFile, () => decrypter.decryptHeader(binary.subarray(0, end)));
  let bytes: Buffer;
  try {
    bytes = openPayload(fileKey, payload);
  } catch (error) {
    throw damaged(path, 'its bytes were changed', error);
  } finally {
    fileKey.fill(0);
  }
  return KeyMaterial.take(bytes, path);
}

/** The stock `age` command and people write armored files too; both are read. */
function unarmored(path: string, file: Buffer, decode: (text: string) => Uint8Array): Uint8Array {
  if (!file.subarray(0, ARMOR.length).equals(ARMOR)) return file;
  try {
    return decode(file.toString('latin1'));
  } catch (error) {
    throw damaged(path, 'its armor is broken', error);
  }
}

/** Only the library's message distinguishes "no identity matched" from a broken header. */
async function fileKeyOf(path: string, identity: string, decrypt: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await decrypt();
  } catch (error) {
    const unmatched = error instanceof Error && error.message.includes('no identity matched');
    if (unmatched) throw new KeyturnError('custody-identity-mismatch', { file: path, identity }, error);
    throw damaged(path, 'its header was changed', error);
  }
}

function damaged(file: string, reason: string, cause?: unknown): KeyturnError {
  return new KeyturnError('custody-damaged', { file, reason }, cause);
}
