import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KeyturnError } from '../errors';
import type { Rotation } from '../rotation/rotation';
import { type StackDirectory, synthesize } from './synthesize';

/** The texts of both stacks' `cdk.tf.json`. */
export interface StackTexts {
  readonly keys: string;
  readonly storage: string;
}

export interface ExpectedStacksInput {
  readonly rotation: Pick<Rotation, 'file' | 'name'>;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /**
   * Absolute: a checkout of the program that the team's stacks stand in, with its dependencies, as its base branch has
   * it. Default: Keyturn's own stacks.
   */
  readonly trusted?: string | undefined;
}

/**
 * Both stacks as trusted code synthesizes them from the rotation file, in one child process and a folder of its own:
 * nothing that stands beside the rotation file is read or changed.
 *
 * @throws KeyturnError `synthesis-refused`, `synthesis-failed`, `interrupted`
 */
export async function expectedStacks({ rotation, ...options }: ExpectedStacksInput): Promise<StackTexts> {
  const workDirectory = await mkdtemp(path.join(tmpdir(), 'keyturn-expected-'));
  try {
    const { file, name } = rotation;
    return await stackTexts(await synthesize({ rotationFile: file, name, workDirectory, ...options }));
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

/** The texts of synthesized stacks. */
export async function stackTexts(stacks: Record<keyof StackTexts, StackDirectory>): Promise<StackTexts> {
  const textOf = async ({ name, directory }: StackDirectory): Promise<string> =>
    readFile(path.join(directory, 'cdk.tf.json'), 'utf8').catch((error: unknown) => {
      throw new KeyturnError('synthesis-failed', { exit: 0, reported: `it wrote no stack ${name}` }, error);
    });
  return { keys: await textOf(stacks.keys), storage: await textOf(stacks.storage) };
}
