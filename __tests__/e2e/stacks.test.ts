import { formatPlan } from '../../lib/terraform/plan-text';
import type { StackDirectory } from '../../lib/terraform/synthesize';
import type { Terraform } from '../../lib/terraform/terraform';
import { type Stage, stage } from './stacks-stage';

/** A rotation file for the versions that are declared, of which one is active. */
const rotationFile = (versions: readonly string[], active: string): string => `name: payroll
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
`;

const ONE = rotationFile(['name: v1'], 'v1');
const TWO = rotationFile(['name: v1', 'name: v2'], 'v1');
const SWITCHED = rotationFile(['name: v1', 'name: v2'], 'v2');
const RETIRED = rotationFile(['{ name: v1, disabled: true }', 'name: v2'], 'v2');

/** Real Terraform starts a provider of 700 MB for each plan: seconds on a quiet machine, far more on a shared one. */
const MINUTES = 180_000;

/** That both plans are empty after each step too is seen in `rotate.test.ts` and in each rehearsal. */
describe('a rotation from nothing to retired, by real Terraform', () => {
  let on: Stage;
  let terraform: Terraform;
  let keys: StackDirectory;
  let storage: StackDirectory;

  beforeAll(async () => {
    on = await stage();
    await on.keepProvider();
    terraform = await on.terraform();
    await on.createBucket('payroll-legacy');
  }, MINUTES);
  afterAll(async () => on[Symbol.asyncDispose]());

  const apply = async (stack: StackDirectory) => {
    const plan = await terraform.plan(stack);
    await terraform.apply(plan);
    return plan;
  };
  const plansAreEmpty = async (stacks: readonly StackDirectory[]) => {
    const plans = await Promise.all(stacks.map((stack) => terraform.plan(stack)));
    for (const { stack, summary } of plans)
      expect(formatPlan(stack.name, summary)).toBe(`plan of ${stack.name}: no changes`);
  };
  const pointedAt = async (version: string) => {
    const { Arn, KeyId } = await on.key(`alias/payroll/${version}`);
    expect((await on.key('alias/payroll')).KeyId).toBe(KeyId);
    expect(await on.defaultKey('payroll.data')).toBe(Arn);
    expect(await on.defaultKey('payroll-legacy')).toBe(Arn);
  };

  it(
    'refuses storage before the keys are declared, and says what comes first',
    async () => {
      ({ keys, storage } = await on.declare(ONE));
      const planned = terraform.plan(storage);
      await expect(planned).rejects.toMatchObject({
        code: 'terraform-guard',
        exitCode: 4,
        hint: expect.stringMatching(/cdktf deploy payroll-keys.*pre-apply/),
      });
    },
    MINUTES,
  );

  it(
    'declares v1 as an empty external key',
    async () => {
      await apply(keys);
      expect(await on.key('alias/payroll/v1')).toMatchObject({
        KeyState: 'PendingImport',
        Origin: 'EXTERNAL',
        Enabled: false,
      });
    },
    MINUTES,
  );

  it(
    'refuses storage while v1 waits for its material',
    async () => {
      await expect(terraform.plan(storage)).rejects.toMatchObject({
        code: 'terraform-guard',
        exitCode: 4,
        facts: { refusals: [expect.stringContaining('v1 (alias/payroll/v1) is PendingImport, not Enabled')] },
        hint: expect.stringContaining('pre-apply'),
      });
    },
    MINUTES,
  );

  it(
    'finds nothing to change in the keys after an import',
    async () => {
      await on.importMaterial('alias/payroll/v1');
      expect((await on.key('alias/payroll/v1')).KeyState).toBe('Enabled');
      expect((await terraform.plan(keys)).changes).toBe(false);
    },
    MINUTES,
  );

  it(
    'points alias and buckets at v1',
    async () => {
      const plan = await apply(storage);
      await pointedAt('v1');
      await expect(terraform.apply(plan)).rejects.toMatchObject({ code: 'terraform-plan-stale' });
    },
    2 * MINUTES,
  );

  it(
    'declares v2 beside v1 and touches nothing else',
    async () => {
      ({ keys, storage } = await on.declare(TWO));
      const { summary } = await apply(keys);
      expect(summary.resources.map(({ address, action }) => `${action} ${address}`).sort()).toEqual([
        'create aws_kms_alias.version_v2',
        'create aws_kms_external_key.version_v2',
      ]);
      await pointedAt('v1');
    },
    2 * MINUTES,
  );

  it(
    'refuses the switch while v2 waits for its material, and moves nothing',
    async () => {
      ({ keys, storage } = await on.declare(SWITCHED));
      await expect(terraform.plan(storage)).rejects.toMatchObject({
        code: 'terraform-guard',
        facts: { refusals: [expect.stringContaining('v2 (alias/payroll/v2) is PendingImport')] },
      });
      await pointedAt('v1');
    },
    MINUTES,
  );

  it(
    'switches by moving alias and defaults, and nothing more',
    async () => {
      await on.importMaterial('alias/payroll/v2');
      const { summary } = await apply(storage);
      expect(summary.resources.map(({ address, action }) => `${action} ${address}`).sort()).toEqual([
        'update aws_kms_alias.main',
        'update aws_s3_bucket_server_side_encryption_configuration.bucket_payroll-legacy',
        'update aws_s3_bucket_server_side_encryption_configuration.bucket_payroll_data',
      ]);
      await pointedAt('v2');
    },
    2 * MINUTES,
  );

  it(
    'refuses to disable v1 by a line in the file: that is for the retire gate',
    async () => {
      ({ keys, storage } = await on.declare(RETIRED));
      await expect(terraform.plan(keys)).rejects.toMatchObject({
        code: 'terraform-guard',
        exitCode: 4,
        facts: {
          refusals: [expect.stringContaining('v1 (alias/payroll/v1) is Enabled, but the rotation file declares')],
        },
        hint: expect.stringContaining('post-apply'),
      });
      expect((await on.key('alias/payroll/v1')).KeyState).toBe('Enabled');
      ({ keys, storage } = await on.declare(SWITCHED));
    },
    MINUTES,
  );

  it(
    'finds nothing to change after v1 was disabled, before and after the file says so',
    async () => {
      await on.disable('alias/payroll/v1');
      await plansAreEmpty([keys]);
      ({ keys, storage } = await on.declare(RETIRED));
      await plansAreEmpty([keys, storage]);
    },
    2 * MINUTES,
  );
});

