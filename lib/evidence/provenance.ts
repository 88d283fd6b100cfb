import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { readRotationText } from '../rotation/rotation-file';

/** The rotation file and the tools of a run: the first facts of its evidence. */
export interface Provenance {
  readonly rotationFile: {
    readonly name: string;
    /** SHA-256 of its bytes, lower-case hex. */
    readonly sha256: string;
    /** Checked-out commit; absent outside of a git repository, or without git. */
    readonly commit: string | undefined;
    /** True if that commit contains exactly these bytes. */
    readonly asCommitted: boolean | undefined;
  };
  readonly tools: { readonly keyturn: string; readonly node: string; readonly platform: string };
}

/** Reads the rotation file and, if there is one, its repository. A missing git is not an error. */
export async function provenance(rotationFile: string, env: NodeJS.ProcessEnv): Promise<Provenance> {
  const text = await readRotationText(rotationFile);
  const commit = (await git(rotationFile, env, ['rev-parse', '--verify', 'HEAD']))?.trim();
  const name = path.basename(rotationFile);
  const committed = commit && (await git(rotationFile, env, ['show', `${commit}:./${name}`]));
  const { version } = JSON.parse(await readFile(path.join(__dirname, '../../package.json'), 'utf8')) as {
    version: string;
  };
  return {
    rotationFile: {
      name,
      sha256: createHash('sha256').update(text).digest('hex'),
      commit: commit || undefined,
      asCommitted: commit ? committed === text : undefined,
    },
    tools: { keyturn: version, node: process.versions.node, platform: `${process.platform}-${process.arch}` },
  };
}

const run = promisify(execFile);

/** Output of a read-only git command; undefined if it fails. Neither command runs a hook or a configured program. */
async function git(file: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<string | undefined> {
  const options = { cwd: path.dirname(file), env, encoding: 'utf8', timeout: 10_000, maxBuffer: 4 << 20 } as const;
  return run('git', ['--no-pager', ...args], options).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
