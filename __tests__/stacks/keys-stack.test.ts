import { KmsExternalKey } from '@cdktf/provider-aws/lib/kms-external-key';
import { ADOPTED_ARN, listOf, reference, rotation, synthesized, version } from './synthesized';

describe('a declared version', () => {
  const two = rotation({
    keyVersions: [version('v1'), version('v2')],
    tags: { team: 'payroll' },
    deletionWindowDays: 14,
  });
  const { keys } = synthesized(two);

  it('has an external key and its version alias', () => {
    expect(Object.keys(keys.resource?.aws_kms_external_key ?? {})).toEqual(['version_v1', 'version_v2']);
    expect(keys.resource?.aws_kms_alias?.version_v2).toMatchObject({
      name: 'alias/payroll/v2',
      target_key_id: reference('aws_kms_external_key.version_v2.id'),
    });
  });

  it('cannot be destroyed, and what an import changes is no change', () => {
    expect(keys.resource?.aws_kms_external_key?.version_v1?.lifecycle).toEqual({
      prevent_destroy: true,
      ignore_changes: ['key_material_base64', 'valid_to'],
    });
  });

  it('says what it is for, and waits the declared days before it could be deleted', () => {
    expect(keys.resource?.aws_kms_external_key?.version_v2).toMatchObject({
      description: 'Keyturn payroll v2',
      deletion_window_in_days: 14,
      tags: { team: 'payroll', 'keyturn:rotation': 'payroll', 'keyturn:version': 'v2' },
    });
  });

  it('gives its ARN as an output', () => {
    expect(keys.output?.key_arn_v2?.value).toBe(reference('aws_kms_external_key.version_v2.arn'));
  });
});

it('leaves enabled unset until a version is declared disabled', () => {
  const { keys } = synthesized(
    rotation({ keyVersions: [version('v1', { disabled: true }), version('v2')], activeVersion: 'v2' }),
  );
  expect(keys.resource?.aws_kms_external_key?.version_v1?.enabled).toBe(false);
  expect(keys.resource?.aws_kms_external_key?.version_v2).not.toHaveProperty('enabled');
});

it('guards a version that is declared disabled: Terraform finds it disabled, and never disables it', () => {
  const { keys } = synthesized(
    rotation({ keyVersions: [version('v1', { disabled: true }), version('v2')], activeVersion: 'v2' }),
  );
  const [guard] = listOf(keys.resource?.aws_kms_external_key?.version_v1?.lifecycle?.precondition);
  expect(keys.data?.aws_kms_key?.retired_v1?.key_id).toBe('alias/payroll/v1');
  expect(guard?.condition).toBe(
    reference('contains(["Disabled", "PendingDeletion"], data.aws_kms_key.retired_v1.key_state)'),
  );
  expect(guard?.error_message).toContain('npx keyturn post-apply');
  expect(keys.resource?.aws_kms_external_key?.version_v2?.lifecycle).not.toHaveProperty('precondition');
});

it('declares nothing for an adopted version', () => {
  const { keys } = synthesized(rotation({ keyVersions: [version('v1', { keyArn: ADOPTED_ARN }), version('v2')] }));
  expect(Object.keys(keys.resource?.aws_kms_external_key ?? {})).toEqual(['version_v2']);
  expect(Object.keys(keys.resource?.aws_kms_alias ?? {})).toEqual(['version_v2']);
  expect(Object.keys(keys.output ?? {})).toEqual(['key_arn_v2']);
});

it('synthesizes when every version is adopted', () => {
  const { keys } = synthesized(rotation({ keyVersions: [version('v1', { keyArn: ADOPTED_ARN })] }));
  expect(keys).not.toHaveProperty('resource');
  expect(keys).not.toHaveProperty('data');
});

describe('the account in the key policy', () => {
  it('is the declared one, without a look-up', () => {
    const { keys } = synthesized(rotation({ account: '111122223333' }));
    expect(keys.resource?.aws_kms_external_key?.version_v1?.policy).toContain(':iam::111122223333:root');
    expect(keys.data).not.toHaveProperty('aws_caller_identity');
  });

  it("is the caller's where none is declared", () => {
    const { keys } = synthesized(rotation());
    expect(keys.resource?.aws_kms_external_key?.version_v1?.policy).toContain(
      `:iam::${reference('data.aws_caller_identity.current.account_id')}:root`,
    );
  });
});

describe('key material', () => {
  it('refuses a resource that sets key_material_base64', () => {
    const attempt = () =>
      synthesized(rotation(), ({ keys }) => {
        new KmsExternalKey(keys, 'careless', { keyMaterialBase64: 'c2VjcmV0' });
      });
    expect(attempt).toThrow(/aws_kms_external_key\.careless\.key_material_base64 is set.*keyturn pre-apply/);
  });

  it('refuses it when it comes by an override', () => {
    const attempt = () =>
      synthesized(rotation(), ({ storage }) => {
        storage.addOverride('resource.aws_kms_external_key.sly.key_material_base64', 'c2VjcmV0');
      });
    expect(attempt).toThrow(/aws_kms_external_key\.sly\.key_material_base64 is set/);
  });

  it('does not repeat the value it refuses', () => {
    const attempt = () =>
      synthesized(rotation(), ({ keys }) => {
        new KmsExternalKey(keys, 'careless', { keyMaterialBase64: 'c2VjcmV0' });
      });
    expect(attempt).not.toThrow(/c2VjcmV0/);
  });
});
