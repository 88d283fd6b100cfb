import { KMSClient, UpdateAliasCommand } from '@aws-sdk/client-kms';
import { plain } from '../../lib/review/review-messages';
import { reviewRules } from '../../lib/review/rules';
import type { StackDirectory } from '../../lib/terraform/synthesize';
import { encodedBy } from '../stacks/synthesized';
import { planChanged, type RealPlan, reviewReal, rulesIn, type StackBody } from './review-stage';
import { type Stage, stage } from './stacks-stage';

const rotationFile = (versions: readonly string[], active: string, more = ''): string => `name: payroll
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

const TWO = rotationFile(['name: v1', 'name: v2'], 'v1');
const SWITCHED = rotationFile(['name: v1', 'name: v2'], 'v2');
const DEFAULT = 'aws_s3_bucket_server_side_encryption_configuration';
const MINUTES = 300_000;

/** A resource of a stack that is about to be changed. */
function of(stack: StackBody, type: string, name: string): Record<string, unknown> {
  const found = stack.resource[type]?.[name];
  if (!found) throw new Error(`no ${type}.${name}`);
  return found;
}

const unguard = (stack: StackBody): void => {
  for (const all of Object.values(stack.resource)) for (const one of Object.values(all)) delete one.lifecycle;
};

describe('every rule, on plans of real Terraform', () => {
  let on: Stage;
  let keys: StackDirectory;
  let storage: StackDirectory;
  let first: RealPlan;
  const fired = new Set<string>();

  const review = async (rotation: string, plans: readonly RealPlan[], more: Parameters<typeof reviewReal>[2] = {}) => {
    const found = await reviewReal(rotation, plans, more);
    for (const rule of rulesIn(found)) fired.add(rule);
    return found;
  };
  const message = ({ findings }: Awaited<ReturnType<typeof review>>, rule: string) =>
    findings.filter((one) => one.rule === rule).map((one) => plain(one.message));

  beforeAll(async () => {
    on = await stage();
    await on.createBucket('payroll-legacy');
    ({ keys, storage } = await on.declare(TWO));
    const terraform = await on.terraform();
    await terraform.apply(await terraform.plan(keys));
    await on.importMaterial('alias/payroll/v1');
    await on.importMaterial('alias/payroll/v2');
    const plan = await terraform.plan(storage);
    first = await planChanged(on, storage);
    await terraform.apply(plan);
  }, MINUTES);
  afterAll(async () => on[Symbol.asyncDispose]());

  it(
    'refuses a key that is replaced, and material or an expiry in the configuration',
    async () => {
      const material = Buffer.alloc(32, 7).toString('base64');
      const plan = await planChanged(on, keys, (stack) => {
        unguard(stack);
        of(stack, 'aws_kms_external_key', 'version_v1').valid_to = '2027-01-01T00:00:00Z';
        of(stack, 'aws_kms_external_key', 'version_v2').key_material_base64 = material;
      });
      const found = await review(TWO, [plan]);
      expect(rulesIn(found)).toEqual(['KT001', 'KT004', 'KT010', 'KT011', 'KT052']);
      expect(found.verdict).toBe('refused');
      expect(JSON.stringify(found)).not.toContain(material);
    },
    MINUTES,
  );

  it(
    'refuses a disabled version, a wider policy, a shorter window, a key let go of, and what is not the rotation’s',
    async () => {
      const plan = await planChanged(on, keys, (stack) => {
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
      });
      const found = await review(TWO, [plan]);
      expect(rulesIn(found)).toEqual(
        'KT002 KT003 KT005 KT040 KT041 KT042 KT043 KT044 KT050 KT052 KT060 KT070 KT071'.split(' '),
      );
      expect(message(found, 'KT042')).toEqual([
        'arn:aws:iam::999988887777:root may now: kms:deleteimportedkeymaterial, kms:schedulekeydeletion',
      ]);
    },
    MINUTES,
  );

  it(
    'accepts a version that is disabled with green evidence for it',
    async () => {
      const changed = await planChanged(on, keys, (stack) => {
        of(stack, 'aws_kms_external_key', 'version_v1').enabled = false;
      });
      const retired = rotationFile(['{ name: v1, disabled: true }', 'name: v2'], 'v2');
      expect(rulesIn(await review(retired, [changed]))).toEqual(['KT005', 'KT052']);
      const plan = { ...changed, stackFile: undefined };
      expect(rulesIn(await review(retired, [plan]))).toEqual(['KT005']);
      const keyArn = (await on.key('alias/payroll/v1')).Arn ?? '';
      const other = [{ version: 'v1', keyArn: `${keyArn}0`, file: 'of-another-key.ndjson' }];
      expect(rulesIn(await review(retired, [plan], { green: other }))).toEqual(['KT005']);
      const green = [{ version: 'v1', keyArn, file: 'evidence.ndjson' }];
      expect((await review(retired, [plan], { green })).verdict).toBe('clean');
    },
    MINUTES,
  );

  it(
    'refuses a default that leaves SSE-KMS or names an alias, an undeclared key, and weaker buckets',
    async () => {
      const plan = await planChanged(on, storage, (stack) => {
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
      });
      const found = await review(TWO, [plan]);
      expect(rulesIn(found)).toEqual(['KT022', 'KT030', 'KT031', 'KT032', 'KT034', 'KT060']);
      expect(message(found, 'KT034')).toEqual([
        'bucket payroll.data: block_public_policy is switched off',
        'bucket payroll.data: versioning is switched off',
      ]);
    },
    MINUTES,
  );

  it(
    'refuses a wider role of the jobs, less of a lock on evidence, and buckets for the rotation that others reach',
    async () => {
      const plan = await planChanged(on, storage, (stack) => {
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
        of(stack, DEFAULT, 'evidence').rule = [
          { apply_server_side_encryption_by_default: { sse_algorithm: 'aws:kms' } },
        ];
        of(stack, 'aws_s3_bucket_policy', 'batch').policy = JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: 'arn:aws:iam::999988887777:root' },
              Action: 's3:GetObject',
              Resource: 'arn:aws:s3:::payroll-jobs/*',
            },
          ],
        });
        of(stack, 'aws_s3_bucket_public_access_block', 'batch').restrict_public_buckets = false;
      });
      const found = await review(TWO, [plan]);
      expect(rulesIn(found)).toEqual('KT034 KT035 KT036 KT037 KT045 KT046 KT060'.split(' '));
      expect(message(found, 'KT034')).toEqual([
        'bucket payroll-jobs: requests without TLS are no longer denied',
        'bucket payroll-jobs: restrict_public_buckets is switched off',
      ]);
      expect(message(found, 'KT036')).toEqual([
        'the mode of the lock changes from COMPLIANCE to GOVERNANCE: principals with the bypass permission can delete',
        'evidence is locked for 30 days instead of 400',
      ]);
      expect(message(found, 'KT037')).toEqual(['bucket payroll-jobs: arn:aws:iam::999988887777:root may s3:GetObject']);
      expect(message(found, 'KT045')).toEqual([
        'the role can be assumed by AWS: *',
        'the role may s3:DeleteObject on arn:aws:s3:::payroll.data/*',
      ]);
    },
    MINUTES,
  );

  it(
    'refuses a bucket that is destroyed, a plan of single resources, and a target that nobody can see',
    async () => {
      const gone = await planChanged(on, storage, (stack) => {
        for (const [type, all] of Object.entries(stack.resource)) {
          delete all.bucket_payroll_data;
          if (Object.keys(all).length === 0) delete stack.resource[type];
        }
        stack.resource.aws_kms_external_key = { another: {} };
        of(stack, 'aws_kms_alias', 'main').target_key_id = ['$', '{aws_kms_external_key.another.arn}'].join('');
      });
      expect(rulesIn(await review(TWO, [gone]))).toEqual('KT021 KT030 KT033 KT034 KT044 KT052 KT060 KT070'.split(' '));
      const aimed = await planChanged(on, keys, () => {}, ['-target=aws_kms_external_key.version_v1']);
      expect(rulesIn(await review(TWO, [aimed]))).toContain('KT053');
    },
    MINUTES,
  );

  it(
    'refuses a backend other than the file’s, and plans of another rotation',
    async () => {
      const plan = await planChanged(on, keys);
      expect((await review(TWO, [plan])).verdict).toBe('clean');
      const elsewhere = rotationFile(
        ['name: v1', 'name: v2'],
        'v1',
        'terraform: { backend: s3, s3: { bucket: states } }\n',
      );
      expect(rulesIn(await review(elsewhere, [plan]))).toEqual(['KT051']);
      const other = review(TWO.replace('name: payroll\n', 'name: billing\n'), [plan]);
      await expect(other).rejects.toMatchObject({ code: 'review-plan-other-rotation' });
      const waived = rotationFile(
        ['name: v1', 'name: v2'],
        'v1',
        'terraform: { backend: s3, s3: { bucket: states } }\nreview:\n  waivers:\n' +
          '    - { rule: KT051, reason: the state moves this week, until: 2020-01-01 }\n' +
          '    - { rule: KT051, reason: the state moves this week, until: 2099-01-01 }\n',
      );
      const found = await review(waived, [plan]);
      expect(rulesIn(found)).toEqual(['KT090']);
      expect(found.waived.map((one) => one.rule)).toEqual(['KT051']);
    },
    MINUTES,
  );

  it('is quiet on the first plan, with the role of the jobs and the buckets that serve the rotation', async () => {
    const found = await review(TWO, [first]);
    expect(found.findings).toEqual([]);
    const effects = found.plans.flatMap((one) => one.effects).map(plain);
    expect(effects).toEqual(
      expect.arrayContaining([
        'bucket payroll-jobs is created',
        'bucket payroll-evidence is created',
        'the role of the jobs is created',
        'the policy of the role of the jobs is created',
        'the object lock of the evidence bucket is created',
      ]),
    );
  });

  it(
    'is quiet on the switch, and speaks on the way back unless that is called a rollback',
    async () => {
      ({ keys, storage } = await on.declare(SWITCHED));
      const forward = await planChanged(on, storage);
      expect((await review(SWITCHED, [forward])).findings).toEqual([]);
      expect((await review(SWITCHED, [await planChanged(on, keys), forward])).findings).toEqual([]);
      const terraform = await on.terraform();
      await terraform.apply(await terraform.plan(storage));
      ({ keys, storage } = await on.declare(TWO));
      const back = await planChanged(on, storage);
      const found = await review(TWO, [back]);
      expect([rulesIn(found), found.verdict]).toEqual([['KT023'], 'decide']);
      expect((await review(TWO, [back], { rollbackTo: 'v1' })).findings).toEqual([]);
      expect(rulesIn(await review(SWITCHED, [back]))).toContain('KT060');
    },
    2 * MINUTES,
  );

  it(
    'refuses a switch to a disabled key when the guard was taken out, and tells of an alias that was moved by hand',
    async () => {
      const { KeyId } = await on.key('alias/payroll/v1');
      const kms = new KMSClient({ endpoint: on.aws.url, region: on.aws.region, credentials: on.aws.accessKey });
      await kms.send(new UpdateAliasCommand({ AliasName: 'alias/payroll', TargetKeyId: KeyId }));
      kms.destroy();
      await on.disable('alias/payroll/v2');
      ({ keys, storage } = await on.declare(SWITCHED));
      const plan = await planChanged(on, storage, unguard);
      const found = await review(SWITCHED, [plan]);
      expect(rulesIn(found)).toEqual(['KT020', 'KT052', 'KT054']);
      const aws = [{ version: 'v2', arn: (await on.key('alias/payroll/v2')).Arn ?? '', state: 'Enabled' }];
      expect(rulesIn(await review(SWITCHED, [plan], { aws }))).toEqual(['KT052', 'KT054']);
    },
    MINUTES,
  );

  it('leaves no rule that never fired', () => {
    expect(reviewRules.map((rule) => rule.id).filter((id) => !fired.has(id))).toEqual([]);
  });
});
