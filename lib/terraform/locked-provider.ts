import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Version of the AWS provider that a stack's directory was initialized with, from its lock file; undefined before that.
 *
 * @see https://developer.hashicorp.com/terraform/language/files/dependency-lock
 */
export async function lockedProvider(directory: string): Promise<string | undefined> {
  const lock = await readFile(join(directory, '.terraform.lock.hcl'), 'utf8').catch(() => '');
  return /provider "[^"\n]*\/hashicorp\/aws" \{\s*version\s*=\s*"([^"\n]+)"/.exec(lock)?.[1];
}
