import { randomFillSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { generateIdentity } from '../../../lib/key-material/age-identity';
import { completeImport } from '../../../lib/key-material/complete-import';
import { createAgeCustodian } from '../../../lib/key-material/custody/age-custodian';
import { createCommandCustodian } from '../../../lib/key-material/custody/command-custodian';
import type { MaterialCustodian } from '../../../lib/key-material/custody/custodian';
import { readKeyMaterialFile } from '../../../lib/key-material/material-file';
import { prepareImport } from '../../../lib/key-material/prepare-import';
import { emptyMaterial } from '../../../lib/key-material/secret';
import { itWith } from '../../support/requirement';
import { maskedFileKey } from './age-file-key';
import { KEY_ARN, parametersFor, temporaryFolder } from './kms-stand-in';
import { canScan, copiesInMemory, MASK } from './memory-scan';

const folder = temporaryFolder();
afterAll(folder.cleanUp);
const identityFile = join(folder.path, 'identity.txt');
const scanning = itWith({
  what: 'a readable /proc/self/mem',
  isMet: canScan(),
  install: 'run on Linux as the owner of the process',
});

/** A material file that only the disk holds; in memory there is its masked form alone. */
function secretFile(name: string): { readonly path: string; readonly masked: Buffer } {
  const path = join(folder.path, name);
  const bytes = randomFillSync(emptyMaterial());
  const masked = Buffer.from(bytes.map((byte) => byte ^ MASK));
  writeFileSync(path, bytes);
  bytes.fill(0);
  return { path, masked };
}

async function prepareTwice(custodian: MaterialCustodian, path: string): Promise<void> {
  const request = { version: 'v1', keyArn: KEY_ARN, parameters: async () => parametersFor() };
  const prepared = await prepareImport(custodian, { ...request, source: { kind: 'file', path } });
  await completeImport(custodian, prepared, {
    keyMaterialId: 'a'.repeat(64),
    importType: 'NEW_KEY_MATERIAL',
    expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    validTo: undefined,
    importedAt: new Date(),
  });
  await prepareImport(custodian, { ...request, source: { kind: 'generate' }, identityFile });
}

scanning('the search finds a copy where there is one', async () => {
  const { path, masked } = secretFile('control');
  using material = await readKeyMaterialFile(path);
  expect(material.disposed).toBe(false);
  expect(copiesInMemory(masked)).toBeGreaterThan(0);
});

scanning('no copy is left in the memory of the process after age custody was written and opened', async () => {
  const { path, masked } = secretFile('age');
  const { recipient } = await generateIdentity(identityFile);
  const directory = join(folder.path, 'age-custody');
  await prepareTwice(await createAgeCustodian({ rotation: 'test', directory, recipients: [recipient] }), path);
  expect(copiesInMemory(masked)).toBe(0);
});

scanning(
  'of the file key of an age file at most the copy of the age library is left, and opening adds none',
  async () => {
    const identity = join(folder.path, 'file-key.txt');
    const { recipient } = await generateIdentity(identity);
    const directory = join(folder.path, 'file-key-custody');
    const custodian = await createAgeCustodian({ rotation: 'test', directory, recipients: [recipient] });
    const secret = readFileSync(identity, 'utf8').split('\n')[2] ?? '';
    for (const version of ['v1', 'v2', 'v3']) {
      using material = await readKeyMaterialFile(secretFile(version).path);
      await (await custodian.seal(version, material)).store();
      const masked = maskedFileKey(readFileSync(custodian.locate(version)), secret);
      // What the library writes into an array of 32 bytes before V8 moves that array out of the heap.
      expect(copiesInMemory(masked)).toBeLessThanOrEqual(1);
      const opened = await custodian.open(version, KEY_ARN, identity);
      opened[Symbol.dispose]();
      expect(copiesInMemory(masked)).toBeLessThanOrEqual(1);
    }
  },
);

scanning('no copy is left after a custodian command has kept it and given it back thirty times', async () => {
  const { path, masked } = secretFile('command');
  const env = { CUSTODIAN_FOLDER: join(folder.path, 'vault'), CUSTODIAN_KEY_FILE: secretFile('vault-key').path };
  const sample = resolve(__dirname, '../../../docs/samples/custodian.mjs');
  const directory = join(folder.path, 'ledger');
  const command = [process.execPath, sample] as const;
  const custodian = createCommandCustodian({ rotation: 'test', command: [...command], directory, env });
  await prepareTwice(custodian, path);
  for (let round = 0; round < 10; round += 1) {
    const opened = await Promise.all([1, 2, 3].map(() => custodian.open('v1', KEY_ARN, undefined)));
    for (const material of opened) material[Symbol.dispose]();
  }
  expect(copiesInMemory(masked)).toBe(0);
});

scanning('no copy is left when the wrapping key is refused', async () => {
  const { path, masked } = secretFile('refused');
  const directory = join(folder.path, 'refused-custody');
  const { recipient } = await generateIdentity(join(folder.path, 'second.txt'));
  const custodian = await createAgeCustodian({ rotation: 'test', directory, recipients: [recipient] });
  const parameters = async () => ({ ...parametersFor(), spec: 'RSA_4096' as const });
  const source = { kind: 'file', path } as const;
  const prepared = prepareImport(custodian, { version: 'v1', keyArn: KEY_ARN, parameters, source });
  await expect(prepared).rejects.toMatchObject({ code: 'wrapping-key-rejected' });
  expect(copiesInMemory(masked)).toBe(0);
});
