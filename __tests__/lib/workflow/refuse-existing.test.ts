import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { openEvidence } from '../../../lib/evidence/evidence';
import { parseRotation } from '../../../lib/rotation/rotation-file';
import type { StackPlan, StackRole } from '../../../lib/terraform/workspace';
import { declareKeys } from '../../../lib/workflow/declare-keys';
import type { TerraformRun } from '../../../lib/workflow/rotation-run';
import { switchActive } from '../../../lib/workflow/switch-active';
import { startEndpoint, type TestEndpoint } from '../aws/endpoint';

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await startEndpoint();
});
afterAll(() => endpoint.close());

let names = 0;

/** A rotation whose Terraform is a plan of the test's own, and a record of what was applied. */
async function site(creates: Readonly<Record<string, string>>, inState: readonly string[] = []) {
  names += 1;
  const name = `photos-${names}`;
  const { kms, s3 } = endpoint.clients;
  const text = `name: ${name}
region: ${endpoint.clients.region}
alias: alias/${name}
keyVersions: [{ name: v1 }]
activeVersion: v1
buckets: [{ name: ${name}-bucket, manage: bucket }]
`;
  const rotation = await parseRotation(text, '/somewhere/rotation.yaml', { now: new Date() });
  const applied: string[] = [];
  const planOf = (stack: StackRole): StackPlan => ({
    stack,
    planFile: 'plan',
    changes: true,
    text: 'the plan',
    tools: { terraform: 'Terraform 1.11.4', awsProvider: '5.100.0' },
    summary: {
      outputs: [],
      resources: Object.entries(creates).map(([address, value]) => ({
        address,
        type: address.split('.')[0] ?? '',
        action: 'create',
        attributes: [
          {
            path: address.startsWith('aws_s3_bucket') ? 'bucket' : 'name',
            before: { known: true, value: null },
            after: { known: true, value },
            forcesReplace: false,
          },
        ],
      })),
    },
  });
  const run: TerraformRun = {
    rotation,
    clients: endpoint.clients,
    identity: { account: endpoint.aws.accountId, arn: '', userId: '' },
    signal: new AbortController().signal,
    dryRun: false,
    custodian: () => Promise.reject(new Error('nobody asks custody here')),
    approve: async () => undefined,
    evidence: { file: undefined, record: async () => undefined },
    reporter: {
      heading: () => undefined,
      note: () => undefined,
      warn: () => undefined,
      block: () => undefined,
      progress: () => undefined,
    },
    workspace: {
      plan: async (stack) => planOf(stack),
      apply: async ({ stack }) => {
        applied.push(stack);
      },
      declared: async (stack) =>
        stack === 'storage'
          ? [
              { address: 'aws_kms_alias.main', kind: 'alias', name: `alias/${name}` },
              { address: `aws_s3_bucket.bucket_${name}-bucket`, kind: 'bucket', name: `${name}-bucket` },
            ]
          : [],
      managed: async () => new Set(inState),
    },
  };
  const key = async (alias: string) => {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
    await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: KeyMetadata?.KeyId }));
    return KeyMetadata?.Arn ?? '';
  };
  return {
    name,
    run,
    applied,
    key,
    schedule: (arn: string) => kms.send(new ScheduleKeyDeletionCommand({ KeyId: arn, PendingWindowInDays: 7 })),
    disable: (arn: string) => kms.send(new DisableKeyCommand({ KeyId: arn })),
    bucket: () =>
      s3.send(
        new CreateBucketCommand({
          Bucket: `${name}-bucket`,
          CreateBucketConfiguration: { LocationConstraint: endpoint.clients.region as 'eu-west-1' },
        }),
      ),
  };
}

const KEY = 'aws_kms_external_key.version_v1';

