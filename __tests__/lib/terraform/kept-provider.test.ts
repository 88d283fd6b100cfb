import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Http2Server } from 'node:http2';
import path from 'node:path';
import type { TerraformBinary } from '../../../lib/terraform/binary';
import { type KeptProvider, keepProvider } from '../../../lib/terraform/kept-provider';
import { sandbox } from './sandbox';

const BINARY: TerraformBinary = { file: 'terraform', product: 'Terraform', version: '1.11.4', platform: 'linux_amd64' };
const ADDRESS = 'registry.terraform.io/hashicorp/aws';
const LOCK = `provider "${ADDRESS}" {\n  version = "5.100.0"\n  hashes = ["h1:of-5.100.0"]\n}\n`;

type Box = Awaited<ReturnType<typeof sandbox>>;

let box: Box;
let plugin: Http2Server;
let kept: KeptProvider;
let failures: string[];

beforeEach(async () => {
  box = await sandbox();
  failures = [];
  kept = keepProvider(path.join(box.path, 'sockets'), (reason) => failures.push(reason));
  plugin = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/grpc' });
    response.addTrailers({ 'grpc-status': '0' });
    response.end(Buffer.alloc(5));
  });
  await new Promise<void>((resolve) => plugin.listen(path.join(box.path, 'plugin'), resolve));
});

afterEach(async () => {
  await kept.close();
  await new Promise((resolve) => plugin.close(resolve));
  await box[Symbol.asyncDispose]();
});

/** A program that prints what a provider prints for its developers, and where. */
const speaking = () => `env > ${path.join(box.path, 'seen')}
echo "TF_REATTACH_PROVIDERS='{\\"${ADDRESS}\\":{\\"Addr\\":{\\"Network\\":\\"unix\\",\\"String\\":\\"${path.join(box.path, 'plugin')}\\"}}}'"
exec sleep 600`;

/** A stack as `init` leaves it behind. */
async function initialized(name: string, { lock = LOCK, program = speaking() } = {}) {
  const directory = path.join(box.path, name);
  const place = path.join(directory, '.terraform/providers', ADDRESS, '5.100.0', BINARY.platform);
  await mkdir(place, { recursive: true });
  const executable = path.join(place, 'terraform-provider-aws_v5.100.0_x5');
  await writeFile(executable, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  await writeFile(path.join(directory, '.terraform.lock.hcl'), lock);
  await writeFile(path.join(directory, 'cdk.tf.json'), '{"resource":{"aws_kms_alias":{}}}');
  return { name, directory };
}

const pidIn = (attachment = '{}'): number => JSON.parse(attachment)[ADDRESS].Pid;

it('attaches both stacks to one provider, which ends with it', async () => {
  const [keys, storage] = [await initialized('keys'), await initialized('storage')];
  const attachment = await kept.attachment(keys, BINARY, box.env);
  expect(JSON.parse(attachment ?? '{}')[ADDRESS]).toMatchObject({ Protocol: 'grpc', ProtocolVersion: 5, Test: true });
  expect(await kept.attachment(storage, BINARY, box.env)).toBe(attachment);
  expect(process.kill(pidIn(attachment), 0)).toBe(true);
  await kept.close();
  expect(() => process.kill(pidIn(attachment), 0)).toThrow('ESRCH');
  expect(failures).toEqual([]);
});

it('gives the provider no PIN of a hardware module', async () => {
  await kept.attachment(await initialized('keys'), BINARY, { ...box.env, KEYTURN_PKCS11_PIN: '1234', OTHER: 'other' });
  const seen = await readFile(path.join(box.path, 'seen'), 'utf8');
  expect(seen).toContain('OTHER=other');
  expect(seen).not.toContain('1234');
});

it('leaves a stack alone that locks another provider', async () => {
  await kept.attachment(await initialized('keys'), BINARY, box.env);
  const other = await initialized('storage', { lock: LOCK.replace('h1:of-5.100.0', 'h1:of-another') });
  await expect(kept.attachment(other, BINARY, box.env)).resolves.toBeUndefined();
});

it('leaves a stack alone that is not initialized, and a call whose log shows what the provider does', async () => {
  const keys = await initialized('keys');
  await expect(kept.attachment({ ...keys, directory: box.path }, BINARY, box.env)).resolves.toBeUndefined();
  await expect(kept.attachment(keys, BINARY, { ...box.env, TF_LOG: 'TRACE' })).resolves.toBeUndefined();
});

it.each([
  ['ends at once', 'echo "no such flag: -debug" >&2; exit 1', /the AWS provider ended\n.*no such flag/s],
  [
    'prints another address',
    'echo "TF_REATTACH_PROVIDERS=\'{\\"String\\":\\"/nowhere\\"}\'"; exec sleep 600',
    /nowhere/,
  ],
])('fails when the provider %s: Terraform then starts its own, and it is reported once', async (_, program, reason) => {
  const keys = await initialized('keys', { program });
  await expect(kept.attachment(keys, BINARY, box.env)).resolves.toBeUndefined();
  await expect(kept.attachment(keys, BINARY, box.env)).resolves.toBeUndefined();
  expect(failures).toEqual([expect.stringMatching(reason)]);
});
