/** An Ed25519 key in a file, which signs the heads of runs. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../errors';
import type { EvidenceSigner } from './sign-evidence';

/** How a rotation file declares the public key of such a signer. */
export const ED25519 = 'ed25519:';

/** Names the file with the private key. */
export const SIGNING_KEY_VARIABLE = 'KEYTURN_SIGNING_KEY';

/**
 * Opens the private key of a declared public key.
 *
 * @param declared - `ed25519:` and the public key, DER (SPKI) in base64
 * @param file - absolute path of a PEM file (PKCS #8); undefined: the variable is not set
 * @param repository - absolute path of the folder of the rotation file, which the key must not be in
 * @throws KeyturnError `evidence-signer-unusable`
 */
export async function openKeyFile(
  declared: string,
  file: string | undefined,
  repository: string,
): Promise<EvidenceSigner> {
  const unusable = (reason: string, cause?: unknown) =>
    new KeyturnError('evidence-signer-unusable', { signer: declared, reason }, cause);
  const publicKey = createPublicKey({
    key: Buffer.from(declared.slice(ED25519.length), 'base64'),
    format: 'der',
    type: 'spki',
  });
  if (file === undefined) throw unusable(`${SIGNING_KEY_VARIABLE} does not name the file of its private key`);
  const text = await readPrivate(file, repository).catch((error: unknown) => {
    throw unusable(error instanceof Error ? error.message : String(error), error);
  });
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(text);
  } catch (error) {
    throw unusable(`${file} holds no private key in PEM without a passphrase`, error);
  }
  if (privateKey.asymmetricKeyType !== 'ed25519' || !createPublicKey(privateKey).equals(publicKey))
    throw unusable(`${file} holds the private key of another public key`);
  return { declared, publicKey, sign: async (bytes) => sign(null, bytes, privateKey) };
}

async function readPrivate(file: string, repository: string): Promise<string> {
  const real = await realpath(file);
  const inside = path.relative(await realpath(repository), real);
  if (!inside.startsWith('..') && !path.isAbsolute(inside))
    throw new Error(`${file} is in the folder of the rotation file; keep the private key elsewhere`);
  await using handle = await open(real, 'r');
  const { mode } = await handle.stat();
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw new Error(`others can read ${file}: chmod 600 it`);
  return handle.readFile('utf8');
}
