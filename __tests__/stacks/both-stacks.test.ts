import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import bindings from '@cdktf/provider-aws/package.json';
import { App, TerraformStack } from 'cdktf';
import fc from 'fast-check';
import { adoptedResources } from '../../lib/rotation/adopted-resources';
import { evidenceFolder } from '../../lib/rotation/own-folder';
import { AWS_PROVIDER_VERSION } from '../../lib/rotation/provider-version';
import { declareRotations, KeysStack, RotatedAlias, RotatedBucket, RotatedKey } from '../../stacks';
import { bucketId, versionId } from '../../stacks/logical-ids';
import { ADOPTED_ARN, bucket, encodedBy, listOf, rotation, synthesized, version } from './synthesized';

describe.each(['keys', 'storage'] as const)('the %s stack', (role) => {
  it('requires exactly the provider version it was tested with, in the rotation’s region', () => {
    const stack = synthesized(rotation())[role];
    expect(stack.terraform?.required_providers?.aws).toEqual({ source: 'aws', version: '5.100.0' });
    expect(stack.terraform?.required_version).toBe('>= 1.5.0');
    expect(stack.provider?.aws).toEqual([{ region: 'ap-northeast-1' }]);
  });

  it('accepts credentials of the declared account alone', () => {
    const stack = synthesized(rotation({ account: '111122223333' }))[role];
    expect(stack.provider?.aws).toEqual([{ region: 'ap-northeast-1', allowed_account_ids: ['111122223333'] }]);
  });

  it('addresses buckets by path where a name has dots', () => {
    const stack = synthesized(rotation({ buckets: [bucket('payroll.data')] }))[role];
    expect(stack.provider?.aws).toEqual([{ region: 'ap-northeast-1', s3_use_path_style: true }]);
  });

  it('refers to no other stack and to no remote state', () => {
    const text = JSON.stringify(synthesized(rotation())[role]);
    expect(text).not.toContain('terraform_remote_state');
    expect(text).not.toContain('cross-stack');
  });

  it('reaches AWS, and its state, by the profile and the role of the rotation file', () => {
    const roleArn = 'arn:aws:iam::111122223333:role/keyturn';
    const s3 = { bucket: 'state', region: 'eu-west-1', prefix: 'keyturn/', kmsKeyId: undefined };
    const stack = synthesized(
      rotation({
        aws: { profile: 'team', assumeRole: { roleArn, externalId: 'team-7' } },
        terraform: { awsProvider: AWS_PROVIDER_VERSION, backend: 's3', s3 },
      }),
    )[role];
    const assumed = { role_arn: roleArn, external_id: 'team-7', session_name: 'keyturn-payroll' };
    expect(stack.provider?.aws).toEqual([{ region: 'ap-northeast-1', profile: 'team', assume_role: [assumed] }]);
    expect(stack.terraform?.backend?.s3).toMatchObject({ profile: 'team', assume_role: assumed });
  });

  it('gives everything the default tags of the rotation file', () => {
    const stack = synthesized(rotation({ aws: { defaultTags: { team: 'ledger' } } }))[role];
    expect(stack.provider?.aws).toEqual([{ region: 'ap-northeast-1', default_tags: [{ tags: { team: 'ledger' } }] }]);
    expect(synthesized(rotation({ aws: { defaultTags: {} } }))[role].provider?.aws).toEqual([
      { region: 'ap-northeast-1' },
    ]);
  });

  it('stores local state next to cdktf.out, by a path that is the same on every machine', () => {
    const stack = synthesized(rotation())[role];
    expect(stack.terraform?.backend).toEqual({ local: { path: `../../../terraform.payroll-${role}.tfstate` } });
  });

  it('keeps s3 state encrypted and locked, with a Terraform that can lock it', () => {
    const s3 = { bucket: 'state', region: 'eu-west-1', prefix: 'keyturn/', kmsKeyId: 'alias/state' };
    const stack = synthesized(
      rotation({ account: '111122223333', terraform: { awsProvider: AWS_PROVIDER_VERSION, backend: 's3', s3 } }),
    )[role];
    expect(stack.terraform?.required_version).toBe('>= 1.10.0');
    expect(stack.terraform?.backend).toEqual({
      s3: {
        bucket: 'state',
        region: 'eu-west-1',
        key: `keyturn/payroll-${role}.tfstate`,
        encrypt: true,
        kms_key_id: 'alias/state',
        use_lockfile: true,
        allowed_account_ids: ['111122223333'],
      },
    });
  });
});

