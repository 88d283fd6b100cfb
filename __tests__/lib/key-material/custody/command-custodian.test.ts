import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';

import { completeImport } from '../../../../lib/key-material/complete-import';
import { COMMAND_CONTRACT, createCommandCustodian } from '../../../../lib/key-material/custody/command-custodian';
import { pendingImportOf, prepareImport } from '../../../../lib/key-material/prepare-import';
import { KeyMaterial } from '../../../../lib/key-material/secret';
import { KEY_ARN, parametersFor, temporaryFolder, unwrap } from '../kms-stand-in';

const folder = temporaryFolder();
afterAll(folder.cleanUp);
const sample = resolve(__dirname, '../../../../docs/samples/custodian.mjs');
const keyFile = join(folder.path, 'key');
writeFileSync(keyFile, randomBytes(32));

let count = 0;
/** The documented sample, with a vault of its own. */
function sampleCustodian() {
  count += 1;
  const vault = join(folder.path, `vault${count}`);
  const env = { PATH: process.env.PATH, CUSTODIAN_FOLDER: vault, CUSTODIAN_KEY_FILE: keyFile };
  const directory = join(folder.path, `ledger${count}`);
  return createCommandCustodian({ rotation: 'test', command: [process.execPath, sample], directory, env });
}

/** A command that runs this script; `input` is all that came over stdin. */
function commandThat(script: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const body = `const input = require('node:fs').readFileSync(0); const answer = ${JSON.stringify(
    `${JSON.stringify({ contract: COMMAND_CONTRACT })}\n`,
  )}; ${script}`;
  return createCommandCustodian({
    rotation: 'test',
    command: [process.execPath, '-e', body],
    directory: join(folder.path, 'ledger'),
    env: {},
    ...options,
  });
}

const request = {
  version: 'v1',
  keyArn: KEY_ARN,
  parameters: async () => parametersFor(),
  source: { kind: 'generate' },
} as const;

describe('the sample keeps the contract', () => {
  test('what it stores, it holds under the same binding and gives back', async () => {
    const custodian = sampleCustodian();
    const bytes = randomBytes(32);
    expect(await custodian.copyBinding('v1')).toBeUndefined();
    using material = KeyMaterial.take(Buffer.from(bytes), 'a test');
    const sealed = await custodian.seal('v1', material);
    await sealed.store();
    expect(await custodian.copyBinding('v1')).toBe(sealed.binding);
    expect(await custodian.copyBinding('v2')).toBeUndefined();
    using opened = await custodian.open('v1', KEY_ARN, undefined);
    expect(opened.withBytes('test', (held) => held.equals(bytes))).toBe(true);
  });

  test('it refuses to overwrite a copy', async () => {
    const custodian = sampleCustodian();
    using material = KeyMaterial.take(randomBytes(32), 'a test');
    await (await custodian.seal('v1', material)).store();
    const again = await custodian.seal('v1', material);
    await expect(again.store()).rejects.toMatchObject({ code: 'custody-exists' });
  });

  test('an import goes through it from first to last, and is wrapped again with no identity', async () => {
    const custodian = sampleCustodian();
    const first = await prepareImport(custodian, request);
    const subject = { version: 'v1', keyArn: KEY_ARN };
    expect(await pendingImportOf(custodian, subject)).toEqual({ ...first, from: 'pending', opened: false });
    const record = await completeImport(custodian, first, {
      keyMaterialId: 'a'.repeat(64),
      importType: 'NEW_KEY_MATERIAL',
      expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      validTo: undefined,
      importedAt: new Date(),
    });
    expect(record.custody).toMatchObject({ kind: 'command', recipients: [], opened: true });
    const again = await prepareImport(custodian, request);
    expect(again.from).toBe('custody');
    expect(unwrap(again.wrapped)).toEqual(unwrap(first.wrapped));
  });
});

test('the material comes over stdin as raw bytes, and is in no argument and no variable', async () => {
  const seen = join(folder.path, 'seen');
  const custodian = commandThat(
    `require('node:fs').writeFileSync(${JSON.stringify(seen)}, Buffer.concat([input, Buffer.from('\\n' + process.argv.join() + JSON.stringify(process.env))])); process.stdout.write(answer);`,
  );
  const bytes = randomBytes(32);
  using material = KeyMaterial.take(Buffer.from(bytes), 'a test');
  const sealed = await custodian.seal('v7', material);
  await sealed.store();
  const input = readFileSync(seen);
  rmSync(seen);
  const end = input.indexOf('\n') + 1;
  expect(JSON.parse(input.toString('utf8', 0, end))).toEqual({
    contract: 'keyturn-custodian/1',
    action: 'store',
    rotation: 'test',
    version: 'v7',
    binding: sealed.binding,
  });
  expect(input.subarray(end, end + 32)).toEqual(bytes);
  const rest = input.subarray(end + 32).toString('latin1');
  for (const encoding of ['hex', 'base64', 'latin1'] as const) expect(rest).not.toContain(bytes.toString(encoding));
});

