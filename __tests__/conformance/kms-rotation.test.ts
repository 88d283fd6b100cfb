import { randomBytes } from 'node:crypto';
import {
  CreateKeyCommand,
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  GenerateDataKeyCommand,
  GetKeyRotationStatusCommand,
  type IncludeKeyMaterial,
  type KMSClient,
  ListKeyRotationsCommand,
  RotateKeyOnDemandCommand,
} from '@aws-sdk/client-kms';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { createExternalKey, importedKey, importMaterial, kmsClient, outcome } from './byok';

const fresh = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE', ImportType: 'NEW_KEY_MATERIAL' } as const;

let aws: LocalAws;
let kms: KMSClient;

beforeAll(async () => {
  aws = await startTestAws();
  kms = kmsClient(aws);
});
afterEach(() => {
  aws.faults.rotationDelay = 0;
});
afterAll(() => aws.close());

const rotate = (KeyId: string) => kms.send(new RotateKeyOnDemandCommand({ KeyId }));
const dataKey = (KeyId: string) => kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }));
const current = async (KeyId: string) =>
  (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.CurrentKeyMaterialId;
const materials = async (KeyId: string, which: IncludeKeyMaterial = 'ALL_KEY_MATERIAL') =>
  (await kms.send(new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: which }))).Rotations ?? [];

it('puts new material in place, and goes on opening what the old one sealed', async () => {
  const { id, materialId } = await importedKey(kms);
  const before = await dataKey(id);
  const next = await importMaterial(kms, id, randomBytes(32), fresh);
  expect((await materials(id)).map((entry) => entry.KeyMaterialState)).toEqual(['CURRENT', 'PENDING_ROTATION']);
  expect(await materials(id, 'ROTATIONS_ONLY')).toEqual([]);
  await rotate(id);
  expect(await current(id)).toBe(next);
  expect((await dataKey(id)).KeyMaterialId).toBe(next);
  const opened = await kms.send(new DecryptCommand({ CiphertextBlob: before.CiphertextBlob }));
  expect(opened.KeyMaterialId).toBe(materialId);
  expect(await materials(id)).toMatchObject([
    { KeyMaterialId: materialId, KeyMaterialState: 'NON_CURRENT', ImportState: 'IMPORTED' },
    { KeyMaterialId: next, KeyMaterialState: 'CURRENT', RotationType: 'ON_DEMAND' },
  ]);
  expect(await materials(id, 'ROTATIONS_ONLY')).toMatchObject([{ KeyMaterialId: next }]);
});

it('is under way for as long as it takes', async () => {
  aws.faults.rotationDelay = 60_000;
  const { id, materialId } = await importedKey(kms);
  const next = await importMaterial(kms, id, randomBytes(32), fresh);
  await rotate(id);
  const status = () => kms.send(new GetKeyRotationStatusCommand({ KeyId: id }));
  expect((await status()).OnDemandRotationStartDate).toBeInstanceOf(Date);
  expect(await current(id)).toBe(materialId);
  expect(await outcome(rotate(id))).toBe('ConflictException');
  aws.clock.advance(60_000);
  expect((await status()).OnDemandRotationStartDate).toBeUndefined();
  expect(await current(id)).toBe(next);
});

it('leaves the key unusable when a material that is no longer current is deleted', async () => {
  const { id, material, materialId } = await importedKey(kms);
  await importMaterial(kms, id, randomBytes(32), fresh);
  await rotate(id);
  await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId: id, KeyMaterialId: materialId }));
  expect(await outcome(dataKey(id))).toBe('KMSInvalidStateException');
  expect((await materials(id))[0]).toMatchObject({ KeyMaterialId: materialId, ImportState: 'PENDING_IMPORT' });
  await importMaterial(kms, id, material);
  expect(await outcome(dataKey(id))).toBe('ok');
});

it('refuses to rotate without new material, or without any', async () => {
  const { id } = await importedKey(kms);
  expect(await outcome(rotate(id))).toBe('KMSInvalidStateException');
  expect(await outcome(rotate((await createExternalKey(kms)).id))).toBe('KMSInvalidStateException');
});

it('makes its own material for a key of KMS, 25 times and no more', async () => {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  const id = KeyMetadata?.KeyId ?? '';
  for (let count = 0; count < 25; count++) await rotate(id);
  expect(await outcome(rotate(id))).toBe('LimitExceededException');
  expect(new Set((await materials(id)).map((entry) => entry.KeyMaterialId)).size).toBe(26);
});
