import { readFile } from 'node:fs/promises';

import { KeyturnError } from '../errors';

/** The used part of age-encryption's `Decrypter`. */
interface IdentityTaker {
  addIdentity(identity: string): void;
}

/**
 * Adds the identities of an age identity file to a decrypter: one per line, `#` starts a comment, as for the `age`
 * command. Errors never contain the text of an identity.
 *
 * @throws KeyturnError `custody-identity-file`
 */
export async function addIdentities(decrypter: IdentityTaker, path: string): Promise<void> {
  const lines = (await readText(path)).split(/\r?\n/);
  let found = 0;
  for (const [index, line] of lines.entries()) {
    const identity = line.trim();
    if (identity === '' || identity.startsWith('#')) continue;
    found += 1;
    try {
      decrypter.addIdentity(identity);
    } catch {
      throw new KeyturnError('custody-identity-file', { path, reason: `line ${index + 1} is not an age identity` });
    }
  }
  if (found === 0) throw new KeyturnError('custody-identity-file', { path, reason: 'it holds no identity' });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KeyturnError('custody-identity-file', { path, reason }, error);
  }
}
