import { readFile } from 'node:fs/promises';

import { KeyturnError } from '../errors';

/** The part of age-encryption's `Decrypter` that is used here. */
interface IdentityTaker {
  addIdentity(identity: string): void;
}

/**
 * Adds the identities of an age identity file to a decrypter: one a line, `#` begins a comment, as the `age` command
 * reads it. The text of an identity is never part of an error.
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
      throw new KeyturnError('custody-identity-file', { path, reason: `line ${index + 1} is no age identity` });
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