describe('a plan of the keys stack that creates the key of v1', () => {
  it.each(['PendingImport', 'PendingDeletion'])('is refused while its alias names a key that is %s', async (state) => {
    const on = await site({ [KEY]: '' });
    const arn = await on.key(`alias/${on.name}/v1`);
    if (state === 'PendingDeletion') await on.schedule(arn);
    const refused = await declareKeys.run(on.run, {}).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'resource-exists', exitCode: 4 });
    const { message, hint } = refused as { message: string; hint: string };
    expect(message).toContain(`alias/${on.name}/v1 names key ${arn} already (${state}`);
    expect(hint).toContain(`terraform -chdir=cdktf.out/stacks/${on.name}-keys import ${KEY} ${arn.split('/').at(-1)}`);
    expect(hint.includes(`aws kms cancel-key-deletion --key-id ${arn}`)).toBe(state === 'PendingDeletion');
    expect(on.applied).toEqual([]);
  });

  it('is refused where the binding knows the key of the version, whatever became of its alias', async () => {
    const on = await site({ [KEY]: '' });
    const keyArn = await on.key(`alias/${on.name}-elsewhere`);
    const bound = {
      name: 'v1',
      keyArn,
      keyMaterialId: null,
      materialValidTo: null,
      recipients: [],
      custodyRecordSha256: null,
    };
    const run = { ...on.run, rotation: { ...on.run.rotation, binding: [bound] } };
    await expect(declareKeys.run(run, {})).rejects.toMatchObject({
      code: 'resource-exists',
      message: expect.stringContaining(`version v1 is key ${keyArn} already`),
      hint: expect.stringContaining(`\`keyArn: ${keyArn}\` if objects move away`),
    });
    expect(on.applied).toEqual([]);
  });

  it('is refused where the evidence knows the adopted key whose keyArn was taken out of the file', async () => {
    const on = await site({ [KEY]: '' });
    const keyArn = await on.key(`alias/${on.name}-elsewhere`);
    const folder = await mkdtemp(path.join(tmpdir(), 'keyturn-refused-'));
    const evidence = await openEvidence({
      directory: path.join(folder, '.keyturn', 'evidence'),
      command: 'rotate',
      rotation: on.name,
    });
    const { region } = endpoint.clients;
    await evidence.record('run', 'begin', { rotation: on.name, region, identity: on.run.identity });
    await evidence.record('state', 'begin', { versions: [{ name: 'v1', keyArn }] });
    await evidence.close('finished');
    const run = { ...on.run, rotation: { ...on.run.rotation, file: path.join(folder, 'rotation.yaml') } };
    await expect(declareKeys.run(run, {})).rejects.toMatchObject({
      code: 'resource-exists',
      hint: expect.stringContaining(`\`keyArn: ${keyArn}\``),
    });
    await rm(folder, { recursive: true });
  });

  it('is applied while no key stands behind the alias', async () => {
    const on = await site({ [KEY]: '' });
    await declareKeys.run(on.run, {});
    expect(on.applied).toEqual(['keys']);
  });

  it('is refused for a version alias that is left over', async () => {
    const on = await site({ 'aws_kms_alias.version_v1': 'alias/left-over/v1' });
    await on.key('alias/left-over/v1');
    await expect(declareKeys.run(on.run, {})).rejects.toMatchObject({
      code: 'resource-exists',
      hint: expect.stringContaining('import aws_kms_alias.version_v1 alias/left-over/v1'),
    });
  });
});

describe('what the storage stack will create, before the keys stack is applied', () => {
  it('is refused as a whole: the alias and the bucket, each with its command', async () => {
    const on = await site({ [KEY]: '' });
    await on.key(`alias/${on.name}`);
    await on.bucket();
    await expect(declareKeys.run(on.run, {})).rejects.toMatchObject({
      code: 'resource-exists',
      facts: {
        stack: 'storage',
        found: [{ address: 'aws_kms_alias.main' }, { address: `aws_s3_bucket.bucket_${on.name}-bucket` }],
      },
      hint: expect.stringMatching(
        // Terraform cannot import into a stack that reads a key which is not there yet.
        new RegExp(
          `first .npx cdktf deploy ${on.name}-keys. and .*-storage import aws_kms_alias.main alias/${on.name}`,
        ),
      ),
    });
    expect(on.applied).toEqual([]);
  });

  it('is no fault once the state holds it', async () => {
    const on = await site({ [KEY]: '' }, ['aws_kms_alias.main']);
    await on.key(`alias/${on.name}`);
    await declareKeys.run(on.run, {});
    expect(on.applied).toEqual(['keys']);
  });
});

it('refuses a plan of the storage stack that creates an alias which exists', async () => {
  const on = await site({ 'aws_kms_alias.main': 'alias/by-hand' });
  await on.key('alias/by-hand');
  await expect(switchActive.run(on.run, {})).rejects.toMatchObject({
    code: 'resource-exists',
    hint: expect.not.stringContaining('cdktf deploy'),
  });
  expect(on.applied).toEqual([]);
});
