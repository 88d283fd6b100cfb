import { randomBytes } from 'node:crypto';

import { KeyturnError } from '../../../lib/errors';
import { describeKey } from '../../../lib/kms/describe-key';
import { type ImportRequest, importMaterial } from '../../../lib/kms/import-key-material';
import { importParameters } from '../../../lib/kms/import-parameters';
import { keyMaterials } from '../../../lib/kms/key-materials';
import { proveImport } from '../../../lib/kms/prove-import';
import { startEndpoint, type TestEndpoint } from '../aws/endpoint';
import { createExternalKey, importRandom, wrapBytes } from './external-key';

let endpoint: TestEndpoint;
const seen: string[] = [];
beforeAll(async () => {
  endpoint = await startEndpoint({ requestLog: (request) => seen.push(request.operation) });
});
beforeEach(() => {
  seen.length = 0;
});
afterEach(() => {
  endpoint.aws.faults.clear();
  endpoint.aws.faults.newKeyLag = 0;
});
afterAll(() => endpoint.close());

const DAY = 24 * 60 * 60 * 1000;
const inDays = (days: number) => new Date(Math.floor((Date.now() + days * DAY) / 1000) * 1000);

/** A request that KMS would take; a test spoils one part of it. */
async function goodRequest(keyArn: string, bytes = randomBytes(32)): Promise<ImportRequest> {
  const parameters = await importParameters(endpoint.clients.kms, keyArn, { spec: 'RSA_2048' });
  const wrapped = wrapBytes(bytes, parameters);
  const expectedId = async () => (await describeKey(endpoint.clients.kms, keyArn))?.currentKeyMaterialId;
  return { keyArn, importToken: parameters.importToken, wrapped, importType: 'NEW_KEY_MATERIAL', expectedId };
}

const refusalOf = async (request: ImportRequest) => {
  const error = await importMaterial(endpoint.clients.kms, request).catch((thrown: unknown) => thrown);
  if (!(error instanceof KeyturnError)) throw error;
  return { code: error.code, awsCode: (error.facts as { awsCode?: string }).awsCode };
};

test('asks for OAEP with SHA-256 under RSA_4096, and the material then proves itself', async () => {
  const { kms } = endpoint.clients;
  const keyArn = await createExternalKey(kms);
  const parameters = await importParameters(kms, keyArn);
  expect(parameters).toMatchObject({ keyArn, algorithm: 'RSAES_OAEP_SHA_256', spec: 'RSA_4096' });
  expect(parameters.validTo.getTime()).toBeGreaterThan(Date.now() + 23 * 60 * 60 * 1000);
  const wrapped = wrapBytes(randomBytes(32), parameters);
  const result = await importMaterial(kms, {
    keyArn,
    importToken: parameters.importToken,
    wrapped,
    importType: 'NEW_KEY_MATERIAL',
    validTo: inDays(300),
    description: 'rotation-test v1',
  });
  const key = await describeKey(kms, keyArn);
  expect(key).toMatchObject({ state: 'Enabled', enabled: true, expirationModel: 'KEY_MATERIAL_EXPIRES' });
  expect(key?.validTo).toEqual(inDays(300));
  expect(key?.currentKeyMaterialId).toBe(result.keyMaterialId);
  expect(await proveImport(kms, keyArn, 'rotation-test')).toEqual({ keyMaterialId: result.keyMaterialId });
});

test('the same material is imported again with another expiry, and KMS checks that it is the same', async () => {
  const { kms } = endpoint.clients;
  const keyArn = await createExternalKey(kms);
  const bytes = randomBytes(32);
  const { keyMaterialId } = await importRandom(kms, keyArn, bytes);
  const again = { ...(await goodRequest(keyArn, bytes)), importType: 'EXISTING_KEY_MATERIAL', keyMaterialId } as const;
  const extended = await importMaterial(kms, { ...again, validTo: inDays(100) });
  expect(extended).toMatchObject({ keyMaterialId, expirationModel: 'KEY_MATERIAL_EXPIRES' });
  expect((await describeKey(kms, keyArn))?.validTo).toEqual(inDays(100));
});

