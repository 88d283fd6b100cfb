import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity } from '../../../lib/key-material/age-identity';
import { completeImport } from '../../../lib/key-material/complete-import';
import { createAgeCustodian } from '../../../lib/key-material/custody/age-custodian';
import { type FileOperations, nodeFiles } from '../../../lib/key-material/custody/file-operations';
import { pendingImportOf, prepareImport } from '../../../lib/key-material/prepare-import';
import { KEY_ARN, parametersFor, temporaryFolder, unwrap } from './kms-stand-in';

const folder = temporaryFolder();
afterAll(folder.cleanUp);
const identityFile = join(folder.path, 'identity.txt');
let recipients: string[];
beforeAll(async () => {
  recipients = [(await generateIdentity(identityFile)).recipient];
});

type Death = 'before' | 'after' | 'torn';

/** A process that dies at its `boundary`th file operation: without the effect, with it, or with half a file written. */
function mortal(boundary: number, death: Death): { files: FileOperations; operations: () => number } {
  let count = 0;
  const step = async <T>(effect: () => Promise<T>, half: () => Promise<unknown> = effect): Promise<T> => {
    count += 1;
    if (count > boundary) throw new Error('the process is dead');
    if (count < boundary) return effect();
    if (death === 'after') await effect();
    if (death === 'torn') await half();
    throw new Error('killed');
  };
  const files: FileOperations = {
    makeDirectory: (path) => step(() => nodeFiles.makeDirectory(path)),
    writeNew: (path, bytes) =>
      step(
        () => nodeFiles.writeNew(path, bytes),
        async () => writeFileSync(path, bytes.subarray(0, bytes.length / 2)),
      ),
    link: (from, to) => step(() => nodeFiles.link(from, to)),
    rename: (from, to) => step(() => nodeFiles.rename(from, to)),
    unlink: (path) => step(() => nodeFiles.unlink(path)),
    syncDirectory: (path) => step(() => nodeFiles.syncDirectory(path)),
    read: (path) => step(() => nodeFiles.read(path)),
  };
  return { files, operations: () => count };
}

/** A key of KMS: takes one material, and afterwards only the same bytes. */
function externalKey() {
  let material: Buffer | undefined;
  return {
    material: () => material,
    import(wrapped: Buffer) {
      const bytes = unwrap(wrapped);
      if (material && !material.equals(bytes)) throw new Error('IncorrectKeyMaterialException');
      const importType = material ? ('EXISTING_KEY_MATERIAL' as const) : ('NEW_KEY_MATERIAL' as const);
      material = bytes;
      return importType;
    },
  };
}

async function run(directory: string, key: ReturnType<typeof externalKey>, files: FileOperations = nodeFiles) {
  const custodian = await createAgeCustodian({ rotation: 'test', directory, recipients, files });
  const unsettled = key.material() && (await pendingImportOf(custodian, { version: 'v1', keyArn: KEY_ARN }));
  if (key.material() && !unsettled) return custodian;
  const parameters = async () => parametersFor();
  const source = { kind: 'generate' } as const;
  const prepared =
    unsettled || (await prepareImport(custodian, { version: 'v1', keyArn: KEY_ARN, parameters, source }));
  const importType = key.import(prepared.wrapped);
  await completeImport(custodian, prepared, {
    keyMaterialId: 'a'.repeat(64),
    importType,
    expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    validTo: undefined,
    importedAt: new Date(),
  });
  return custodian;
}

/** File operations of a run that nobody kills. */
async function boundaries(): Promise<number> {
  const { files, operations } = mortal(Number.POSITIVE_INFINITY, 'before');
  await run(mkdtempSync(join(folder.path, 'counted-')), externalKey(), files);
  return operations();
}

test('killed at every file operation and run again, it completes: one material, in custody and in KMS', async () => {
  const total = await boundaries();
  expect(total).toBeGreaterThan(15);
  for (let boundary = 1; boundary <= total; boundary += 1) {
    for (const death of ['before', 'after', 'torn'] as const) {
      const directory = join(folder.path, `${boundary}-${death}`);
      const key = externalKey();
      await expect(run(directory, key, mortal(boundary, death).files)).rejects.toThrow();
      const custodian = await run(directory, key);
      using material = await custodian.open('v1', KEY_ARN, identityFile);
      const held = material.withBytes('test', (bytes) => Buffer.from(bytes));
      expect({ boundary, death, held }).toEqual({ boundary, death, held: key.material() });
      const left = readdirSync(directory).filter((name) => !name.endsWith('.tmp'));
      expect(left.sort()).toEqual(['test-v1.age', 'test-v1.record.json']);
    }
  }
});

test('killed at every file operation, KMS never holds material that custody does not', async () => {
  const total = await boundaries();
  let imports = 0;
  for (let boundary = 1; boundary <= total; boundary += 1) {
    const directory = join(folder.path, `alone-${boundary}`);
    const key = externalKey();
    await expect(run(directory, key, mortal(boundary, 'after').files)).rejects.toThrow();
    if (!key.material()) continue;
    imports += 1;
    const custodian = await createAgeCustodian({ rotation: 'test', directory, recipients });
    using material = await custodian.open('v1', KEY_ARN, identityFile);
    expect(material.withBytes('test', (bytes) => Buffer.from(bytes))).toEqual(key.material());
  }
  expect(imports).toBeGreaterThan(3);
});
