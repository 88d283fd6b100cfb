import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { EXIT, KeyturnError } from '../lib/errors';
import { type AwsBehavior, readConfirmed, startLocalAws } from '../local-aws';
import { type CommandDefinition, flag, text } from './cli/command';

export const localAws: CommandDefinition = {
  description: 'Listens on loopback only and holds everything in memory until Ctrl-C. See local-aws/README.md.',
  options: [
    { flags: '--port <n>', description: 'port to listen on; 0 selects a free port', default: '4566' },
    { flags: '--region <name>', description: 'the Region of the endpoint', default: 'ap-northeast-1' },
    { flags: '--enforce', description: 'let the policies of keys, buckets and users decide for every access key' },
    { flags: '--as <path>', description: 'behave as a file of `keyturn confirm --out` says' },
  ],
  mutates: false,
  examples: [
    'npm run local-aws -- --port 4566',
    'npx keyturn local-aws --port 0 --region eu-central-1',
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
    });
    const variables = Object.entries(endpoint.environment()).map(([name, value]) => `export ${name}=${value}`);
    if (!flag(options, 'json')) terminal.data(variables.join('\n'));
    terminal.note(`for Terraform with resources of S3 Control, also export HTTP_PROXY=${endpoint.url}`);
    terminal.note(`listening on ${endpoint.url}; Ctrl-C stops it and discards all data`);
    await untilStopped(signal);
    await endpoint.close();
    return { exitCode: EXIT.done, data: { url: endpoint.url } };
  },
};

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
