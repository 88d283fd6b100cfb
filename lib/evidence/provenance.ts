import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { readRotationText } from '../rotation/rotation-file';

/** Which text was asked for, and with which tools: the first facts of every run's evidence. */
export interface Provenance {
  readonly rotationFile: {
    readonly name: string;
    /** SHA-256 of its bytes, lower-case hex. */
    readonly sha256: string;
    /** Commit that is checked out; absent where the file is in no git repository, or git is not there. */
    readonly commit: string | undefined;
    /** True where that commit holds exactly these bytes. */
    readonly asCommitted: boolean | undefined;
  };
  readonly tools: { readonly keyturn: string; readonly node: string; readonly platform: string };
}

/** Reads the rotation file and, where there is one, the repository around it. Never fails for want of git. */
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

/** What a reading git command prints; undefined where it fails. Both commands run no hook and no configured program. */
async function git(file: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<string | undefined> {
  const options = { cwd: path.dirname(file), env, encoding: 'utf8', timeout: 10_000, maxBuffer: 4 << 20 } as const;
  return run('git', ['--no-pager', ...args], options).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