test('a lost answer does no harm: the attempt after it is taken as the same material', async () => {
  const { kms } = endpoint.clients;
  const keyArn = await createExternalKey(kms);
  const request = await goodRequest(keyArn);
  endpoint.strike({ operation: 'ImportKeyMaterial', times: 1 }, { kind: 'reset-after' });
  const result = await importMaterial(kms, request);
  expect(result.importType).toBe('EXISTING_KEY_MATERIAL');
  expect(await describeKey(kms, keyArn)).toMatchObject({
    state: 'Enabled',
    currentKeyMaterialId: result.keyMaterialId,
  });
});

describe('bytes that the key has already as other material', () => {
  const setUp = async () => {
    const { kms } = endpoint.clients;
    const keyArn = await createExternalKey(kms);
    const first = randomBytes(32);
    const { keyMaterialId } = await importRandom(kms, keyArn, first);
    const described = { ...(await goodRequest(keyArn, first)), description: 'another version', validTo: inDays(5) };
    return { keyArn, keyMaterialId, described };
  };

  test('are refused, and neither renamed nor given another date', async () => {
    const { keyArn, keyMaterialId, described } = await setUp();
    const refused = { code: 'kms-import-refused', awsCode: 'IncorrectKeyMaterialException' };
    expect(await refusalOf({ ...described, expectedId: async () => undefined })).toEqual(refused);
    const [only, ...more] = await keyMaterials(endpoint.clients.kms, keyArn);
    expect(more).toEqual([]);
    expect(only).toMatchObject({ id: keyMaterialId, description: undefined, validTo: undefined });
  });

  test('are refused as the material of another ID', async () => {
    const { described } = await setUp();
    const refused = { code: 'kms-import-refused', awsCode: 'IncorrectKeyMaterialException' };
    expect(await refusalOf({ ...described, expectedId: async () => 'f'.repeat(64) })).toEqual(refused);
  });
});

test('new material while other material is pending rotation is refused in words that say so', async () => {
  const { kms } = endpoint.clients;
  const keyArn = await createExternalKey(kms);
  await importRandom(kms, keyArn);
  await importMaterial(kms, await goodRequest(keyArn));
  await expect(importMaterial(kms, await goodRequest(keyArn))).rejects.toMatchObject({
    code: 'kms-import-refused',
    facts: { awsCode: 'KMSInvalidStateException', reason: expect.stringContaining('is pending rotation') },
    hint: expect.stringContaining('npx keyturn post-apply'),
  });
});

test('expired material comes back to life when the same bytes are imported', async () => {
  const { kms } = endpoint.clients;
  const keyArn = await createExternalKey(kms);
  const bytes = randomBytes(32);
  const first = await importMaterial(kms, { ...(await goodRequest(keyArn, bytes)), validTo: inDays(2) });
  endpoint.aws.clock.offset = 3 * DAY;
  expect(await describeKey(kms, keyArn)).toMatchObject({ state: 'PendingImport' });
  const again = await importMaterial(kms, await goodRequest(keyArn, bytes));
  expect(again.keyMaterialId).toBe(first.keyMaterialId);
  expect(await describeKey(kms, keyArn)).toMatchObject({ state: 'Enabled' });
  endpoint.aws.clock.offset = 0;
});

