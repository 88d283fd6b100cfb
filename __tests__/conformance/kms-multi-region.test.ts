import { randomBytes } from 'node:crypto';
import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  KMSClient,
  ListKeyRotationsCommand,
  ReplicateKeyCommand,
  type ReplicateKeyCommandInput,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  UpdatePrimaryRegionCommand,
} from '@aws-sdk/client-kms';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { importMaterial, outcome } from './byok';

const [HERE, THERE, THIRD] = ['eu-central-1', 'eu-west-1', 'us-east-1'] as const;
const DAY = 86_400_000;
const forever = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const;

let aws: LocalAws;
let here: KMSClient;
let there: KMSClient;

beforeAll(async () => {
  aws = await startTestAws({ region: HERE, regions: [THERE, THIRD] });
  const at = (region: string) =>
    new KMSClient({ endpoint: aws.url, region, credentials: aws.accessKey, maxAttempts: 1 });
  [here, there] = [at(HERE), at(THERE)];
});
afterEach(() => {
  aws.clock.offset = 0;
  aws.faults.multiRegionDelay = 0;
});
afterAll(() => aws.close());

async function primaryKey(Origin: 'EXTERNAL' | 'AWS_KMS' = 'AWS_KMS'): Promise<string> {
  const { KeyMetadata } = await here.send(new CreateKeyCommand({ Origin, MultiRegion: true }));
  return KeyMetadata?.KeyId ?? '';
}

const replicate = (KeyId: string, more: Partial<ReplicateKeyCommandInput> = {}) =>
  here.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: THERE, ...more }));
const metadataOf = async (kms: KMSClient, KeyId: string) =>
  (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata;
const stateOf = async (kms: KMSClient, KeyId: string) => (await metadataOf(kms, KeyId))?.KeyState;
const arnOf = (region: string, id: string) => `arn:aws:kms:${region}:${aws.accountId}:key/${id}`;
const materialsOf = async (kms: KMSClient, KeyId: string) =>
  (await kms.send(new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }))).Rotations?.map(
    ({ KeyMaterialState, ImportState }) => `${KeyMaterialState} ${ImportState}`,
  );

/** A key with imported material and a replica that has it too. */
async function importedInBoth(): Promise<{ id: string; material: Buffer }> {
  const id = await primaryKey('EXTERNAL');
  const material = randomBytes(32);
  await importMaterial(here, id, material);
  await replicate(id);
  await importMaterial(there, arnOf(THERE, id), material);
  return { id, material };
}

