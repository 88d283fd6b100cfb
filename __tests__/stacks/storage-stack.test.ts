import type { Rotation } from '../../lib/rotation/rotation';
import { boundVersion } from '../e2e/recorded-keys';
import { ADOPTED_ARN, bucket, encodedBy, listOf, reference, rotation, synthesized, version } from './synthesized';

const two = rotation({ keyVersions: [version('v1'), version('v2')], activeVersion: 'v2' });

describe('the target', () => {
  it('is found by the version alias of the active version', () => {
    expect(synthesized(two).storage.data?.aws_kms_key?.['after_payroll-keys_and_keyturn_pre-apply']?.key_id).toBe(
      'alias/payroll/v2',
    );
  });

  it('is named by its full ARN in the alias and in each bucket default, never by an alias', () => {
    const { storage } = synthesized(two);
    const [rule] = listOf(
      storage.resource?.aws_s3_bucket_server_side_encryption_configuration?.['bucket_payroll-data']?.rule,
    );
    expect(rule).toEqual({
      apply_server_side_encryption_by_default: {
        sse_algorithm: 'aws:kms',
        kms_master_key_id: reference('data.aws_kms_key.after_payroll-keys_and_keyturn_pre-apply.arn'),
      },
      bucket_key_enabled: true,
    });
    expect(storage.resource?.aws_kms_alias?.main).toMatchObject({
      name: 'alias/payroll',
      target_key_id: reference('data.aws_kms_key.after_payroll-keys_and_keyturn_pre-apply.arn'),
    });
  });

  it('is an adopted key by its ARN', () => {
    const adopted = rotation({ keyVersions: [version('v1', { keyArn: ADOPTED_ARN })] });
    expect(synthesized(adopted).storage.data?.aws_kms_key?.adopted?.key_id).toBe(ADOPTED_ARN);
  });
});

describe('the guard', () => {
  const { storage } = synthesized(two);
  const alias = listOf(storage.resource?.aws_kms_alias?.main?.lifecycle?.precondition);

  it('stands before the alias and before each bucket default', () => {
    const encryption = storage.resource?.aws_s3_bucket_server_side_encryption_configuration?.['bucket_payroll-data'];
    expect(alias).toHaveLength(2);
    expect(listOf(encryption?.lifecycle?.precondition)).toEqual(alias);
  });

  it('refuses a target that is not Enabled, and names version, state and next step', () => {
    expect(alias[0]?.condition).toBe(
      reference('data.aws_kms_key.after_payroll-keys_and_keyturn_pre-apply.key_state == "Enabled"'),
    );
    expect(alias[0]?.error_message).toContain(
      `key version v2 (alias/payroll/v2) is ${reference('data.aws_kms_key.after_payroll-keys_and_keyturn_pre-apply.key_state')}`,
    );
    expect(alias[0]?.error_message).toContain('npx keyturn pre-apply');
  });

  it('refuses a declared target of another origin', () => {
    expect(alias[1]?.condition).toBe(
      reference('data.aws_kms_key.after_payroll-keys_and_keyturn_pre-apply.origin == "EXTERNAL"'),
    );
  });

  it('asks no origin of an adopted key, and does not send its owner to pre-apply', () => {
    const adopted = rotation({ account: '999988887777', keyVersions: [version('v1', { keyArn: ADOPTED_ARN })] });
    const text = JSON.stringify(synthesized(adopted).storage);
    expect(text).not.toContain('.origin');
    expect(text).not.toContain('pre-apply');
  });
});

describe('the warning of the CDKTF CLI', () => {
  const warnings = (from: Rotation): readonly unknown[] => {
    let found: readonly unknown[] = [];
    synthesized(from, ({ storage }) => {
      found = storage.node.metadata.filter(({ type }) => type === '@cdktf/warn').map(({ data }) => data);
    });
    return found;
  };

  it('says that the alias alone decides where nothing binds the active version, and nothing otherwise', () => {
    expect(warnings(rotation())).toEqual([
      expect.stringContaining('does not bind v1: alias/payroll/v1 alone decides which key'),
    ]);
    const binding = [boundVersion('v1', 'arn:aws:kms:ap-northeast-1:111122223333:key/x')];
    expect(warnings(rotation({ binding }))).toEqual([]);
    expect(warnings(rotation({ keyVersions: [version('v1', { keyArn: ADOPTED_ARN })] }))).toEqual([]);
  });
});

