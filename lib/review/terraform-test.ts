import {
  activeVersion,
  batchRoleName,
  type Rotation,
  stackNames,
  supersededVersions,
  versionAlias,
  versionsWithKeys,
} from '../rotation/rotation';
import { BUCKET_DEFAULT } from './key-target-changes';
import { bucketAddress, LOCK, ROLE, ROLE_POLICY } from './own-addresses';
import { safeJson } from './review-json';

/** File name of the test, next to the stack's `cdk.tf.json`, where `terraform test` finds it. */
export const TERRAFORM_TEST_FILE = 'keyturn.tftest.json';

/**
 * First versions that support mock providers in tests; older versions fail on the file, so none is written for them.
 */
export const MOCKS_SINCE = { Terraform: '1.7.0', OpenTofu: '1.8.0' } as const;

const ACCOUNT = '111122223333';
const ACTIVE_KEY = '11111111-1111-4111-8111-111111111111';

interface Assertion {
  readonly condition: string;
  readonly error_message: string;
}

/** A string literal of Terraform. */
const quoted = (text: string): string => JSON.stringify(text).replaceAll('${', '$${').replaceAll('%{', '%%{');

const check = (condition: string, error_message: string): Assertion => ({
  condition: `\${${condition}}`,
  error_message,
});

const mocks = (rotation: Rotation) => ({
  aws: {
    mock_data: [
      { aws_caller_identity: { defaults: { account_id: rotation.account ?? ACCOUNT } } },
      { aws_partition: { defaults: { partition: 'aws' } } },
    ].reduce<Record<string, unknown>>((all, one) => Object.assign(all, one), {}),
  },
});

/**
 * The rules that can be checked before any plan exists, as a test for `terraform test` with a mocked provider:
 * without credentials, without network except for the provider download, and without creating anything.
 *
 * @see https://developer.hashicorp.com/terraform/language/tests/mocking
 */
export function keysStackTest(rotation: Rotation): string {
  const declared = versionsWithKeys(rotation).filter((version) => version.keyArn === undefined);
  const retired = declared.filter((version) => version.disabled);
  const assertions = declared.flatMap((version): Assertion[] => {
    const key = `aws_kms_external_key.version_${version.name}`;
    return [
      check(`${key}.key_material_base64 == null`, `KT010: ${version.name} sets key_material_base64`),
      check(`${key}.valid_to == null`, `KT004: Terraform sets the expiry of ${version.name}`),
      check(
        `${key}.deletion_window_in_days == ${rotation.deletionWindowDays}`,
        `KT060: the deletion window of ${version.name} is not ${rotation.deletionWindowDays} days`,
      ),
      check(
        `alltrue([for one in jsondecode(${key}.policy).Statement : one.Effect != "Allow" || try(one.Principal != "*" && one.Principal.AWS != "*", false)])`,
        `KT043: the policy of ${version.name} admits everybody`,
      ),
      check(
        `aws_kms_alias.version_${version.name}.name == ${quoted(versionAlias(rotation, version))}`,
        `KT060: the alias of ${version.name} is another one`,
      ),
    ];
  });
  const run = {
    command: 'plan',
    ...(retired.length === 0 ? {} : { override_data: retired.map(foundDisabled) }),
    assert: assertions,
  };
  return file({
    mock_provider: mocks(rotation),
    run: assertions.length === 0 ? {} : { keys_are_declared_as_reviewed: run },
  });
}

/** The guard of a recorded retirement looks the key up and accepts only a disabled key. */
const foundDisabled = ({ name }: { readonly name: string }) => ({
  target: `data.aws_kms_key.retired_${name}`,
  values: { key_state: 'Disabled' },
});

/**
 * Like {@link keysStackTest}: the targets of alias and defaults, and that the guard refuses a key that is not
 * Enabled.
 */
