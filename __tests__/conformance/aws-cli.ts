import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { LocalAws } from '../../local-aws';
import { itWith } from '../support/requirement';

export const itWithCli = itWith({
  what: 'the AWS CLI',
  isMet: spawnSync('aws', ['--version']).status === 0,
  install: 'apt-get install awscli',
});

const run = promisify(execFile);

/** Runs `aws …` against an endpoint and parses what it prints. Rejects with the CLI's own message. */
export async function awsCli(aws: LocalAws, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const { PATH = '', HOME = '' } = process.env;
  // The variables are all it may go by: no profile of the person who runs this.
  const isolated = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_PAGER: '' };
  const env = { PATH, HOME, ...isolated, ...aws.environment() };
  const { stdout } = await run('aws', [...args, '--output', 'json'], { env });
  return stdout === '' ? {} : JSON.parse(stdout);
}
