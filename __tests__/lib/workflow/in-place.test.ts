import { randomBytes } from 'node:crypto';
import {
  CreateAliasCommand,
  DeleteImportedKeyMaterialCommand,
  type KMSClient,
  ReplicateKeyCommand,
  RotateKeyOnDemandCommand,
} from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { S3ControlClient } from '@aws-sdk/client-s3-control';
import { STSClient } from '@aws-sdk/client-sts';
import type { KeyMaterialEntry } from '../../../lib/kms/key-materials';
import { observeVersions } from '../../../lib/observation/observe';
import { materialDescription, observeMaterials } from '../../../lib/observation/observed-materials';
import { parseRotation } from '../../../lib/rotation/rotation-file';
import { createSdkStore } from '../../../lib/s3/sdk-store';
import { flow, flowFor, flowInPlace, stepsOf } from '../../../lib/workflow';
import { importMaterialInPlace, nextImport } from '../../../lib/workflow/in-place/import-next-material';
import { CONSEQUENCES, rotateMaterial } from '../../../lib/workflow/in-place/rotate-material';
import { waitingVersions } from '../../../lib/workflow/material/lost-material';
import type { RotationRun } from '../../../lib/workflow/rotation-run';
import { status } from '../../../lib/workflow/rotation-status';
import type { LocalAws } from '../../../local-aws';
import { createExternalKey, importMaterial, kmsClient } from '../../conformance/byok';
import { startTestAws } from '../../support/embedded-aws';

const DAY = 86_400_000;
jest.setTimeout(120_000);

let aws: LocalAws;
let kms: KMSClient;

beforeAll(async () => {
  aws = await startTestAws({ regions: ['us-east-1'] });
  kms = kmsClient(aws);
});
afterEach(() => {
  aws.faults.rotationDelay = 0;
});
afterAll(async () => {
  kms.destroy();
  await aws.close();
});

let names = 0;

/** A rotation in place over a key of its own, with the material of its first versions imported and rotated into use. */
async function site(versions: number, active: number, isMultiRegion = false) {
  names += 1;
  const name = `photos-${names}`;
  const list = Array.from(
    { length: versions },
    (_, index) => `{ name: v${index + 1}, custodyWaiver: imported by the test itself }`,
  );
  const rotation = await parseRotation(
    `name: ${name}
region: ${aws.region}
strategy: in-place
alias: alias/${name}
keyVersions: [${list.join(', ')}]
activeVersion: v${active}
buckets: [{ name: photos-bucket, manage: bucket }]
`,
    '/somewhere/rotation.yaml',
    { now: new Date() },
  );
  const key = await createExternalKey(kms, isMultiRegion);
  await kms.send(new CreateAliasCommand({ AliasName: `alias/${name}/v1`, TargetKeyId: key.id }));
  const bring = (version: string, described = true) =>
    importMaterial(kms, key.id, randomBytes(32), {
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      ImportType: 'NEW_KEY_MATERIAL',
      ...(described ? { KeyMaterialDescription: materialDescription(rotation, { name: version }) } : {}),
    });
  const said: string[] = [];
  const asked: string[] = [];
  const unused = (what: string) => () => {
    throw new Error(`a rotation in place has no use for ${what}`);
  };
  const client = { endpoint: aws.url, region: aws.region, credentials: aws.accessKey };
  const s3 = new S3Client(client);
  const run: RotationRun = {
    rotation,
    clients: {
      kms,
      s3,
      s3Control: new S3ControlClient(client),
      sts: new STSClient(client),
      cloudTrail: unused('CloudTrail'),
      iam: unused('IAM'),
      region: aws.region,
      as: unused('another role'),
      destroy: () => undefined,
    },
    identity: { account: aws.accountId, arn: '', userId: '' },
    store: createSdkStore(s3),
    workspace: {
      plan: unused('Terraform'),
      apply: unused('Terraform'),
      declared: unused('Terraform'),
      managed: unused('Terraform'),
    },
    custodian: unused('custody'),
    material: { source: { kind: 'generate' }, identityFile: undefined },
    reencrypt: {
      concurrency: undefined,
      maxRps: undefined,
      optimistic: false,
      relistDelayMs: 0,
      abortUploadsOlderThanMs: undefined,
      waitForUploadsMs: 0,
      readAll: false,
      engine: undefined,
      confirm: false,
      newJob: false,
    },
    files: undefined,
    evidence: { file: undefined, record: async () => undefined },
    reporter: {
      heading: (text) => said.push(text),
      note: (text) => said.push(text),
      warn: (text) => said.push(text),
      block: (text) => said.push(text),
      progress: () => undefined,
    },
    signal: new AbortController().signal,
    dryRun: false,
    approve: async (question) => {
      asked.push(question);
    },
    ask: async () => false,
  };
  const rotate = () => kms.send(new RotateKeyOnDemandCommand({ KeyId: key.id }));
  const remove = (material: string) =>
    kms.send(new DeleteImportedKeyMaterialCommand({ KeyId: key.id, KeyMaterialId: material }));
  return { run, key, bring, rotate, remove, said, asked };
}