it('uses bindings that were generated from the provider version that the stacks require', () => {
  expect(bindings.cdktf.provider.version).toBe(AWS_PROVIDER_VERSION);
});

describe('Terraform addresses', () => {
  /** Every address in both stacks. */
  const addresses = (...parameters: Parameters<typeof rotation>): string[] =>
    Object.values(synthesized(rotation(...parameters))).flatMap((stack) =>
      Object.entries(stack.resource ?? {}).flatMap(([type, all]) =>
        Object.keys(all ?? {}).map((name) => `${type}.${name}`),
      ),
    );

  it('are these: renaming one destroys what stands under it', () => {
    expect(addresses({ buckets: [bucket('a.b')] }).sort()).toEqual([
      'aws_kms_alias.main',
      'aws_kms_alias.version_v1',
      'aws_kms_external_key.version_v1',
      'aws_s3_bucket.bucket_a_b',
      'aws_s3_bucket_ownership_controls.bucket_a_b',
      'aws_s3_bucket_policy.bucket_a_b',
      'aws_s3_bucket_public_access_block.bucket_a_b',
      'aws_s3_bucket_server_side_encryption_configuration.bucket_a_b',
      'aws_s3_bucket_versioning.bucket_a_b',
    ]);
  });

  it('of what serves a rotation are these too, whatever the buckets are called', () => {
    const batch = {
      bucket: 'jobs',
      manage: 'bucket',
      fromVersions: 1,
      manifest: 'auto',
      verify: 'heads',
      priority: 0,
      noConcurrentWrites: false,
    } as const;
    const serving = addresses({
      reencrypt: { method: 'rewrap', from: [], engine: 'auto', batch },
      evidence: { bucket: { name: 'proof', retention: { mode: 'COMPLIANCE', days: 1 } } },
    });
    expect(serving.filter((address) => /\.(batch|evidence)$/.test(address)).sort()).toEqual([
      'aws_iam_role.batch',
      'aws_iam_role_policy.batch',
      'aws_s3_bucket.batch',
      'aws_s3_bucket.evidence',
      'aws_s3_bucket_object_lock_configuration.evidence',
      'aws_s3_bucket_ownership_controls.batch',
      'aws_s3_bucket_ownership_controls.evidence',
      'aws_s3_bucket_policy.batch',
      'aws_s3_bucket_policy.evidence',
      'aws_s3_bucket_public_access_block.batch',
      'aws_s3_bucket_public_access_block.evidence',
      'aws_s3_bucket_server_side_encryption_configuration.batch',
      'aws_s3_bucket_server_side_encryption_configuration.evidence',
      'aws_s3_bucket_versioning.batch',
      'aws_s3_bucket_versioning.evidence',
    ]);
  });

  it('stay when versions and buckets are added or reordered', () => {
    const before = addresses({ buckets: [bucket('one'), bucket('two')] });
    const after = addresses({
      keyVersions: [version('v1'), version('v2')],
      activeVersion: 'v2',
      buckets: [bucket('zero'), bucket('two'), bucket('one')],
    });
    expect(after).toEqual(expect.arrayContaining(before));
  });

  it('differ for different names', () => {
    const name = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{1,20})[a-z0-9]$/);
    fc.assert(
      fc.property(name, name, (left, right) => {
        expect(bucketId({ name: left }) === bucketId({ name: right })).toBe(left === right);
        expect(versionId({ name: left }) === versionId({ name: right })).toBe(left === right);
        expect(bucketId({ name: left })).toMatch(/^[a-zA-Z_][\w-]*$/);
      }),
    );
  });
});