describe('an import is refused with the code of KMS when', () => {
  test('the blob was altered', async () => {
    const request = await goodRequest(await createExternalKey(endpoint.clients.kms));
    const wrapped = Buffer.from(request.wrapped);
    wrapped[100] = (wrapped[100] ?? 0) ^ 1;
    const refused = { code: 'kms-import-refused', awsCode: 'InvalidCiphertextException' };
    expect(await refusalOf({ ...request, wrapped })).toEqual(refused);
  });

  test('the token and the blob belong to another key', async () => {
    const request = await goodRequest(await createExternalKey(endpoint.clients.kms));
    const keyArn = await createExternalKey(endpoint.clients.kms);
    const refused = { code: 'kms-import-refused', awsCode: 'InvalidImportTokenException' };
    expect(await refusalOf({ ...request, keyArn })).toEqual(refused);
  });

  test('the token is older than a day', async () => {
    const request = await goodRequest(await createExternalKey(endpoint.clients.kms));
    endpoint.aws.clock.offset = 25 * 60 * 60 * 1000;
    const refused = { code: 'kms-import-refused', awsCode: 'ExpiredImportTokenException' };
    expect(await refusalOf(request)).toEqual(refused);
    endpoint.aws.clock.offset = 0;
  });

  test('the key has other material', async () => {
    const keyArn = await createExternalKey(endpoint.clients.kms);
    await importRandom(endpoint.clients.kms, keyArn);
    const request = await goodRequest(keyArn);
    const refused = { code: 'kms-import-refused', awsCode: 'IncorrectKeyMaterialException' };
    expect(await refusalOf({ ...request, importType: 'EXISTING_KEY_MATERIAL' })).toEqual(refused);
  });
});

test.each([
  ['in the past', -1],
  ['over 365 days ahead', 366],
])('refuses an expiry %s before any call', async (_name, days) => {
  const request = await goodRequest(await createExternalKey(endpoint.clients.kms));
  seen.length = 0;
  expect(await refusalOf({ ...request, validTo: inDays(days) })).toMatchObject({ code: 'kms-import-expiry' });
  expect(seen).toEqual([]);
});

describe('import parameters', () => {
  test('are refused for RSAES_PKCS1_V1_5 before any call, with the day AWS switched it off', async () => {
    const wanted = importParameters(endpoint.clients.kms, 'key', { algorithm: 'RSAES_PKCS1_V1_5' });
    await expect(wanted).rejects.toMatchObject({ code: 'kms-wrapping-unsupported' });
    await expect(wanted).rejects.toThrow('2023-10-10');
    expect(seen).toEqual([]);
  });

  test.each(['RSA_AES_KEY_WRAP_SHA_256', 'SM2PKE', 'nonsense'])('are refused for %s', async (algorithm) => {
    const wanted = importParameters(endpoint.clients.kms, 'key', { algorithm });
    await expect(wanted).rejects.toMatchObject({ code: 'kms-wrapping-unsupported' });
  });

  test('come after the lag of a key that was just created', async () => {
    endpoint.aws.faults.newKeyLag = 2;
    const keyArn = await createExternalKey(endpoint.clients.kms);
    const parameters = await importParameters(endpoint.clients.kms, keyArn, { spec: 'RSA_2048' });
    expect(parameters.keyArn).toBe(keyArn);
  });

  test('wait out the quota of one call in four seconds', async () => {
    const keyArn = await createExternalKey(endpoint.clients.kms);
    endpoint.refuse({ operation: 'GetParametersForImport', times: 2 }, 'ThrottlingException');
    const parameters = await importParameters(endpoint.clients.kms, keyArn, { spec: 'RSA_2048' });
    expect(parameters.keyArn).toBe(keyArn);
  });

  test('fail as throttled when the quota does not come back in time', async () => {
    const keyArn = await createExternalKey(endpoint.clients.kms);
    endpoint.refuse({ operation: 'GetParametersForImport' }, 'ThrottlingException');
    const wanted = importParameters(endpoint.clients.kms, keyArn, { timeoutMs: 100 });
    await expect(wanted).rejects.toMatchObject({ code: 'aws-throttled' });
  });

  test('are refused for a key whose material AWS made', async () => {
    const { CreateKeyCommand } = await import('@aws-sdk/client-kms');
    const { KeyMetadata } = await endpoint.clients.kms.send(new CreateKeyCommand({}));
    const wanted = importParameters(endpoint.clients.kms, KeyMetadata?.Arn ?? '');
    await expect(wanted).rejects.toMatchObject({ facts: { awsCode: 'UnsupportedOperationException' } });
  });
});
