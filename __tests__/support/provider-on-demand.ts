import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { findTerraform } from '../../lib/terraform/binary';
import { type KeptProvider, keepProvider } from './kept-provider';

/** Tells the test's process the caller's variables, and ends once the provider stands. */
const ASK = `
const aws = Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'));
require('node:net').connect(process.argv[1]).on('error', () => process.exit(1)).end(JSON.stringify(aws)).resume();
`;

/**
 * As `keepProvider`, for a command that starts an endpoint of its own: only its first call of Terraform tells where that is.
 * The commands of one test name one endpoint and one access key.
 */
export async function keepProviderOnDemand(): Promise<KeptProvider> {
  const directory = mkdtempSync(path.join(tmpdir(), 'keyturn-demanded-'));
  const { file } = await findTerraform({ env: process.env });
  const terraform = path.join(directory, 'terraform');
  const [chosen, socket] = [path.join(directory, 'chosen'), path.join(directory, 'demands.sock')];
  let kept: Promise<KeptProvider> | undefined;
  const server = createServer({ allowHalfOpen: true }, (caller) => {
    const answer = async (): Promise<void> => {
      const aws: Readonly<Record<string, string>> = Object.fromEntries(JSON.parse(await text(caller)));
      kept ??= keepProvider(endpointOf(aws));
      writeFileSync(`${chosen}.part`, `${(await kept).terraform}\n`);
      renameSync(`${chosen}.part`, chosen);
    };
    answer().then(
      () => caller.end(),
      () => caller.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  writeFileSync(terraform, script(file, chosen, socket), { mode: 0o755 });
  return {
    terraform,
    async close() {
      await new Promise((resolve) => server.close(resolve));
      await (await kept)?.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const endpointOf = (aws: Readonly<Record<string, string>>): Parameters<typeof keepProvider>[0] => ({
  url: aws.AWS_ENDPOINT_URL ?? '',
  accessKey: { accessKeyId: aws.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: aws.AWS_SECRET_ACCESS_KEY ?? '' },
  environment: () => aws,
});

/** Where no provider could be started, Terraform runs as ever, and the test that counts on one says why. */
const script = (file: string, chosen: string, socket: string): string => `#!/bin/sh
terraform='${file}'
if [ -n "$AWS_ENDPOINT_URL" ]; then
  [ -f '${chosen}' ] || '${process.execPath}' -e "${ASK.replaceAll('\n', ' ')}" '${socket}'
  if [ -f '${chosen}' ]; then read -r terraform < '${chosen}'; fi
fi
exec "$terraform" "$@"
`;
