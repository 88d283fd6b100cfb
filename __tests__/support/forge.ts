import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LocalAws } from '../../local-aws';
import { compiledKeyturn } from './compiled-keyturn';
import { type KeptProvider, keepProvider } from './kept-provider';
import type { Finished } from './keyturn-process';

const PROJECT = path.resolve(__dirname, '../..');

/**
 * A bare remote, a developer's clone, and jobs that each begin with a clone of their own: what a forge with a pipeline is,
 * as far as the steps under `examples/` can tell.
 */
export class Forge {
  readonly #root = mkdtempSync(path.join(tmpdir(), 'keyturn-forge-'));
  readonly #env: NodeJS.ProcessEnv;
  readonly #endpoint: LocalAws;
  #kept: KeptProvider | undefined;
  readonly remote = path.join(this.#root, 'remote.git');
  readonly developer = path.join(this.#root, 'developer');
  #jobs = 0;

  constructor(endpoint: LocalAws) {
    this.#endpoint = endpoint;
    const inherited = Object.entries(process.env).filter(([name]) => !/^(AWS_|GITHUB_|GIT_)/.test(name));
    const person = { NAME: 'A Developer', EMAIL: 'developer@example.com' };
    this.#env = {
      ...Object.fromEntries(inherited),
      ...endpoint.environment(),
      KEYTURN: writeCommand(path.join(this.#root, 'keyturn')),
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: person.NAME,
      GIT_AUTHOR_EMAIL: person.EMAIL,
      GIT_COMMITTER_NAME: person.NAME,
      GIT_COMMITTER_EMAIL: person.EMAIL,
    };
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', this.remote]);
    execFileSync('git', ['clone', '--quiet', this.remote, this.developer], { stdio: 'pipe', env: this.#env });
    this.git('checkout', '--quiet', '-b', 'main');
    cpSync(path.join(PROJECT, 'examples/steps'), path.join(this.developer, 'examples/steps'), { recursive: true });
    cpSync(path.join(PROJECT, '.gitignore'), path.join(this.developer, '.gitignore'));
  }

  /** Git in the developer's clone. */
  git(...args: readonly string[]): string {
    return execFileSync('git', args, { cwd: this.developer, env: this.#env, encoding: 'utf8', stdio: 'pipe' });
  }

  /** Commits all of the developer's clone to a branch and pushes it. */
  push(branch: string, message: string): void {
    if (branch !== 'main') this.git('checkout', '--quiet', '-b', branch);
    this.git('add', '--all');
    this.git('commit', '--quiet', '-m', message);
    this.git('push', '--quiet', 'origin', branch);
  }

  /** Merges a branch as the forge's button does. */
  merge(branch: string): void {
    this.git('checkout', '--quiet', 'main');
    this.git('merge', '--quiet', '--no-ff', '-m', `Merge ${branch}`, branch);
    this.git('push', '--quiet', 'origin', 'main');
  }

  /** A fresh clone of a branch, in which steps are run one after the other. */
  job(branch: string, env: NodeJS.ProcessEnv = {}): Job {
    this.#jobs += 1;
    const directory = path.join(this.#root, `job-${this.#jobs}`);
    execFileSync('git', ['clone', '--quiet', '--branch', branch, this.remote, directory], {
      env: this.#env,
      stdio: 'pipe',
    });
    const summary = path.join(this.#root, `summary-${this.#jobs}.md`);
    return new Job(directory, { ...this.#env, GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary, ...env }, summary);
  }

  /** `keyturn` in the developer's clone. */
  keyturn(...args: readonly string[]): Promise<Finished> {
    return run(process.execPath, [compiledKeyturn(), ...args], this.developer, this.#env);
  }

  /** From here on Terraform asks one AWS provider that stays alive. */
  async keepProvider(): Promise<void> {
    this.#kept = await keepProvider(this.#endpoint);
    this.#env.TERRAFORM_BINARY_NAME = this.#kept.terraform;
  }

  async close(): Promise<void> {
    await this.#kept?.close();
    rmSync(this.#root, { recursive: true, force: true });
  }
}

export class Job {
  readonly directory: string;
  readonly summary: string;
  #env: NodeJS.ProcessEnv;

  constructor(directory: string, env: NodeJS.ProcessEnv, summary: string) {
    this.directory = directory;
    this.#env = env;
    this.summary = summary;
  }

  /** Runs a step of `examples/steps`, such as `restore.sh evidence`. */
  step(command: string): Promise<Finished> {
    const [name = '', ...args] = command.split(' ');
    return run(`examples/steps/${name}`, args, this.directory, this.#env);
  }

  /** From here on the steps of this job get the plan that another job made, and the approval of exactly that one. */
  approve(planning: Job): void {
    if (planning !== this) planning.hand('keyturn-plan', this);
    const [name = '', value] = readFileSync(path.join(planning.directory, 'keyturn-out/plan.env'), 'utf8')
      .trim()
      .split('=');
    this.#env = { ...this.#env, [name]: value };
  }

  /** What an artifact does: hands a folder of this job to another. */
  hand(folder: string, to: Job): void {
    mkdirSync(path.join(to.directory, folder), { recursive: true });
    cpSync(path.join(this.directory, folder), path.join(to.directory, folder), { recursive: true });
  }
}

/** The steps call `keyturn`. Nobody else writes here, so that no writer lags behind a pass over the objects. */
function writeCommand(file: string): string {
  const lines = [
    '#!/bin/sh',
    'case $1 in post-apply) set -- "$@" --relist-delay 0s ;; esac',
    `exec '${process.execPath}' '${compiledKeyturn()}' "$@"`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o755 });
  return file;
}

function run(file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Finished> {
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said.stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, ...said }));
  });
}