describe('what exists already', () => {
  const takeOver = ADOPTED_ARN;
  const from = rotation({
    keyVersions: [version('v1', { takeOver }), version('v2'), version('v3')],
    activeVersion: 'v3',
    buckets: [bucket('payroll-data'), bucket('legacy.logs', { manage: 'encryption' }), bucket('new-data')],
    adopted: { alias: true, versionAliases: ['v2'], buckets: ['payroll-data', 'legacy.logs'] },
  });
  const stacks = synthesized(from);
  const imports = (role: 'keys' | 'storage') =>
    listOf(stacks[role].import).map((one) => ({ to: one?.to, id: one?.id }));

  it.each(['keys', 'storage'] as const)('is imported by the %s stack, as the review expects it', (role) => {
    const expected = adoptedResources(from)[role].map(({ address, id }) => ({ to: address, id }));
    expect(imports(role)).toHaveLength(expected.length);
    expect(imports(role)).toEqual(expect.arrayContaining(expected));
  });

  it('is the key by its id, the alias by its name, a bucket with what every bucket has', () => {
    expect(imports('keys')).toEqual([
      { to: 'aws_kms_external_key.version_v1', id: ADOPTED_ARN.replace(/^.*\//, '') },
      { to: 'aws_kms_alias.version_v2', id: 'alias/payroll/v2' },
    ]);
    expect(
      imports('storage')
        .map(({ to, id }) => `${to} ${id}`)
        .sort(),
    ).toEqual([
      'aws_kms_alias.main alias/payroll',
      'aws_s3_bucket.bucket_payroll-data payroll-data',
      'aws_s3_bucket_server_side_encryption_configuration.bucket_legacy_logs legacy.logs',
      'aws_s3_bucket_server_side_encryption_configuration.bucket_payroll-data payroll-data',
      'aws_s3_bucket_versioning.bucket_payroll-data payroll-data',
    ]);
  });

  it('is refused by the plan where the state holds another key under the address', () => {
    const { lifecycle } = stacks.keys.resource?.aws_kms_external_key?.version_v1 ?? {};
    expect(lifecycle?.postcondition?.[0]?.condition).toBe(`\${self.arn == "${ADOPTED_ARN}"}`);
    expect(stacks.keys.resource?.aws_kms_external_key?.version_v2?.lifecycle).not.toHaveProperty('postcondition');
  });

  it('keeps the statements of its policy before ours, with variables of IAM as they were', () => {
    const Condition = { StringEquals: { 'aws:PrincipalTag/team': `\${aws:username}` } };
    const keptPolicy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Sid: 'Theirs', Condition }] });
    const keys = synthesized(
      rotation({ keyVersions: [version('v1', { takeOver, keptPolicy }), version('v2')], activeVersion: 'v2' }),
    ).keys.resource?.aws_kms_external_key;
    const [theirs, ...ours] = listOf(encodedBy(keys?.version_v1?.policy).Statement);
    expect(theirs).toEqual({
      Sid: 'Theirs',
      Condition: { StringEquals: { 'aws:PrincipalTag/team': '$${aws:username}' } },
    });
    expect(ours).toEqual(listOf(encodedBy(keys?.version_v2?.policy).Statement));
  });

  it('is nothing where the file names nothing: no stack has a block', () => {
    const none = synthesized(rotation());
    expect([none.keys, none.storage].filter((one) => 'import' in one)).toEqual([]);
  });
});