describe('a multi-Region key', () => {
  it('has one ID in every Region, and says which key is its primary', async () => {
    const id = await primaryKey();
    expect(id).toMatch(/^mrk-[0-9a-f]{32}$/);
    const made = await replicate(id, { Description: 'copy', Tags: [{ TagKey: 'a', TagValue: 'b' }] });
    expect(made.ReplicaKeyMetadata).toMatchObject({ KeyId: id, Arn: arnOf(THERE, id), Description: 'copy' });
    expect(made.ReplicaTags).toEqual([{ TagKey: 'a', TagValue: 'b' }]);
    const family = {
      PrimaryKey: { Arn: arnOf(HERE, id), Region: HERE },
      ReplicaKeys: [{ Arn: arnOf(THERE, id), Region: THERE }],
    };
    expect(await metadataOf(here, id)).toMatchObject({
      MultiRegion: true,
      MultiRegionConfiguration: { MultiRegionKeyType: 'PRIMARY', ...family },
    });
    expect(await metadataOf(there, id)).toMatchObject({
      KeyState: 'Enabled',
      MultiRegionConfiguration: { MultiRegionKeyType: 'REPLICA', ...family },
    });
  });

  it('decrypts in one Region what was encrypted in another, and is turned off in each by itself', async () => {
    const { id } = await importedInBoth();
    const { CiphertextBlob } = await here.send(new EncryptCommand({ KeyId: id, Plaintext: Buffer.from('secret') }));
    await here.send(new DisableKeyCommand({ KeyId: id }));
    const { Plaintext, KeyId } = await there.send(new DecryptCommand({ CiphertextBlob }));
    expect([Buffer.from(Plaintext ?? []).toString(), KeyId]).toEqual(['secret', arnOf(THERE, id)]);
    expect(await outcome(here.send(new DecryptCommand({ CiphertextBlob })))).toBe('DisabledException');
  });

  it('takes the same material in each Region, and no other', async () => {
    const id = await primaryKey('EXTERNAL');
    expect(await outcome(replicate(id))).toBe('KMSInvalidStateException');
    const material = randomBytes(32);
    const materialId = await importMaterial(here, id, material);
    await replicate(id);
    expect(await stateOf(there, id)).toBe('PendingImport');
    const replica = arnOf(THERE, id);
    expect(await outcome(importMaterial(there, replica, randomBytes(32)))).toBe('IncorrectKeyMaterialException');
    const asNew = { ...forever, ImportType: 'NEW_KEY_MATERIAL' } as const;
    expect(await outcome(importMaterial(there, replica, material, asNew))).toBe('UnsupportedOperationException');
    const described = { ...forever, KeyMaterialDescription: 'copy' };
    expect(await outcome(importMaterial(there, replica, material, described))).toBe('UnsupportedOperationException');
    expect(await importMaterial(there, replica, material)).toBe(materialId);
    expect(await stateOf(there, id)).toBe('Enabled');
  });

  it('rotates once every Region has the new material, all at once', async () => {
    const { id } = await importedInBoth();
    const next = randomBytes(32);
    await importMaterial(here, id, next, { ...forever, ImportType: 'NEW_KEY_MATERIAL' });
    const rotate = (kms: KMSClient) => outcome(kms.send(new RotateKeyOnDemandCommand({ KeyId: id })));
    const waiting = 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION';
    expect(await materialsOf(here, id)).toEqual(['CURRENT IMPORTED', `${waiting} IMPORTED`]);
    expect(await materialsOf(there, id)).toEqual(['CURRENT IMPORTED', `${waiting} PENDING_IMPORT`]);
    expect(await rotate(here)).toBe('KMSInvalidStateException');
    await importMaterial(there, arnOf(THERE, id), next);
    expect(await materialsOf(here, id)).toEqual(['CURRENT IMPORTED', 'PENDING_ROTATION IMPORTED']);
    expect(await rotate(there)).toBe('UnsupportedOperationException');
    expect(await rotate(here)).toBe('ok');
    const rotated = ['NON_CURRENT IMPORTED', 'CURRENT IMPORTED'];
    expect([await materialsOf(here, id), await materialsOf(there, id)]).toEqual([rotated, rotated]);
    const { CurrentKeyMaterialId } = (await metadataOf(there, id)) ?? {};
    expect(CurrentKeyMaterialId).toBe((await metadataOf(here, id))?.CurrentKeyMaterialId);
  });

  it('loses waiting material in every Region with its primary, and current material in one Region alone', async () => {
    const { id } = await importedInBoth();
    const next = randomBytes(32);
    const KeyMaterialId = await importMaterial(here, id, next, { ...forever, ImportType: 'NEW_KEY_MATERIAL' });
    await importMaterial(there, arnOf(THERE, id), next);
    await here.send(new DeleteImportedKeyMaterialCommand({ KeyId: id, KeyMaterialId }));
    expect(await materialsOf(there, id)).toEqual(['CURRENT IMPORTED']);
    await there.send(new DeleteImportedKeyMaterialCommand({ KeyId: id }));
    expect([await stateOf(here, id), await stateOf(there, id)]).toEqual(['Enabled', 'PendingImport']);
  });

  it('has a replica that is Creating for a while', async () => {
    const id = await primaryKey();
    aws.faults.multiRegionDelay = 5000;
    await replicate(id);
    const encrypt = () => outcome(there.send(new EncryptCommand({ KeyId: id, Plaintext: Buffer.from('x') })));
    expect([await stateOf(there, id), await encrypt()]).toEqual(['Creating', 'KMSInvalidStateException']);
    aws.clock.advance(5000);
    expect([await stateOf(there, id), await encrypt()]).toEqual(['Enabled', 'ok']);
  });
});