describe('opening fails when the command', () => {
  const secret = 'ab'.repeat(16);
  const cases: [string, string, string][] = [
    ['dies', 'console.error("vault is sealed"); process.exit(2)', 'exit status 2'],
    ['is killed', 'process.kill(process.pid, "SIGKILL"); setTimeout(() => {}, 9000)', 'SIGKILL'],
    ['prints nothing', '', 'first line'],
    ['prints material alone', `process.stdout.write('${secret}')`, 'first line'],
    ['prints another contract', `process.stdout.write('{"contract":"other/1"}\\n${secret}')`, 'first line'],
    ['prints a byte too few', `process.stdout.write(answer + '${secret.slice(1)}')`, '31 bytes'],
    ['prints a newline behind the material', `process.stdout.write(answer + '${secret}\\n')`, '33 bytes'],
    ['prints too much', `process.stdout.write(answer + '${secret}'.repeat(1000))`, 'too much'],
  ];
  test.each(cases)('%s', async (_name, script, reason) => {
    const error = await commandThat(script)
      .open('v1', KEY_ARN, undefined)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'custodian-failed', facts: { action: 'open' } });
    expect(String(error)).toContain(reason);
    expect(inspect(error)).not.toContain(secret.slice(1));
  });

  test('hangs: it is killed', async () => {
    const custodian = commandThat('setTimeout(() => {}, 60000)', { timeoutMs: 300 });
    await expect(custodian.open('v1', KEY_ARN, undefined)).rejects.toMatchObject({ code: 'custodian-failed' });
  });

  test('leaves a child behind that keeps its output open: it is not waited for', async () => {
    const linger = `require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 3000)'], { stdio: 'inherit' }).unref()`;
    const custodian = commandThat(`process.stdout.write(answer); ${linger}`, { timeoutMs: 1000 });
    await expect(custodian.copyBinding('v1')).rejects.toMatchObject({ code: 'custodian-failed' });
  });

  test('is no program at all', async () => {
    const options = { rotation: 'test', directory: folder.path, env: {} };
    const custodian = createCommandCustodian({ ...options, command: ['/nowhere/custodian'] });
    await expect(custodian.copyBinding('v1')).rejects.toMatchObject({ code: 'custodian-failed' });
  });

  test('is stopped by an interrupt', async () => {
    const controller = new AbortController();
    const custodian = commandThat('setTimeout(() => {}, 60000)', { signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    await expect(custodian.open('v1', KEY_ARN, undefined)).rejects.toMatchObject({ code: 'interrupted' });
  });
});

test('its stderr is passed on', async () => {
  const custodian = commandThat('console.error("vault is sealed"); process.exit(2)');
  await expect(custodian.copyBinding('v1')).rejects.toThrow('vault is sealed');
});

test('an answer without a line, or with more than one, is no answer to held or store', async () => {
  using material = KeyMaterial.take(randomBytes(32), 'a test');
  for (const script of ['process.stdout.write("{}")', 'process.stdout.write(answer + answer)']) {
    const custodian = commandThat(script);
    await expect(custodian.copyBinding('v1')).rejects.toMatchObject({ code: 'custodian-failed' });
    const sealed = await custodian.seal('v1', material);
    await expect(sealed.store()).rejects.toMatchObject({ code: 'custodian-failed' });
  }
});

test('a command that stores and then denies it fails the preparation: nothing goes to KMS', async () => {
  const custodian = commandThat(
    `process.stdout.write(input.includes('"held"') ? '{"contract":"keyturn-custodian/1","held":false}\\n' : answer)`,
  );
  await expect(prepareImport(custodian, request)).rejects.toMatchObject({ code: 'custody-write-failed' });
});

test('a command that stores other bytes and says done is found before anything goes to KMS', async () => {
  const kept = JSON.stringify(join(folder.path, 'other-bytes'));
  const custodian = commandThat(
    `const fs = require('node:fs');
    const asked = JSON.parse(input.subarray(0, input.indexOf(10)).toString());
    const stored = fs.existsSync(${kept}) ? fs.readFileSync(${kept}, 'utf8') : undefined;
    if (asked.action === 'held')
      process.stdout.write(JSON.stringify({ contract: asked.contract, held: stored !== undefined, binding: stored }) + '\\n');
    if (asked.action === 'store') { fs.writeFileSync(${kept}, asked.binding); process.stdout.write(answer); }
    if (asked.action === 'open') { process.stdout.write(answer); process.stdout.write(require('node:crypto').randomBytes(32)); }`,
  );
  const refused = prepareImport(custodian, request);
  await expect(refused).rejects.toMatchObject({ code: 'custody-differs', facts: { version: 'v1' } });
});
