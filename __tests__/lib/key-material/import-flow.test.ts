import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isCode } from '../../../lib/errors';
import { generateIdentity } from '../../../lib/key-material/age-identity';
import { abandonImport, completeImport } from '../../../lib/key-material/complete-import';
import { createAgeCustodian } from '../../../lib/key-material/custody/age-custodian';
import type { MaterialCustodian } from '../../../lib/key-material/custody/custodian';
import { type MaterialSource, pendingImportOf, prepareImport } from '../../../lib/key-material/prepare-import';
import { describeKey } from '../../../lib/kms/describe-key';
import { importMaterial } from '../../../lib/kms/import-key-material';
import { importParameters } from '../../../lib/kms/import-parameters';
import { proveImport } from '../../../lib/kms/prove-import';
import { startEndpoint, type TestEndpoint } from '../aws/endpoint';
import { createExternalKey } from '../kms/external-key';
import { temporaryFolder } from './kms-stand-in';

const folder = temporaryFolder();
const identityFile = join(folder.path, 'identity.txt');
let endpoint: TestEndpoint;
let recipients: string[];
beforeAll(async () => {
  endpoint = await startEndpoint();
  recipients = [(await generateIdentity(identityFile)).recipient];
});
afterEach(() => {
  endpoint.aws.faults.clear();
  endpoint.aws.clock.offset = 0;
});
afterAll(async () => {
  await endpoint.close();
  folder.cleanUp();
});

let count = 0;
const newCustodian = () => {
  count += 1;
  return createAgeCustodian({ rotation: 'test', directory: join(folder.path, `custody${count}`), recipients });
};

/** What pre-apply does for one key version. */
async function rotateIn(
  custodian: MaterialCustodian,
  keyArn: string,
  options: { identityFile?: string; source?: MaterialSource; validTo?: Date; now?: Date } = {},
) {
  const { kms } = endpoint.clients;
  const prepared = await prepareImport(custodian, {
    version: 'v1',
    keyArn,
    parameters: () => importParameters(kms, keyArn, { spec: 'RSA_2048' }),
    source: options.source ?? { kind: 'generate' },
    identityFile: options.identityFile,
    now: options.now,
  });
  const key = await describeKey(kms, keyArn);
  const importType = key?.enabled ? 'EXISTING_KEY_MATERIAL' : 'NEW_KEY_MATERIAL';
  const { importToken, wrapped } = prepared;
  try {
    const expectedId = async () => (await describeKey(kms, keyArn))?.currentKeyMaterialId;
    const request = { keyArn, importToken, wrapped, importType, expectedId, validTo: options.validTo } as const;
    const imported = await importMaterial(kms, request);
    await proveImport(kms, keyArn, 'test');
    return await completeImport(custodian, prepared, imported);
  } catch (error) {
    if (isCode(error, 'kms-import-refused')) await abandonImport(custodian, prepared);
    throw error;
  }
}

test('a key version gets its material, and custody can import it again after it has expired', async () => {
  const custodian = await newCustodian();
  const keyArn = await createExternalKey(endpoint.clients.kms);
  const day = 24 * 60 * 60 * 1000;
  const first = await rotateIn(custodian, keyArn, { validTo: new Date(Date.now() + day) });
  endpoint.aws.clock.offset = 2 * day;
  expect(await describeKey(endpoint.clients.kms, keyArn)).toMatchObject({ state: 'PendingImport' });
  const again = await rotateIn(custodian, keyArn, { identityFile, now: new Date(Date.now() + 2 * day) });
  expect(again).toMatchObject({ keyMaterialId: first.keyMaterialId, import: { type: 'EXISTING_KEY_MATERIAL' } });
  expect(await describeKey(endpoint.clients.kms, keyArn)).toMatchObject({ state: 'Enabled' });
});

test.each([
  ['GetParametersForImport', 'reset-before'],
  ['ImportKeyMaterial', 'reset-before'],
  ['ImportKeyMaterial', 'reset-after'],
  ['GenerateDataKey', 'reset-before'],
  ['Decrypt', 'reset-before'],
] as const)('stopped at %s (%s) and run again, it completes without an identity', async (operation, kind) => {
  const custodian = await newCustodian();
  const keyArn = await createExternalKey(endpoint.clients.kms);
  endpoint.strike({ operation }, { kind });
  await expect(rotateIn(custodian, keyArn)).rejects.toMatchObject({ code: 'aws-endpoint-unreachable' });
  endpoint.aws.faults.clear();
  const record = await rotateIn(custodian, keyArn);
  expect(await describeKey(endpoint.clients.kms, keyArn)).toMatchObject({ currentKeyMaterialId: record.keyMaterialId });
  expect(await custodian.copyBinding('v1')).toBeDefined();
  expect(await pendingImportOf(custodian, { version: 'v1', keyArn })).toBeUndefined();
});

test('a key that another operator has filled meanwhile is not changed, and the second operator gets an error', async () => {
  const custodian = await newCustodian();
  const keyArn = await createExternalKey(endpoint.clients.kms);
  const winner = await rotateIn(await newCustodian(), keyArn);
  await expect(rotateIn(custodian, keyArn)).rejects.toMatchObject({
    code: 'kms-import-refused',
    facts: { awsCode: 'IncorrectKeyMaterialException' },
  });
  const key = await describeKey(endpoint.clients.kms, keyArn);
  expect(key).toMatchObject({ state: 'Enabled', currentKeyMaterialId: winner.keyMaterialId });
});

test('a prepared import whose token KMS finds stale is abandoned, and the identity completes it', async () => {
  const custodian = await newCustodian();
  const keyArn = await createExternalKey(endpoint.clients.kms);
  endpoint.strike({ operation: 'ImportKeyMaterial' }, { kind: 'reset-before' });
  await expect(rotateIn(custodian, keyArn)).rejects.toThrow();
  endpoint.aws.faults.clear();
  endpoint.aws.clock.offset = 25 * 60 * 60 * 1000;
  await expect(rotateIn(custodian, keyArn)).rejects.toMatchObject({
    facts: { awsCode: 'ExpiredImportTokenException' },
  });
  await expect(rotateIn(custodian, keyArn)).rejects.toMatchObject({ code: 'custody-identity-needed' });
  const now = new Date(Date.now() + endpoint.aws.clock.offset);
  const record = await rotateIn(custodian, keyArn, { identityFile, now });
  expect(record.import.type).toBe('NEW_KEY_MATERIAL');
});

test('two keys with the same material have different key material IDs', async () => {
  const path = join(folder.path, 'material');
  writeFileSync(path, randomBytes(32));
  const source = { kind: 'file', path } as const;
  const one = await rotateIn(await newCustodian(), await createExternalKey(endpoint.clients.kms), { source });
  const two = await rotateIn(await newCustodian(), await createExternalKey(endpoint.clients.kms), { source });
  expect(one.keyMaterialId).not.toBe(two.keyMaterialId);
});