describe('refuses', () => {
  it('a second replica in a Region, and replicas of what is no primary', async () => {
    const id = await primaryKey();
    await replicate(id);
    expect(await outcome(replicate(id))).toBe('AlreadyExistsException');
    const ofReplica = there.send(new ReplicateKeyCommand({ KeyId: id, ReplicaRegion: THIRD }));
    expect(await outcome(ofReplica)).toBe('UnsupportedOperationException');
    const { KeyMetadata } = await here.send(new CreateKeyCommand({}));
    expect(await outcome(replicate(KeyMetadata?.KeyId ?? ''))).toBe('UnsupportedOperationException');
    await here.send(new DisableKeyCommand({ KeyId: id }));
    expect(await outcome(replicate(id, { ReplicaRegion: THIRD }))).toBe('DisabledException');
  });

  it('to make a primary of what is none, or while one of the keys is not enabled', async () => {
    const id = await primaryKey('EXTERNAL');
    await importMaterial(here, id, randomBytes(32));
    const update = (kms: KMSClient, PrimaryRegion: string) =>
      outcome(kms.send(new UpdatePrimaryRegionCommand({ KeyId: id, PrimaryRegion })));
    expect(await update(here, THERE)).toBe('NotFoundException');
    await replicate(id);
    expect(await update(here, THERE)).toBe('KMSInvalidStateException');
    expect(await update(there, THERE)).not.toBe('ok');
    expect(await update(here, HERE)).toBe('ValidationException');
  });
});

it('changes its primary Region, and is Updating for a while', async () => {
  const id = await primaryKey();
  await replicate(id);
  aws.faults.multiRegionDelay = 5000;
  await here.send(new UpdatePrimaryRegionCommand({ KeyId: id, PrimaryRegion: THERE }));
  expect([await stateOf(here, id), await stateOf(there, id)]).toEqual(['Updating', 'Updating']);
  expect(await outcome(here.send(new EncryptCommand({ KeyId: id, Plaintext: Buffer.from('x') })))).toBe('ok');
  expect(await outcome(there.send(new DisableKeyCommand({ KeyId: id })))).toBe('KMSInvalidStateException');
  aws.clock.advance(5000);
  expect(await metadataOf(here, id)).toMatchObject({
    KeyState: 'Enabled',
    MultiRegionConfiguration: { MultiRegionKeyType: 'REPLICA', PrimaryKey: { Region: THERE } },
  });
});

describe('the deletion of a primary key', () => {
  const schedule = (kms: KMSClient, KeyId: string, PendingWindowInDays: number) =>
    kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays }));

  it('waits for its replicas, and takes its own time after the last', async () => {
    const id = await primaryKey();
    await replicate(id);
    const { CiphertextBlob } = await here.send(new EncryptCommand({ KeyId: id, Plaintext: Buffer.from('x') }));
    const scheduled = await schedule(here, id, 10);
    expect(scheduled).toMatchObject({ KeyState: 'PendingReplicaDeletion', PendingWindowInDays: 10 });
    expect(scheduled.DeletionDate).toBeUndefined();
    aws.clock.advance(400 * DAY);
    expect(await metadataOf(here, id)).toMatchObject({
      KeyState: 'PendingReplicaDeletion',
      PendingDeletionWindowInDays: 10,
    });
    await schedule(there, id, 7);
    aws.clock.advance(8 * DAY);
    expect(await outcome(metadataOf(there, id))).toBe('NotFoundException');
    const last = await metadataOf(here, id);
    expect(last).toMatchObject({ KeyState: 'PendingDeletion', MultiRegionConfiguration: { ReplicaKeys: [] } });
    await here.send(new CancelKeyDeletionCommand({ KeyId: id }));
    await here.send(new EnableKeyCommand({ KeyId: id }));
    // KMS's own material is shared by the related keys: the deletion of a replica leaves it.
    expect(await outcome(here.send(new DecryptCommand({ CiphertextBlob })))).toBe('ok');
    await schedule(here, id, 7);
    aws.clock.advance(8 * DAY);
    expect(await outcome(metadataOf(here, id))).toBe('NotFoundException');
  });
});
