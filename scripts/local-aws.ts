import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { EXIT, KeyturnError } from '../lib/errors';
import { type AwsBehavior, type NewUser, readConfirmed, startLocalAws } from '../local-aws';
import { type CommandDefinition, flag, text, texts } from './cli/command';

export const localAws: CommandDefinition = {
  description: 'Listens on loopback only and holds everything in memory until Ctrl-C. See local-aws/README.md.',
  options: [
    { flags: '--port <n>', description: 'port to listen on; 0 selects a free port', default: '4566' },
    { flags: '--region <name>', description: 'the Region of the endpoint', default: 'ap-northeast-1' },
    { flags: '--regions <list>', description: 'further Regions that it answers for, separated by commas' },
    {
      flags: '--access-key <id:secret[:account[:user]]>',
      description: 'a further access key, of a user of this account or of another',
      repeats: true,
    },
    { flags: '--enforce', description: 'let the policies of keys, buckets and users decide for every access key' },
    { flags: '--as <path>', description: 'behave as a file of `npx keyturn confirm --out` says' },
  ],
  mutates: false,
  examples: [
    'npm run local-aws -- --port 4566',
    'npx keyturn local-aws --port 0 --region eu-central-1',
    'npx keyturn local-aws --regions eu-central-1,us-east-1',
    'npx keyturn local-aws --enforce --access-key AKIAOTHER:secret:999999999999:auditor',
    'npx keyturn local-aws --as confirmed.json',
  ],
  async run({ terminal, signal, cwd }, options) {
    const port = Number(text(options, 'port'));
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      const problem = `--port accepts a number from 0 to 65535, not ${JSON.stringify(text(options, 'port'))}`;
      throw new KeyturnError('usage', { problem, hint: 'pass a number, such as --port 4566' });
    }
    const behavior = await behaviorOf(cwd, text(options, 'as'));
    const endpoint = await startLocalAws({
      port,
      region: text(options, 'region'),
      behavior,
      enforce: flag(options, 'enforce'),
      regions: text(options, 'regions')?.split(',') ?? [],
      users: texts(options, 'accessKey')?.map(userOf) ?? [],
    }).catch(asUsage);
    const variables = Object.entries(endpoint.environment()).map(([name, value]) => `export ${name}=${value}`);
    if (!flag(options, 'json')) terminal.data(variables.join('\n'));
    terminal.note(`for Terraform with resources of S3 Control, also export HTTP_PROXY=${endpoint.url}`);
    terminal.note(`listening on ${endpoint.url}; Ctrl-C stops it and discards all data`);
    await untilStopped(signal);
    await endpoint.close();
    return { exitCode: EXIT.done, data: { url: endpoint.url } };
  },
};

/** `id:secret`, with the account and the name of its user where they are given. */
function userOf(given: string): NewUser {
  const [accessKeyId, secretAccessKey, accountId, name = 'user', ...more] = given.split(':');
  if (!accessKeyId || !secretAccessKey || more.length > 0) {
    // The rest of what was given is a secret.
    const problem = `--access-key ${accessKeyId ?? ''}… is not <id>:<secret>, <id>:<secret>:<account> or <id>:<secret>:<account>:<user>`;
    throw new KeyturnError('usage', { problem, hint: 'pass, for example, --access-key AKIAOTHER:secret:999999999999' });
  }
  return { name, accessKey: { accessKeyId, secretAccessKey }, ...(accountId !== undefined && { accountId }) };
}

/** An option that the endpoint does not take; every other error goes on. */
function asUsage(error: unknown): never {
  if (!(error instanceof RangeError)) throw error;
  const hint = 'pass Regions such as eu-central-1, and accounts of 12 digits';
  throw new KeyturnError('usage', { problem: error.message, hint }, error);
}

async function behaviorOf(cwd: string, given: string | undefined): Promise<Partial<AwsBehavior>> {
  if (given === undefined) return {};
  try {
    return readConfirmed(JSON.parse(await readFile(path.resolve(cwd, given), 'utf8')));
  } catch (error) {
    const problem = `--as ${given}: ${error instanceof Error ? error.message : String(error)}`;
    throw new KeyturnError('usage', { problem, hint: 'pass a file that `npx keyturn confirm --out` wrote' }, error);
  }
}

/** Resolves at the first Ctrl-C. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
