import { KMSClient, UpdateAliasCommand } from '@aws-sdk/client-kms';
import { encodedBy } from '../stacks/synthesized';
import type { StackBody } from './review-stage';
import type { Stage } from './stacks-stage';

/** The rotation file of every recorded plan, with what else it is given. */
export const rotationFile = (versions: readonly string[], active: string, more = ''): string => `name: payroll
region: ap-northeast-1
account: "123456789012"
alias: alias/payroll
keyVersions:
${versions.map((version) => `  - ${version}`).join('\n')}
activeVersion: ${active}
buckets:
  - name: payroll.data
    manage: bucket
  - name: payroll-legacy
    manage: encryption
reencrypt: { engine: batch, batch: { bucket: payroll-jobs } }
evidence: { bucket: { name: payroll-evidence, retention: { mode: COMPLIANCE, days: 400 } } }
${more}`;

export const TWO = rotationFile(['name: v1', 'name: v2'], 'v1');
export const SWITCHED = rotationFile(['name: v1', 'name: v2'], 'v2');
/** Material that somebody wrote into a stack. */
export const MATERIAL = Buffer.alloc(32, 7).toString('base64');

/** A state of AWS and Terraform in which plans are made. */
export type Era = 'declared' | 'applied' | 'switched' | 'changed by hand';

/** One plan: of which stack, when, and what somebody changed in the stack by hand before. */
export interface Scene {
  readonly era: Era;
  readonly rotation: string;
  readonly stack: 'keys' | 'storage';
  readonly change?: (stack: StackBody) => void;
  readonly args?: readonly string[];
}

/** What brings each era about, from the one before it. */
export const ERAS: Readonly<Record<Era, (on: Stage) => Promise<void>>> = {
  async declared(on) {
    await on.createBucket('payroll-legacy');
    await apply(on, TWO, 'keys');
    for (const version of ['v1', 'v2']) await on.importMaterial(`alias/payroll/${version}`);
  },
  applied: (on) => apply(on, TWO, 'storage'),
  switched: (on) => apply(on, SWITCHED, 'storage'),
  async 'changed by hand'(on) {
    const { KeyId } = await on.key('alias/payroll/v1');
    const kms = new KMSClient({ endpoint: on.aws.url, region: on.aws.region, credentials: on.aws.accessKey });
    await kms.send(new UpdateAliasCommand({ AliasName: 'alias/payroll', TargetKeyId: KeyId }));
    kms.destroy();
    await on.disable('alias/payroll/v2');
  },
};

async function apply(on: Stage, rotation: string, stack: Scene['stack']): Promise<void> {
  const terraform = await on.terraform();
  await terraform.apply(await terraform.plan((await on.declare(rotation))[stack]));
}

const DEFAULT = 'aws_s3_bucket_server_side_encryption_configuration';

/** A resource of a stack that is about to be changed. */
function of(stack: StackBody, type: string, name: string): Record<string, unknown> {
  const found = stack.resource[type]?.[name];
  if (!found) throw new Error(`no ${type}.${name}`);
  return found;
}

const unguard = (stack: StackBody): void => {
  for (const all of Object.values(stack.resource)) for (const one of Object.values(all)) delete one.lifecycle;
};

const keys = { era: 'declared', rotation: TWO, stack: 'keys' } as const;
const storage = { era: 'applied', rotation: TWO, stack: 'storage' } as const;