describe('an adopted key', () => {
  const adopting = (arn: string): string => `name: payroll
region: ap-northeast-1
alias: alias/payroll
keyVersions:
  - { name: v0, keyArn: "${arn}" }
activeVersion: v0
buckets:
  - name: payroll-legacy
    manage: encryption
`;

  it(
    'of the caller’s own account is pointed at, whatever its origin, and is not touched',
    async () => {
      await using on = await stage();
      await on.keepProvider();
      await on.createBucket('payroll-legacy');
      const arn = await on.createKey();
      const { keys, storage } = await on.declare(adopting(arn));
      const terraform = await on.terraform();
      expect((await terraform.plan(keys)).changes).toBe(false);
      await terraform.apply(await terraform.plan(storage));
      expect((await on.key('alias/payroll')).Arn).toBe(arn);
      expect(await on.defaultKey('payroll-legacy')).toBe(arn);
      expect((await terraform.plan(storage)).changes).toBe(false);
      await on.disable(arn);
      await expect(terraform.plan(storage)).rejects.toMatchObject({
        code: 'terraform-guard',
        facts: { refusals: [expect.stringMatching(/adopted key version v0 .* is Disabled.*its owner must enable it/)] },
      });
    },
    MINUTES,
  );
});

describe('what Terraform meets at AWS', () => {
  it(
    'access denied names the action, with exit code 77',
    async () => {
      await using on = await stage();
      await on.keepProvider();
      on.aws.credentials.limit(on.aws.accessKey.accessKeyId, ['sts:*', 'kms:Describe*', 'kms:List*', 'kms:Get*']);
      const { keys } = await on.declare(ONE);
      const terraform = await on.terraform();
      const plan = await terraform.plan(keys);
      await expect(terraform.apply(plan)).rejects.toMatchObject({
        code: 'aws-access-denied',
        exitCode: 77,
        facts: { action: expect.stringMatching(/^kms:(CreateKey|TagResource)$/) },
      });
    },
    2 * MINUTES,
  );

  it(
    'fails when the credentials have expired',
    async () => {
      await using on = await stage();
      const expired = on.aws.credentials.addTemporary({ lifetime: -1 });
      const { keys } = await on.declare(ONE);
      const terraform = await on.terraform({ ...on.env, ...on.aws.environment(expired) });
      await expect(terraform.plan(keys)).rejects.toMatchObject({ code: 'aws-credentials-expired', exitCode: 77 });
    },
    MINUTES,
  );

  it(
    'refuses credentials of another account than the one declared',
    async () => {
      await using on = await stage();
      await on.keepProvider();
      const { keys } = await on.declare(ONE.replace('123456789012', '999988887777'));
      const terraform = await on.terraform();
      await expect(terraform.plan(keys)).rejects.toMatchObject({
        code: 'terraform-failed',
        message: expect.stringContaining('123456789012'),
      });
    },
    MINUTES,
  );
});