describe('constructs in a stack of a team’s own', () => {
  const stacks = { keys: 'platform', storage: ['platform'] };
  const terraform = { ...rotation().terraform, stacks };
  const from = rotation({
    terraform,
    buckets: [bucket('payroll-data', { pinWriters: true }), bucket('old', { manage: 'encryption' })],
  });
  const own = (declare: (stack: TerraformStack) => void) => {
    const stack = new TerraformStack(new App({ outdir: path.join(tmpdir(), 'never-written') }), 'platform');
    declare(stack);
    return JSON.parse(JSON.stringify(stack.toTerraform())) as ReturnType<typeof synthesized>['keys'];
  };
  /** Without cdktf's own notes, which hold the path of the construct. */
  const plain = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value ?? {}, (key, inner: unknown) => (key === '//' ? undefined : inner)));

  it('declare what the stacks declare, under the same addresses, with the same guards', () => {
    const theirs = synthesized({ ...from, terraform: rotation().terraform });
    const keys = own((stack) => new RotatedKey(stack, 'key', from));
    const storage = own((stack) => {
      new RotatedAlias(stack, 'alias', from);
      for (const { name } of from.buckets) new RotatedBucket(stack, `bucket-${name}`, from, name);
    });
    for (const part of ['resource', 'data', 'output'] as const) {
      expect(plain(keys[part])).toEqual(plain(theirs.keys[part]));
      if (part !== 'output') expect(plain(storage[part])).toEqual(plain(theirs.storage[part]));
    }
    expect(keys.terraform?.backend).toBeUndefined();
  });

  it('refuse a second one with the same addresses', () => {
    expect(() =>
      own((stack) => {
        new RotatedKey(stack, 'one', from);
        new RotatedKey(stack, 'two', rotation({ name: 'other', terraform }));
      }),
    ).toThrow('the stack platform has a RotatedKey already');
    expect(() =>
      own((stack) => {
        new RotatedBucket(stack, 'one', from, 'old');
        new RotatedBucket(stack, 'two', from, 'old');
      }),
    ).toThrow('RotatedBucket of old');
  });

  it('refuse another rotation’s active key, and a bucket that the rotation file does not list', () => {
    const adopted = (arn: string) =>
      rotation({
        terraform,
        keyVersions: [version('v1', { keyArn: arn })],
        buckets: [bucket('a', { manage: 'encryption' })],
      });
    expect(() =>
      own((stack) => {
        new RotatedAlias(stack, 'alias', adopted(ADOPTED_ARN));
        new RotatedBucket(stack, 'bucket', adopted(ADOPTED_ARN.replace(/1/g, '2')), 'a');
      }),
    ).toThrow('looks up another key already');
    expect(() => own((stack) => new RotatedBucket(stack, 'bucket', from, 'unknown'))).toThrow(
      'lists no bucket unknown',
    );
  });

  it('refuse a stack that the rotation file does not name, and Keyturn’s stacks where it names one', () => {
    expect(() => own((stack) => new RotatedKey(stack, 'key', rotation()))).toThrow(
      'does not name the stack platform: write keys: platform under terraform.stacks',
    );
    const other = rotation({ terraform: { ...terraform, stacks: { keys: 'platform', storage: ['data'] } } });
    expect(() => own((stack) => new RotatedAlias(stack, 'alias', other))).toThrow('write storage: [data, platform]');
    expect(() => own((stack) => new RotatedBucket(stack, 'bucket', other, 'payroll-data'))).toThrow(
      'does not name the stack',
    );
    expect(() => synthesized(from)).toThrow('would be a second set');
  });

  it('refuse material like the stacks', () => {
    const stack = new TerraformStack(new App(), 'platform');
    const key = new RotatedKey(stack, 'key', from);
    stack.addOverride('resource.aws_kms_external_key.version_v1.key_material_base64', 'AAAA');
    const faults = key.node.root.node.findAll().flatMap((one) => one.node.validate());
    expect(faults.join()).toContain('key material would stand in clear');
  });
});

describe('several rotation files of one project', () => {
  const project = mkdtempSync(path.join(tmpdir(), 'keyturn-project-'));
  const app = () => new App({ outdir: path.join(project, 'cdktf.out'), stackTraces: false });
  beforeAll(() => {
    mkdirSync(path.join(project, 'rotations'));
    const text = readFileSync(path.join(__dirname, '../../rotation.yaml'), 'utf8');
    for (const name of ['a', 'b'])
      writeFileSync(path.join(project, 'rotations', `${name}.yaml`), text.replace('rotation-test', name));
    writeFileSync(path.join(project, 'rotation.yaml'), text);
    writeFileSync(path.join(project, 'rotations/README.md'), 'One file a rotation.');
  });
  afterAll(() => rmSync(project, { recursive: true }));

  const stateOf = (stack: unknown): unknown =>
    (stack as TerraformStack).toTerraform().terraform.backend.local.path.replace('../../../', '');

  it('are all declared by one program, and find the state beside their file', async () => {
    const all = app();
    await declareRotations(all, project);
    expect(all.node.children.map((stack) => [stack.node.id, stateOf(stack)])).toEqual([
      ['rotation-test-keys', 'terraform.rotation-test-keys.tfstate'],
      ['rotation-test-storage', 'terraform.rotation-test-storage.tfstate'],
      ['a-keys', 'rotations/terraform.a-keys.tfstate'],
      ['a-storage', 'rotations/terraform.a-storage.tfstate'],
      ['b-keys', 'rotations/terraform.b-keys.tfstate'],
      ['b-storage', 'rotations/terraform.b-storage.tfstate'],
    ]);
  });

  it('keep evidence and marks in folders of their own, and rotation.yaml where it always did', () => {
    expect(evidenceFolder('/p/rotations/a.yaml')).toBe('/p/rotations/.keyturn/a/evidence');
    expect(evidenceFolder('/p/rotation.yaml')).toBe('/p/.keyturn/evidence');
  });

  it('fails when the state is still beside cdktf.out: an empty one would plan everything again', () => {
    const state = path.join(project, 'terraform.a-keys.tfstate');
    const of = rotation({ name: 'a', file: path.join(project, 'rotations/a.yaml') });
    writeFileSync(state, '{}');
    expect(() => new KeysStack(app(), of)).toThrow('which belongs beside');
    rmSync(state);
    expect(() => new KeysStack(app(), of)).not.toThrow();
  });
});
