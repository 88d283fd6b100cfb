import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Finished, openSite, rotationText, type Site } from '../support/keyturn-process';
import { everyFile, watchProcesses } from '../support/leak-search';
import { containsAny, needlesOf } from '../support/needles';
import { type Tap, tap } from '../support/tapped-endpoint';

/** A known material goes through a whole rotation, and is then looked for everywhere a rotation writes or sends. */
jest.setTimeout(600_000);

const material = randomBytes(32);
const needles = needlesOf(material);

let site: Site;
let relay: Tap;
let ceremony: string;
let temporary: string;
let finished: Finished;
const watch = watchProcesses();

beforeAll(async () => {
  site = await openSite();
  relay = await tap(site.endpoint.url);
  ceremony = mkdtempSync(path.join(tmpdir(), 'keyturn-ceremony-'));
  temporary = path.join(site.directory, 'temporary');
  mkdirSync(temporary);
  const file = path.join(ceremony, 'material.bin');
  writeFileSync(file, material, { mode: 0o600 });
  await site.declare(rotationText(['v1'], 'v1'));
  finished = await site.run(['rotate', '--yes', '--json', '--debug', '--material-file', file], {
    env: {
      AWS_ENDPOINT_URL: relay.url,
      TMPDIR: temporary,
      TF_LOG: 'TRACE',
      TF_LOG_PATH: path.join(site.directory, 'terraform.log'),
    },
  });
  watch.stop();
});

afterAll(async () => {
  await relay.close();
  await site.close();
  rmSync(ceremony, { recursive: true, force: true });
});

it('is found by this test where it does stand', () => {
  const encoded = [
    material,
    material.toString('hex'),
    `xx${Buffer.concat([Buffer.from('a'), material, Buffer.from('b')]).toString('base64')}`,
  ];
  for (const one of encoded) expect(containsAny(Buffer.from(one), needles)).toBe(true);
  expect(containsAny(readFileSync(path.join(ceremony, 'material.bin')), needles)).toBe(true);
});

it('was imported by the run that is looked at', () => {
  expect(finished.exitCode).toBe(0);
  expect(finished.stderr).toContain('material read from the file and wrapped');
});

it('stands in no file under the working folder or the temporary folder, plans and archives unpacked', () => {
  const files = everyFile(site.directory);
  expect(files.filter((file) => /terraform\.log$/.test(file))).not.toEqual([]);
  expect(files.filter((file) => /\.tfstate$/.test(file))).not.toEqual([]);
  expect(files.filter((file) => /\.tfplan$/.test(file))).not.toEqual([]);
  expect(files.filter((file) => containsAny(readFileSync(file), needles))).toEqual([]);
});

it('stands in neither output, debug included', () => {
  expect(containsAny(Buffer.from(finished.stdout), needles)).toBe(false);
  expect(containsAny(Buffer.from(finished.stderr), needles)).toBe(false);
});

it('stands in no argument and no environment of any process', () => {
  const terraforms = [...watch.seen.keys()].filter((name) => name.includes('terraform'));
  expect(terraforms).not.toEqual([]);
  expect(
    [...watch.seen].filter(([, text]) => containsAny(Buffer.from(text, 'latin1'), needles)).map(([name]) => name),
  ).toEqual([]);
});

it('stands in nothing that was sent to the endpoint', () => {
  const sent = relay.sent();
  expect(Buffer.concat([...sent]).includes('TrentService.ImportKeyMaterial')).toBe(true);
  expect(sent.filter((one) => containsAny(one, needles))).toEqual([]);
});
