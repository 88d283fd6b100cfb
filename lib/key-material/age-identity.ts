import { open } from 'node:fs/promises';

import { KeyturnError } from '../errors';

export interface GeneratedIdentity {
  /** `age1…`: goes into `custody.age.recipients`. */
  readonly recipient: string;
}

export interface KeygenOptions {
  /** True: a post-quantum identity (`age1pq1…`, 2 kB long). Default false: X25519. */
  readonly postQuantum?: boolean | undefined;
  /** Creation time for the comment in the file. Default: now. */
  readonly now?: Date | undefined;
}

/**
 * Creates an age identity and writes it to a new file, mode 0600, like `age-keygen`. The file can decrypt the key
 * material in custody, so do not store it next to custody.
 *
 * @throws KeyturnError `identity-exists`, `identity-write-failed`
 */
export async function generateIdentity(
  path: string,
  { postQuantum = false, now = new Date() }: KeygenOptions = {},
): Promise<GeneratedIdentity> {
  const age = await import('age-encryption');
  const identity = await (postQuantum ? age.generateHybridIdentity() : age.generateX25519Identity());
  const recipient = await age.identityToRecipient(identity);
  const text = `# created: ${now.toISOString()}\n# public key: ${recipient}\n${identity}\n`;
  await writeOnce(path, text);
  return { recipient };
}

async function writeOnce(path: string, text: string): Promise<void> {
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new KeyturnError('identity-exists', { path }, error);
    const reason = error instanceof Error ? error.message : String(error);
    throw new KeyturnError('identity-write-failed', { path, reason }, error);
  }
}
