import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../../lib/errors';
import { type CommandContext, type CommandOption, type OptionValues, texts } from './command';

/** The keys of trusted signers of evidence. */
export const publicKeyOption: CommandOption = {
  flags: '--public-key <file>',
  description: 'public key of a signer, PEM: every run must be signed by one of them. Repeat it for several signers',
  repeats: true,
};

/** @throws usage for a file that holds no public key that Keyturn signs with */
export async function publicKeysOf(
  { cwd }: Pick<CommandContext, 'cwd'>,
  options: OptionValues,
): Promise<readonly KeyObject[] | undefined> {
  const files = texts(options, 'publicKey');
  return files && Promise.all(files.map((file) => readPublicKey(path.resolve(cwd, file))));
}

async function readPublicKey(file: string): Promise<KeyObject> {
  const refused = (problem: string, cause?: unknown) =>
    new KeyturnError(
      'usage',
      { problem: `--public-key: ${problem}`, hint: 'name the PEM file of a P-256 or Ed25519 public key' },
      cause,
    );
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refused(`cannot read ${file}: ${error.code ?? error.message}`, error);
  });
  if (!text.includes('PUBLIC KEY')) throw refused(`${file} holds no public key in PEM`);
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (error) {
    throw refused(`${file} holds no public key in PEM`, error);
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType === 'ed25519' || curve === 'prime256v1') return key;
  throw refused(`${file} holds a key of another kind`);
}
