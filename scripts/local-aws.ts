import { EXIT, KeyturnError } from '../lib/errors';
import { startLocalAws } from '../local-aws';
import { type CommandDefinition, flag, text } from './cli/command';

export const localAws: CommandDefinition = {
  name: 'local-aws',
  summary: 'start the embedded AWS endpoint: KMS, S3 and STS on this machine',
  description: 'Listens on loopback only and holds everything in memory until Ctrl-C. See local-aws/README.md.',
  options: [
    { flags: '--port <n>', description: 'port to listen on; 0 selects a free port', default: '4566' },
    { flags: '--region <name>', description: 'the Region of the endpoint', default: 'ap-northeast-1' },
    { flags: '--enforce', description: 'let the policies of keys, buckets and users decide for every access key' },
  ],
  mutates: false,
  examples: ['npm run local-aws -- --port 4566', 'npx keyturn local-aws --port 0 --region eu-central-1'],
  async run({ terminal, signal }, options) {
    const port = Number(text(options, 'port'));
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      const problem = `--port accepts a number from 0 to 65535, not ${JSON.stringify(text(options, 'port'))}`;
      throw new KeyturnError('usage', { problem, hint: 'pass a number, such as --port 4566' });
    }
    const endpoint = await startLocalAws({ port, region: text(options, 'region'), enforce: flag(options, 'enforce') });
    const variables = Object.entries(endpoint.environment()).map(([name, value]) => `export ${name}=${value}`);
    if (!flag(options, 'json')) terminal.data(variables.join('\n'));
    terminal.note(`for Terraform with resources of S3 Control, also export HTTP_PROXY=${endpoint.url}`);
    terminal.note(`listening on ${endpoint.url}; Ctrl-C stops it and discards all data`);
    await untilStopped(signal);
    await endpoint.close();
    return { exitCode: EXIT.done, data: { url: endpoint.url } };
  },
};

/** Resolves at the first Ctrl-C. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
