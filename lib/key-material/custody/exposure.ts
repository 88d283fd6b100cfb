import { stat } from 'node:fs/promises';

/** A file or directory that other users of this machine can use. */
export interface Exposure {
  readonly path: string;
  /** `write`: they can replace what it holds. `read`: they can read it. */
  readonly others: 'write' | 'read';
  /** The command that takes it away. */
  readonly fix: string;
}

/**
 * Whether group or others can write or read a custody directory or an identity file. What is missing is no exposure, and
 * on Windows the mode says nothing.
 *
 * @param secret - true for a file that opens custody: others must not read it either
 */
export async function exposureOf(path: string, secret: boolean): Promise<Exposure | undefined> {
  if (process.platform === 'win32') return undefined;
  const found = await stat(path).catch(() => undefined);
  if (!found) return undefined;
  const fix = `chmod go-rwx ${JSON.stringify(path)}`;
  if ((found.mode & 0o022) !== 0) return { path, others: 'write', fix };
  return secret && (found.mode & 0o044) !== 0 ? { path, others: 'read', fix } : undefined;
}

/** One line for people. */
export const exposureText = ({ path, others }: Exposure): string =>
  others === 'write'
    ? `other users of this machine can write to ${path}, and so replace what custody holds`
    : `other users of this machine can read ${path}`;
