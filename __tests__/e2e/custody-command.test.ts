import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inDays } from '../support/custody-site';
import { type Finished, openSite, rotationText, type Site } from '../support/keyturn-process';
import { everyFile, watchProcesses } from '../support/leak-search';
import { containsAny, needlesOf } from '../support/needles';
import { type Tap, tap } from '../support/tapped-endpoint';

/** A known material goes through a custodian command, with real Terraform: imported, extended and drilled, and leaked nowhere. */
jest.setTimeout(600_000);

const SAMPLE = path.resolve(__dirname, '../../docs/samples/custodian.mjs');
const material = randomBytes(32);
const needles = needlesOf(material);
const [soon, later] = [inDays(20), inDays(200)];
const watch = watchProcesses();

let site: Site;
let relay: Tap;
let outside: string;
let env: Record<string, string>;
const finished: Finished[] = [];

async function run(...args: readonly string[]): Promise<Finished> {
  const done = await site.run([...args, '--json', '--debug'], { env });
  finished.push(done);
  return done;
}

beforeAll(async () => {
  site = await openSite();
  relay = await tap(site.endpoint.url);
  // Terraform never gets the material: rotate.test.ts shows that where each call starts a provider of its own.
  await site.keepProvider({ url: relay.url });
  outside = mkdtempSync(path.join(tmpdir(), 'keyturn-outside-'));
  const temporary = path.join(site.directory, 'temporary');
  mkdirSync(temporary);
  writeFileSync(path.join(outside, 'material.bin'), material, { mode: 0o600 });
  writeFileSync(path.join(outside, 'vault.key'), randomBytes(32), { mode: 0o600 });
  env = {
    AWS_ENDPOINT_URL: relay.url,
    TMPDIR: temporary,
    CUSTODIAN_FOLDER: path.join(site.directory, 'vault'),
    CUSTODIAN_KEY_FILE: path.join(outside, 'vault.key'),
  };
  const custody = `custody:\n  command:\n    run: [${process.execPath}, ${SAMPLE}]\n`;
  const dated = `- name: v1 # billing\n    materialValidTo: ${soon}\n`;
  await site.declare(
    rotationText(['v1'], 'v1')
      .replace('- name: v1\n', dated)
      .replace(/custody:[\s\S]*$/, custody),
  );
});

afterAll(async () => {
  watch.stop();
  await relay.close();
  await site.close();
  rmSync(outside, { recursive: true, force: true });
});

it('takes a rotation through the command', async () => {
  const rotated = await run('rotate', '--yes', '--material-file', path.join(outside, 'material.bin'));
  expect(rotated.stderr).toContain('material read from the file and wrapped');
  expect(rotated.exitCode).toBe(0);
  expect(readdirSync(path.join(site.directory, 'vault'))).toEqual(['rotation-test-v1.json']);
});

it('extends and drills without an identity, and Terraform has nothing to do afterwards', async () => {
  expect(await run('extend', '--version', 'v1', '--valid-to', later, '--yes')).toMatchObject({ exitCode: 0 });
  expect(readFileSync(site.rotationFile, 'utf8')).toContain(`materialValidTo: ${later}`);
  expect(await run('drill', '--yes')).toMatchObject({ exitCode: 0 });
  const again = await run('rotate', '--yes');
  const steps = JSON.parse(again.stdout).steps as readonly { id: string; outcome: string }[];
  expect(steps.filter((step) => step.outcome !== 'unchanged')).toEqual([]);
});

it('leaves the material in no file under the working folder or the temporary folder', () => {
  const files = everyFile(site.directory);
  expect(files.filter((file) => /\.tfstate$/.test(file))).not.toEqual([]);
  expect(files.filter((file) => containsAny(readFileSync(file), needles))).toEqual([]);
});

it('leaves it in no output, no argument and no environment, the command included', () => {
  const commands = [...watch.seen.keys()].filter((name) => name.includes('custodian.mjs'));
  expect(commands).not.toEqual([]);
  const found = [...watch.seen].filter(([, text]) => containsAny(Buffer.from(text, 'latin1'), needles));
  expect(found.map(([name]) => name)).toEqual([]);
  const said = finished.flatMap(({ stdout, stderr }) => [stdout, stderr]);
  expect(said.filter((one) => containsAny(Buffer.from(one), needles))).toEqual([]);
});

it('sends it nowhere in clear', () => {
  const sent = relay.sent();
  expect(
    Buffer.concat([...sent])
      .toString('latin1')
      .split('TrentService.ImportKeyMaterial'),
  ).toHaveLength(4);
  expect(sent.filter((one) => containsAny(one, needles))).toEqual([]);
});