describe('rotating the material into use', () => {
  it('says the consequences before the first rotation alone, and which of the 25 each one is', async () => {
    const { run, bring, said, asked } = await site(3, 2);
    await bring('v1');
    await bring('v2');
    expect(await rotateMaterial.run(run, {})).toMatchObject({ outcome: 'changed' });
    await bring('v3');
    await rotateMaterial.run({ ...run, rotation: { ...run.rotation, activeVersion: 'v3' } }, {});
    expect(said.filter((text) => text === CONSEQUENCES)).toHaveLength(1);
    expect(asked.map((question) => /\((rotation \d+ of 25)/.exec(question)?.[1])).toEqual([
      'rotation 1 of 25',
      'rotation 2 of 25',
    ]);
  });

  it('refuses material that custody is not known to hold, though its description is ours', async () => {
    const { run, bring, asked } = await site(2, 2);
    await bring('v1');
    await bring('v2');
    const keyVersions = run.rotation.keyVersions.map((one) => ({ ...one, custodyWaiver: undefined }));
    const unwaived = { ...run, rotation: { ...run.rotation, keyVersions } };
    await expect(rotateMaterial.run(unwaived, {})).rejects.toMatchObject({ code: 'custody-not-proven', exitCode: 4 });
    expect(asked).toEqual([]);
    expect((await observeMaterials(run)).rotations).toBe(0);
  });

  it('refuses when other material is pending by the time that a person has answered', async () => {
    const { run, bring, remove } = await site(2, 2);
    await bring('v1');
    const first = await bring('v2');
    const approve = async () => {
      await remove(first);
      await bring('v2', false);
    };
    await expect(rotateMaterial.run({ ...run, approve }, {})).rejects.toMatchObject({ code: 'material-not-ready' });
    expect((await observeMaterials(run)).rotations).toBe(0);
  });

  it('changes nothing when the person says no', async () => {
    const { run, bring } = await site(2, 2);
    await bring('v1');
    await bring('v2');
    const approve = () => Promise.reject(new Error('no'));
    await expect(rotateMaterial.run({ ...run, approve }, {})).rejects.toThrow('no');
    expect(await rotateMaterial.check(run)).toMatchObject({ state: 'ready' });
  });

  it('waits out a rotation that takes its time, its own or another run’s', async () => {
    const { run, bring } = await site(2, 2);
    await bring('v1');
    await bring('v2');
    aws.faults.rotationDelay = 60_000;
    let begun = 0;
    // The time passes once both have asked KMS, so that the second one meets the first one's rotation under way.
    const unhook = aws.requests.hook({
      async after({ operation }) {
        if (operation !== 'RotateKeyOnDemand') return undefined;
        begun += 1;
        if (begun === 2) aws.clock.advance(60_000);
        return undefined;
      },
    });
    const both = await Promise.all([rotateMaterial.run(run, {}), rotateMaterial.run(run, {})]);
    unhook();
    expect(both.map(({ outcome }) => outcome)).toEqual(['changed', 'changed']);
    expect((await observeMaterials(run)).rotations).toBe(1);
  });

  it('refuses the 26th material, before KMS is asked, and by KMS’s own word', async () => {
    const { run, bring, rotate } = await site(26, 26);
    await bring('v1');
    for (let version = 2; version <= 26; version += 1) {
      await bring(`v${version}`);
      // The command proves each rotation, which takes longer the more there are; the last two are enough of that.
      if (version <= 24) await rotate();
      else await rotateMaterial.run({ ...run, rotation: { ...run.rotation, activeVersion: `v${version}` } }, {});
    }
    expect(await rotateMaterial.check(run)).toMatchObject({ summary: expect.stringContaining('25 of 25') });
    await bring('v27');
    const beyond = {
      ...run.rotation,
      keyVersions: [...run.rotation.keyVersions, version('v27')],
      activeVersion: 'v27',
    };
    await expect(rotateMaterial.run({ ...run, rotation: beyond }, {})).rejects.toMatchObject({
      code: 'rotation-budget-spent',
      exitCode: 4,
    });
  });

  it.each([
    ['a version without material', 3, 3, 'material-not-ready'],
    ['a version that the key has gone past', 2, 1, 'rotation-only-forward'],
  ])('refuses %s', async (_what, versions, active, code) => {
    const { run, bring } = await site(versions, active);
    await bring('v1');
    await bring('v2');
    if (active === 1) await rotateMaterial.run({ ...run, rotation: { ...run.rotation, activeVersion: 'v2' } }, {});
    await expect(rotateMaterial.run(run, {})).rejects.toMatchObject({ code, exitCode: 4 });
    expect(await rotateMaterial.check(run)).toMatchObject({ state: 'blocked' });
  });

  it('knows the first material of a rotation that began with strategy new-key, which described none', async () => {
    const { run, bring } = await site(2, 1);
    const id = await bring('v1', false);
    await bring('v2');
    const { versions } = await observeMaterials(run);
    expect(versions.map(({ material }) => [material?.id === id, material?.state])).toEqual([
      [true, 'CURRENT'],
      [false, 'PENDING_ROTATION'],
    ]);
  });
});

it('shows each version as a material of the one key, and what points at the key as the current one', async () => {
  const { run, bring } = await site(3, 2);
  const key = await observeMaterials(run);
  await bring('v1');
  await bring('v2');
  await rotateMaterial.run(run, {});
  await kms.send(new CreateAliasCommand({ AliasName: run.rotation.alias, TargetKeyId: key.key?.id }));
  const seen = await status(run);
  expect(seen.versions.map(({ name, role, keyState, material }) => [name, role, keyState, material])).toEqual([
    ['v1', 'superseded', 'Enabled', 'NON_CURRENT'],
    ['v2', 'active', 'Enabled', 'CURRENT'],
    ['v3', 'next', 'Enabled', 'not imported'],
  ]);
  expect(seen.alias.pointsAt).toBe('v2');
  expect(seen.next).toMatchObject({ step: 'import-material', command: 'npx keyturn pre-apply' });
});

describe('the next import', () => {
  const entry = (state: string, imported = true): KeyMaterialEntry => ({
    id: 'f'.repeat(64),
    state,
    imported,
    description: undefined,
    validTo: undefined,
    rotatedAt: undefined,
  });
  const sight = (...materials: (KeyMaterialEntry | undefined)[]) => ({
    versions: materials.map((material, index) => ({ version: version(`v${index + 1}`), material })),
  });
  const nameOf = (found: ReturnType<typeof nextImport>) => found?.version.name;

  it.each([
    ['the first into an empty key', sight(undefined, undefined), 'v1'],
    ['the one after the current one', sight(entry('CURRENT'), undefined, undefined), 'v2'],
    ['none while one waits to be rotated', sight(entry('CURRENT'), entry('PENDING_ROTATION'), undefined), undefined],
    ['none when all are there', sight(entry('NON_CURRENT'), entry('CURRENT')), undefined],
    ['a lost one before a new one', sight(entry('NON_CURRENT', false), entry('CURRENT'), undefined), 'v1'],
    ['a lost one that waited', sight(entry('CURRENT'), entry('PENDING_ROTATION', false), undefined), 'v2'],
  ])('is %s', (_what, seen, expected) => {
    expect(nameOf(nextImport(seen, new Date()))).toBe(expected);
  });

  it('is none of a version whose declared date has passed: KMS would refuse it', () => {
    const past = { ...version('v1'), materialValidTo: new Date(Date.now() - DAY) };
    expect(
      nextImport({ versions: [{ version: past, material: entry('CURRENT', false) }] }, new Date()),
    ).toBeUndefined();
  });

  it('hides no version whose date has passed for a machine that is ahead, and not for AWS', async () => {
    const dated = { ...version('v2'), materialValidTo: new Date(Date.now() - DAY) };
    const byAws = new Date(Date.now() - 2 * DAY);
    expect(nameOf(nextImport({ versions: [{ version: dated, material: undefined }] }, byAws))).toBe('v2');
    const { run } = await site(1, 1);
    const client = kmsClient(aws);
    client.config.systemClockOffset = -2 * DAY;
    const waits = (await observeVersions(run)).map((one) => ({ ...one, version: dated }));
    const clients = { ...run.clients, kms: client };
    expect(waitingVersions({ rotation: run.rotation, clients }, waits)).toEqual(waits);
    expect(waitingVersions(run, waits)).toEqual([]);
  });

  it('goes past a version whose date passed before it had any material', () => {
    const never = { version: { ...version('v2'), materialValidTo: new Date(Date.now() - DAY) }, material: undefined };
    const first = { version: version('v1'), material: entry('CURRENT') };
    const versions = [first, never, { version: version('v3'), material: undefined }];
    expect(nameOf(nextImport({ versions }, new Date()))).toBe('v3');
  });
});

it('has one more step than a rotation by new keys, in the same order', () => {
  const ids = flowInPlace.map(({ id }) => id);
  expect(ids.filter((id) => id !== 'rotate-material')).toEqual(flow.map(({ id }) => id));
  expect(flowFor({ strategy: 'in-place' })).toBe(flowInPlace);
  expect(stepsOf({ strategy: 'new-key' }, ['rotate-material', 'record']).map(({ id }) => id)).toEqual(['record']);
});

function version(name: string) {
  return { name, materialValidTo: undefined, keyArn: undefined, disabled: false };
}

it('refuses new material for a multi-Region key with keys in other Regions, which KMS would not rotate', async () => {
  const { run, key, bring } = await site(2, 1, true);
  await bring('v1');
  expect(await importMaterialInPlace.check(run)).toMatchObject({ state: 'ready' });
  await kms.send(new ReplicateKeyCommand({ KeyId: key.id, ReplicaRegion: 'us-east-1' }));
  const replica = key.arn.replace(aws.region, 'us-east-1');
  expect(await importMaterialInPlace.check(run)).toMatchObject({
    state: 'blocked',
    summary: expect.stringContaining(replica),
  });
  await expect(importMaterialInPlace.run(run, {})).rejects.toMatchObject({ code: 'related-keys-in-place' });
});