export function storageStackTest(rotation: Rotation): string {
  const active = activeVersion(rotation);
  const lookUp = `data.aws_kms_key.${active.keyArn === undefined ? `after_${stackNames(rotation).keys}_and_keyturn_pre-apply` : 'adopted'}`;
  const arn = active.keyArn ?? `arn:aws:kms:${rotation.region}:${rotation.account ?? ACCOUNT}:key/${ACTIVE_KEY}`;
  const found = (key_state: string) => [
    { target: lookUp, values: { arn, key_state, origin: 'EXTERNAL' } },
    ...supersededKeys(rotation),
  ];
  const guarded = rotation.buckets.map((bucket) => bucketAddress(BUCKET_DEFAULT, bucket));
  const owner = active.keyArn?.split(':')[4];
  const hasAlias = owner === undefined || owner === (rotation.account ?? ACCOUNT);
  const refusing = [...(hasAlias ? ['aws_kms_alias.main'] : []), ...guarded];
  const run = {
    alias_and_defaults_point_at_the_active_version: {
      command: 'plan',
      override_data: found('Enabled'),
      assert: [
        ...(hasAlias
          ? [check(`aws_kms_alias.main.target_key_id == ${quoted(arn)}`, 'KT060: the alias points at another key')]
          : []),
        ...rotation.buckets.flatMap((bucket) => bucketAssertions(bucketAddress(BUCKET_DEFAULT, bucket), bucket, arn)),
        ...roleAssertions(rotation),
        ...evidenceAssertions(rotation),
      ],
    },
    a_key_without_material_is_refused: {
      command: 'plan',
      override_data: found('PendingImport'),
      expect_failures: refusing,
    },
    a_disabled_key_is_refused: { command: 'plan', override_data: found('Disabled'), expect_failures: refusing },
  };
  return file({ mock_provider: mocks(rotation), run });
}

/** The keys in the policy of the jobs' role; without jobs none is looked up. */
function supersededKeys(rotation: Rotation) {
  if (rotation.reencrypt.engine === 'local') return [];
  const declared = supersededVersions(rotation).filter(({ keyArn, disabled }) => keyArn === undefined && !disabled);
  const key = (index: number) => `22222222-2222-4222-8222-${String(index).padStart(12, '0')}`;
  return declared.map(({ name }, index) => ({
    target: `data.aws_kms_key.superseded_${name}`,
    values: { arn: `arn:aws:kms:${rotation.region}:${rotation.account ?? ACCOUNT}:key/${key(index)}` },
  }));
}

function roleAssertions(rotation: Rotation): Assertion[] {
  if (rotation.reencrypt.engine === 'local') return [];
  const statements = (address: string, attribute: string) => `jsondecode(${address}.${attribute}).Statement`;
  return [
    check(
      `${ROLE}.name == ${quoted(batchRoleName(rotation))}`,
      `KT060: the role of the jobs is not ${batchRoleName(rotation)}`,
    ),
    check(
      `alltrue([for one in ${statements(ROLE, 'assume_role_policy')} : one.Effect != "Allow" || try(one.Principal.Service == "batchoperations.s3.amazonaws.com", false)])`,
      'KT045: the role of the jobs admits a principal other than S3 Batch Operations',
    ),
    check(
      `alltrue([for one in ${statements(ROLE_POLICY, 'policy')} : !contains(flatten([one.Resource]), "*")])`,
      'KT045: the role of the jobs allows an action on all resources',
    ),
  ];
}

function evidenceAssertions({ evidence }: Rotation): Assertion[] {
  if (evidence.bucket === undefined) return [];
  const { mode, days } = evidence.bucket.retention;
  const retention = `one(one(${LOCK.address}.rule).default_retention)`;
  return [
    check('aws_s3_bucket.evidence.object_lock_enabled == true', 'KT036: the evidence bucket has no object lock'),
    check(`${retention}.mode == ${quoted(mode)}`, `KT060: evidence is not locked in mode ${mode}`),
    check(`${retention}.days == ${days}`, `KT060: evidence is not locked for ${days} days`),
  ];
}

function bucketAssertions(address: string, { name, bucketKey }: Rotation['buckets'][number], arn: string): Assertion[] {
  const rule = `one(${address}.rule)`;
  const applied = `one(${rule}.apply_server_side_encryption_by_default)`;
  return [
    check(`${applied}.sse_algorithm == "aws:kms"`, `KT030: the default of ${name} is not SSE-KMS`),
    check(
      `${applied}.kms_master_key_id == ${quoted(arn)}`,
      `KT031: the default of ${name} does not name the active key by ARN`,
    ),
    check(`${rule}.bucket_key_enabled == ${bucketKey}`, `KT032: bucketKey of ${name} is not ${bucketKey}`),
  ];
}

const file = (content: unknown): string => `${safeJson(content)}\n`;
