import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generateIdentity } from '../../../../lib/key-material/age-identity';
import { completeImport } from '../../../../lib/key-material/complete-import';
import { createAgeCustodian } from '../../../../lib/key-material/custody/age-custodian';
import { readRecord, writeRecord } from '../../../../lib/key-material/custody/custody-record';
import { exposureOf } from '../../../../lib/key-material/custody/exposure';
import { nodeFiles } from '../../../../lib/key-material/custody/file-operations';
import { readPending, writePending } from '../../../../lib/key-material/custody/pending-import';
import { prepareImport } from '../../../../lib/key-material/prepare-import';
import { pendingOf } from '../../../../lib/key-material/prepared-import';
import { KEY_ARN, parametersFor, temporaryFolder } from '../kms-stand-in';

const folder = temporaryFolder();
afterAll(folder.cleanUp);

describe('who else can use a custody folder or an identity file', () => {
  it.each([
    [0o700, undefined],
    [0o755, 'read'],
    [0o770, 'write'],
    [0o777, 'write'],
  ])('is said of mode %o', async (mode, others) => {
    const directory = path.join(folder.path, `custody-${mode.toString(8)}`);
    mkdirSync(directory);
    chmodSync(directory, mode);
    expect((await exposureOf(directory, true))?.others).toBe(others);
  });

  it('is nobody where there is no such file', async () => {
    expect(await exposureOf(path.join(folder.path, 'missing'), true)).toBeUndefined();
  });
});

describe('two versions that share a file name', () => {
  it("refuses the other rotation's record and pending import instead of taking or replacing it", async () => {
    const identity = path.join(folder.path, 'identity.txt');
    const { recipient } = await generateIdentity(identity);
    const directory = path.join(folder.path, 'shared');
    const ledger = { directory, files: nodeFiles };
    const custodian = await createAgeCustodian({ rotation: 'a-b', directory, recipients: [recipient] });
    const request = { keyArn: KEY_ARN, parameters: async () => parametersFor(), source: { kind: 'generate' } } as const;
    const prepared = await prepareImport(custodian, { ...request, version: 'c' });
    const shared = { code: 'custody-shared-name', facts: { held: 'version c of a-b' } };
    await expect(readPending(ledger, 'a', 'b-c')).rejects.toMatchObject(shared);
    const other = await createAgeCustodian({ rotation: 'a', directory, recipients: [recipient] });
    await expect(prepareImport(other, { ...request, version: 'b-c' })).rejects.toMatchObject(shared);
    const record = await completeImport(custodian, prepared, {
      keyMaterialId: 'a'.repeat(64),
      importType: 'NEW_KEY_MATERIAL',
      expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      validTo: undefined,
      importedAt: new Date(),
    });
    await expect(readRecord(ledger, 'a', 'b-c')).rejects.toMatchObject(shared);
    const theirs = { ...record, rotation: 'a', version: 'b-c' };
    await expect(writeRecord(ledger, theirs)).rejects.toMatchObject(shared);
    await writePending(ledger, pendingOf('a-b', { ...prepared, binding: 'binding' }));
  });
});

it('ends with an error where a directory cannot be created, and does not ask for ever', async () => {
  await expect(nodeFiles.makeDirectory('/proc/keyturn/custody')).rejects.toMatchObject({ code: 'ENOENT' });
  const file = path.join(folder.path, 'a-file');
  writeFileSync(file, '');
  await expect(nodeFiles.makeDirectory(file)).rejects.toMatchObject({ code: 'EEXIST' });
  await nodeFiles.makeDirectory(path.join(folder.path, 'one', 'two', 'three'));
});
