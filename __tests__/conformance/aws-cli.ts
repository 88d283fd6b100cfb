import { type ChildProcessWithoutNullStreams, execFile, spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { LocalAws } from '../../local-aws';
import { itWith } from '../support/requirement';

/** A Python that can import the CLI that `aws` starts. The second version of it brings none. */
const python = importable();

export const itWithCli = itWith({
  what: 'the AWS CLI',
  isMet: python !== undefined || spawnSync('aws', ['--version']).status === 0,
  install: 'apt-get install awscli',
});

const run = promisify(execFile);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `aws …` against an endpoint and parses what it prints. Rejects with the CLI's own message. */
export async function awsCli(aws: LocalAws, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const { PATH = '', HOME = '' } = process.env;
  // The variables are all it may go by: no profile of the person who runs this.
  const isolated = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_PAGER: '' };
  const env = { PATH, HOME, ...isolated, ...aws.environment() };
  const given = [...args, '--output', 'json'];
  const stdout = python === undefined ? (await run('aws', given, { env })).stdout : await ask(python, given, env);
  return stdout === '' ? {} : JSON.parse(stdout);
}

let server: { readonly child: ChildProcessWithoutNullStreams; readonly answers: AsyncIterator<string> } | undefined;
afterAll(() => server?.child.kill());

/** Python and the CLI start once for a file of tests, which costs most of the time of a call. One call at a time. */
async function ask(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  server ??= start(file);
  server.child.stdin.write(`${JSON.stringify([args, env])}\n`);
  const answer = await server.answers.next();
  if (answer.done === true) throw new Error('the AWS CLI ended');
  const { code, stdout, stderr }: Ended = JSON.parse(answer.value);
  if (code !== 0) throw new Error(`aws ${args.join(' ')} ended with ${code}\n${stderr}`);
  return stdout;
}

function start(file: string): NonNullable<typeof server> {
  const child = spawn(file, [path.join(__dirname, 'aws-cli-server.py')]);
  child.stderr.resume();
  return { child, answers: createInterface(child.stdout)[Symbol.asyncIterator]() };
}

function importable(): string | undefined {
  const { status, stdout } = spawnSync(
    'python3',
    ['-c', 'import awscli.clidriver, os, sys; os.waitstatus_to_exitcode(0); print(sys.executable)'],
    {
      encoding: 'utf8',
    },
  );
  return status === 0 ? stdout.trim() : undefined;
}