/** Every plan that the rules are tried on, by its name. */
export const SCENES = {
  'first storage': { ...storage, era: 'declared' },
  'unchanged keys': keys,
  'one target': { ...keys, args: ['-target=aws_kms_external_key.version_v1'] },
  'replaced key': {
    ...keys,
    change(stack) {
      unguard(stack);
      of(stack, 'aws_kms_external_key', 'version_v1').valid_to = '2027-01-01T00:00:00Z';
      of(stack, 'aws_kms_external_key', 'version_v2').key_material_base64 = MATERIAL;
    },
  },
  'weakened keys': {
    ...keys,
    change(stack) {
      const v1 = of(stack, 'aws_kms_external_key', 'version_v1');
      v1.enabled = false;
      v1.deletion_window_in_days = 7;
      v1.bypass_policy_lockout_safety_check = true;
      const policy = encodedBy(v1.policy) as unknown as { Statement: unknown[] };
      const stranger = { AWS: 'arn:aws:iam::999988887777:root' };
      policy.Statement.push({ Effect: 'Allow', Principal: stranger, Action: 'kms:*', Resource: '*' });
      v1.policy = JSON.stringify(policy);
      delete stack.resource.aws_kms_external_key?.version_v2;
      delete stack.resource.aws_kms_alias?.version_v2;
      delete stack.output.key_arn_v2;
      stack.removed = [{ from: 'aws_kms_external_key.version_v2', lifecycle: { destroy: false } }];
      stack.resource.aws_s3_bucket = { elsewhere: { bucket: 'not-of-this-rotation' } };
      stack.data = { ...stack.data, aws_region: { current: {} } };
      Object.assign(stack.provider.aws[0] ?? {}, { max_retries: 1 });
    },
  },
  'disabled key': {
    ...keys,
    change(stack) {
      of(stack, 'aws_kms_external_key', 'version_v1').enabled = false;
    },
  },
  'weakened buckets': {
    ...storage,
    change(stack) {
      const undeclared = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-000000000000';
      of(stack, 'aws_kms_alias', 'main').target_key_id = undeclared;
      of(stack, DEFAULT, 'bucket_payroll_data').rule = [
        { apply_server_side_encryption_by_default: { sse_algorithm: 'AES256' } },
      ];
      of(stack, DEFAULT, 'bucket_payroll-legacy').rule = [
        {
          apply_server_side_encryption_by_default: { sse_algorithm: 'aws:kms', kms_master_key_id: 'alias/payroll' },
          bucket_key_enabled: false,
        },
      ];
      of(stack, 'aws_s3_bucket_versioning', 'bucket_payroll_data').versioning_configuration = { status: 'Suspended' };
      of(stack, 'aws_s3_bucket_public_access_block', 'bucket_payroll_data').block_public_policy = false;
    },
  },
  'weakened role and evidence': {
    ...storage,
    change(stack) {
      const role = of(stack, 'aws_iam_role', 'batch');
      const trust = encodedBy(role.assume_role_policy) as unknown as { Statement: Record<string, unknown>[] };
      Object.assign(trust.Statement[0] ?? {}, { Principal: { AWS: '*' } });
      role.assume_role_policy = JSON.stringify(trust);
      const policy = of(stack, 'aws_iam_role_policy', 'batch');
      const allowed = encodedBy(policy.policy) as unknown as { Statement: unknown[] };
      allowed.Statement.push(
        { Effect: 'Allow', Action: ['s3:DeleteObject'], Resource: 'arn:aws:s3:::payroll.data/*' },
        { Effect: 'Allow', NotAction: 'iam:*', Resource: '*' },
      );
      policy.policy = JSON.stringify(allowed);
      of(stack, 'aws_s3_bucket_object_lock_configuration', 'evidence').rule = {
        default_retention: { mode: 'GOVERNANCE', days: 30 },
      };
      of(stack, DEFAULT, 'evidence').rule = [{ apply_server_side_encryption_by_default: { sse_algorithm: 'aws:kms' } }];
      const reader = { AWS: 'arn:aws:iam::999988887777:root' };
      const Resource = 'arn:aws:s3:::payroll-jobs/*';
      of(stack, 'aws_s3_bucket_policy', 'batch').policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: reader, Action: 's3:GetObject', Resource }],
      });
      of(stack, 'aws_s3_bucket_public_access_block', 'batch').restrict_public_buckets = false;
    },
  },
  'bucket let go': {
    ...storage,
    change(stack) {
      for (const [type, all] of Object.entries(stack.resource)) {
        delete all.bucket_payroll_data;
        if (Object.keys(all).length === 0) delete stack.resource[type];
      }
      stack.resource.aws_kms_external_key = { another: {} };
      of(stack, 'aws_kms_alias', 'main').target_key_id = ['$', '{aws_kms_external_key.another.arn}'].join('');
    },
  },
  switch: { ...storage, rotation: SWITCHED },
  'way back': { ...storage, era: 'switched' },
  'unguarded switch': { ...storage, era: 'changed by hand', rotation: SWITCHED, change: unguard },
} satisfies Readonly<Record<string, Scene>>;

export type SceneName = keyof typeof SCENES;
export const SCENE_NAMES = Object.keys(SCENES) as readonly SceneName[];