describe('a bound active version', () => {
  const arn = 'arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555';
  const conditions = (differences: Partial<Rotation>) =>
    listOf(synthesized(rotation(differences)).storage.resource?.aws_kms_alias?.main?.lifecycle?.precondition).map(
      (one) => String(one?.condition),
    );
  const found = reference(`data.aws_kms_key.after_payroll-keys_and_keyturn_pre-apply.arn == "${arn}"`);

  it('is refused by the plan where its alias leads to another key, for the alias and for each bucket', () => {
    const binding = [boundVersion('v1', arn)];
    expect(conditions({ binding })).toContain(found);
    const { storage } = synthesized(rotation({ binding }));
    expect(JSON.stringify(storage.resource?.aws_s3_bucket_server_side_encryption_configuration)).toContain(
      `rotation.lock.json binds key version v1 to ${arn}`,
    );
  });

  it('in place is the one key, whichever version is bound', () => {
    const keyVersions = [version('v1'), version('v2')];
    const binding = [boundVersion('v1', arn)];
    expect(conditions({ strategy: 'in-place', keyVersions, activeVersion: 'v2', binding })).toContain(found);
  });

  it('is looked up by its alias alone where nothing binds it', () => {
    expect(conditions({}).join()).not.toContain('.arn ==');
    const keyVersions = [version('v1'), version('v2')];
    expect(conditions({ keyVersions, activeVersion: 'v2', binding: [boundVersion('v1', arn)] }).join()).not.toContain(
      '.arn ==',
    );
  });

  it('that is retired is refused in the keys stack too', () => {
    const keyVersions = [version('v1', { disabled: true }), version('v2')];
    const { keys } = synthesized(rotation({ keyVersions, activeVersion: 'v2', binding: [boundVersion('v1', arn)] }));
    const guards = keys.resource?.aws_kms_external_key?.version_v1?.lifecycle?.precondition;
    expect(JSON.stringify(guards)).toContain('data.aws_kms_key.retired_v1.arn ==');
  });
});

describe('the alias of an adopted active version', () => {
  const adopted = { keyVersions: [version('v1', { keyArn: ADOPTED_ARN })] };

  it('is left out for a key of another account', () => {
    const { storage } = synthesized(rotation({ ...adopted, account: '111122223333' }));
    expect(storage.resource).not.toHaveProperty('aws_kms_alias');
    expect(storage.resource).toHaveProperty('aws_s3_bucket_server_side_encryption_configuration');
  });

  it('is made for a key of the declared account', () => {
    const { storage } = synthesized(rotation({ ...adopted, account: '999988887777' }));
    expect(storage.resource?.aws_kms_alias).toHaveProperty('main');
  });

  it('is refused by the plan where the account is not declared and turns out to be another', () => {
    const conditions = synthesized(rotation(adopted)).storage.resource?.aws_kms_alias?.main?.lifecycle?.precondition;
    expect(listOf(conditions).map((one) => one?.condition)).toContain(
      reference('data.aws_caller_identity.current.account_id == "999988887777"'),
    );
  });
});

describe('a bucket', () => {
  it('with manage: bucket is created, versioned, closed, owner-enforced and TLS only, and cannot be destroyed', () => {
    const { storage } = synthesized(rotation({ tags: { team: 'payroll' } }));
    const id = 'bucket_payroll-data';
    expect(storage.resource?.aws_s3_bucket?.[id]).toMatchObject({
      bucket: 'payroll-data',
      lifecycle: { prevent_destroy: true },
      tags: { team: 'payroll', 'keyturn:rotation': 'payroll' },
    });
    expect(storage.resource?.aws_s3_bucket_versioning?.[id]?.versioning_configuration).toEqual({ status: 'Enabled' });
    expect(storage.resource?.aws_s3_bucket_public_access_block?.[id]).toMatchObject({
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
    expect(storage.resource?.aws_s3_bucket_ownership_controls?.[id]?.rule).toEqual({
      object_ownership: 'BucketOwnerEnforced',
    });
    expect(storage.resource?.aws_s3_bucket_policy?.[id]?.policy).toContain('aws:SecureTransport');
  });

  it('with manage: encryption is given its default encryption and nothing else', () => {
    const { storage } = synthesized(
      rotation({ buckets: [bucket('legacy.logs', { manage: 'encryption', bucketKey: false })] }),
    );
    const ofBuckets = Object.keys(storage.resource ?? {}).filter((type) => type.startsWith('aws_s3'));
    expect(ofBuckets).toEqual(['aws_s3_bucket_server_side_encryption_configuration']);
    const encryption = storage.resource?.aws_s3_bucket_server_side_encryption_configuration?.bucket_legacy_logs;
    expect(encryption?.bucket).toBe('legacy.logs');
    expect(encryption?.rule?.[0]?.bucket_key_enabled).toBe(false);
    expect(encryption?.lifecycle?.prevent_destroy).toBe(true);
  });
});

describe('pinned writers', () => {
  const pinned = (activeVersion: string) => {
    const versions = { keyVersions: [version('v1'), version('v2')], activeVersion };
    return synthesized(
      rotation({ ...versions, buckets: [bucket('payroll-data', { pinWriters: true }), bucket('logs')] }),
    ).storage;
  };

  it('name the key of alias and default, behind the same guard, and no bucket that does not ask for it', () => {
    const { resource } = pinned('v2');
    const policy = resource?.aws_s3_bucket_policy?.['bucket_payroll-data'];
    const rule = resource?.aws_s3_bucket_server_side_encryption_configuration?.['bucket_payroll-data'];
    const [, pin] = listOf(encodedBy(policy?.policy).Statement);
    expect(Object.values(pin?.Condition?.StringNotEquals ?? {})).toEqual([
      resource?.aws_kms_alias?.main?.target_key_id,
    ]);
    expect(listOf(policy?.lifecycle?.precondition)).toEqual(listOf(rule?.lifecycle?.precondition));
    const other = resource?.aws_s3_bucket_policy?.bucket_logs;
    expect(listOf(encodedBy(other?.policy).Statement)).toHaveLength(1);
    expect(other).not.toHaveProperty('lifecycle');
  });
});
