import { randomBytes } from 'node:crypto';
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  DeleteImportedKeyMaterialCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  ListKeyRotationsCommand,
  RotateKeyOnDemandCommand,
} from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { importMaterial } from '../conformance/byok';
import { type CustodySite, inDays, openCustodySite } from '../support/custody-site';
import { rotationText } from '../support/keyturn-process';

/** What `status`, `doctor` and `pre-apply` say of material that expires, is lost, or is somebody else's; each advice is typed. */
const BUCKET = 'kms-key-rotation-test-bucket';
const ALIAS = 'alias/rotation-test-key';
const PAST = '2026-01-01T00:00:00Z';
let site: CustodySite;
let s3: S3Client;

beforeEach(async () => {
  site = await openCustodySite();
  const { url, region, accessKey: credentials } = site.endpoint;
  s3 = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true });
  const CreateBucketConfiguration = { LocationConstraint: region as 'eu-west-1' };
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
});
afterEach(async () => {
  s3.destroy();
  await site.close();
});

async function pointAt(keyArn: string) {
  const rule = {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn },
    BucketKeyEnabled: true,
  } as const;
  const ServerSideEncryptionConfiguration = { Rules: [rule] };
  await s3.send(new PutBucketEncryptionCommand({ Bucket: BUCKET, ServerSideEncryptionConfiguration }));
}

async function status() {
  const { exitCode, stdout } = await site.run('status', '--detailed-exitcode', '--json');
  const { next, drift, versions } = JSON.parse(stdout);
  const found = (code: string) => drift.filter((one: { code: string }) => one.code === code);
  return { exitCode, next, drift, versions, found };
}

/** Types a finding's advice as it stands. */
async function typed(fix: string): Promise<number> {
  const words = fix.replace('<age identity file>', site.identityFile).split(/\s+/);
  const argument = (flag: string) => words[words.indexOf(flag) + 1];
  const KeyId = argument('--key-id');
  if (fix.startsWith('npx keyturn ')) {
    return (await site.run(...words.slice(2), '--yes')).exitCode;
  }
  const KeyMaterialId = argument('--key-material-id');
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    'enable-key': () => site.kms.send(new EnableKeyCommand({ KeyId })),
    'cancel-key-deletion': () => site.kms.send(new CancelKeyDeletionCommand({ KeyId })),
    'delete-imported-key-material': () => site.kms.send(new DeleteImportedKeyMaterialCommand({ KeyId, KeyMaterialId })),
  };
  const call = calls[words[2] ?? ''];
  if (!fix.startsWith('aws kms ') || !call) throw new Error(`nobody can type ${fix}`);
  await call();
  return 0;
}

const dated = (text: string, version: string, date: string) =>
  text.replace(`- name: ${version}\n`, `- name: ${version}\n    materialValidTo: ${date}\n`);

describe('a key that is rotated in place', () => {
  let keyArn: string;
  const text = (versions: readonly string[], active: string) => `${rotationText(versions, active)}strategy: in-place\n`;
  const materials = async () =>
    (await site.kms.send(new ListKeyRotationsCommand({ KeyId: keyArn, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })))
      .Rotations ?? [];
  const idOf = async (version: string) =>
    (await materials()).find((one) => one.KeyMaterialDescription?.endsWith(`/${version}`))?.KeyMaterialId;
  const lose = async (version: string) =>
    site.kms.send(new DeleteImportedKeyMaterialCommand({ KeyId: keyArn, KeyMaterialId: await idOf(version) }));

  beforeEach(async () => {
    keyArn = await site.declareKey('v1');
    await site.kms.send(new CreateAliasCommand({ AliasName: ALIAS, TargetKeyId: keyArn }));
    await pointAt(keyArn);
    await site.declare(text(['v1'], 'v1'));
    expect((await site.run('pre-apply', '--yes')).exitCode).toBe(0);
  });

  const rotated = async () => {
    await site.declare(text(['v1', 'v2'], 'v2'));
    expect((await site.run('pre-apply', '--yes')).exitCode).toBe(0);
    expect((await site.run('post-apply', '--yes')).exitCode).toBe(0);
    expect((await status()).exitCode).toBe(0);
  };

  it('is down when an earlier material is lost, and the advice brings it back', async () => {
    await rotated();
    await lose('v1');
    const { exitCode, next, found } = await status();
    expect([exitCode, next.step]).toEqual([2, 'restore']);
    expect(found('material-expired')).toMatchObject([{ level: 'outage', text: expect.stringContaining('of v1') }]);
    expect((await site.run('status')).exitCode).toBe(1);
    const doctor = JSON.parse((await site.run('doctor', '--json')).stdout);
    expect(doctor.findings).toContainEqual(expect.objectContaining({ check: 'keys', sound: false }));
    expect(await typed(next.command)).toBe(0);
    expect(await status()).toMatchObject({ exitCode: 0, next: undefined });
  });

  it('names the command that helps when the date of the lost material is past, and pre-apply does not say done', async () => {
    await rotated();
    await lose('v1');
    await site.declare(dated(text(['v1', 'v2'], 'v2'), 'v1', PAST));
    const { exitCode, stderr } = await site.run('pre-apply', '--yes');
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('npx keyturn extend --version v1')]);
    const { next, versions } = await status();
    expect(versions[0].validity).toBe('expired');
    expect(next.command).toContain('npx keyturn extend --version v1');
    expect(await typed(next.command)).toBe(0);
    expect((await status()).next).toBeUndefined();
  });

  it('is not called done while ListKeyRotations is denied, throttled for long, or names no material', async () => {
    const match = { operation: 'ListKeyRotations' };
    const refuse = (code: string, more: { readonly times?: number } = {}) => {
      const then = { kind: 'answer', status: 400, code } as const;
      site.endpoint.faults.inject({ match: { ...match, ...more }, then });
    };
    refuse('AccessDeniedException');
    const seen = await site.run('status', '--json');
    expect([seen.exitCode, seen.stdout]).toEqual([77, expect.stringContaining('kms:ListKeyRotations')]);
    expect((await site.run('doctor')).exitCode).toBe(1);
    site.endpoint.faults.clear();
    refuse('ThrottlingException', { times: 2 });
    expect((await status()).exitCode).toBe(0);
    site.endpoint.faults.clear();
    const { answer } = site.endpoint;
    jest.spyOn(site.endpoint, 'answer').mockImplementation(async (...asked) => {
      const outcome = await answer.apply(site.endpoint, asked);
      const text = outcome.kind === 'answer' ? String(outcome.response.body ?? '') : '';
      if (outcome.kind !== 'answer' || !text.includes('"Rotations"')) return outcome;
      return {
        ...outcome,
        response: { ...outcome.response, body: text.replace(/"KeyMaterialId":"[0-9a-f]+",?/g, '') },
      };
    });
    expect((await status()).exitCode).toBe(2);
    expect((await site.run('doctor')).exitCode).toBe(1);
  });

  it('warns of each material by its own name', async () => {
    await site.declare(dated(text(['v1', 'v2'], 'v1'), 'v2', inDays(5)));
    expect((await site.run('pre-apply', '--yes')).exitCode).toBe(0);
    const [warning, ...more] = (await status()).found('material-expiring');
    expect([warning.text, more]).toEqual([expect.stringContaining('of v2'), []]);
    expect(await typed(warning.fix)).toBe(0);
    expect((await status()).found('material-expiring')).toEqual([]);
  });

  it('asks for material again that was deleted before it was rotated into use', async () => {
    await site.declare(text(['v1', 'v2'], 'v1'));
    await site.run('pre-apply', '--yes');
    await lose('v2');
    const { exitCode, next } = await status();
    expect([exitCode, next.step]).toEqual([2, 'import-material']);
    expect(await typed(`${next.command} --identity <age identity file>`)).toBe(0);
    expect((await status()).exitCode).toBe(0);
  });

  const foreign = async () =>
    importMaterial(site.kms, keyArn, randomBytes(32), {
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      ImportType: 'NEW_KEY_MATERIAL',
      KeyMaterialDescription: 'of somebody else',
    });

  it('reports material of somebody else that waits, and the advice removes it', async () => {
    await foreign();
    const [found] = (await status()).found('material-foreign');
    expect(found).toMatchObject({ level: 'act', text: expect.stringContaining('of somebody else') });
    await typed(found.fix);
    expect((await status()).found('material-foreign')).toEqual([]);
  });

  it('reports material of somebody else that the key encrypts with', async () => {
    await foreign();
    await site.kms.send(new RotateKeyOnDemandCommand({ KeyId: keyArn }));
    const { exitCode, found } = await status();
    expect([exitCode, found('material-foreign')]).toMatchObject([
      2,
      [{ level: 'act', text: expect.stringContaining('encrypts with now'), fix: 'npx keyturn propose version' }],
    ]);
  });
});

describe('a key for each version', () => {
  let arns: readonly [string, string];

  /** v1 retired behind the gate, v2 active, one object moved. */
  async function finished(edit: (text: string) => string = (text) => text) {
    arns = [await site.declareKey('v1'), await site.declareKey('v2')];
    await site.declare(rotationText(['v1', 'v2'], 'v1'));
    expect((await site.run('pre-apply', '--yes')).exitCode).toBe(0);
    await pointAt(arns[0]);
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'one', Body: 'one' }));
    await site.kms.send(new CreateAliasCommand({ AliasName: ALIAS, TargetKeyId: arns[1] }));
    await pointAt(arns[1]);
    await site.declare(edit(rotationText(['v1', 'v2'], 'v2')));
  }
  const postApply = () => site.run('post-apply', '--yes', '--relist-delay', '0s');
  const lose = (keyArn: string) => site.kms.send(new DeleteImportedKeyMaterialCommand({ KeyId: keyArn }));

  it('is an outage when the active key loses its material, on a fresh runner too', async () => {
    await finished();
    await lose(arns[1]);
    const { exitCode, next, versions, found } = await status();
    expect([exitCode, next.step, versions[1].validity]).toEqual([2, 'restore', 'lost']);
    expect(found('material-expired')[0].text).toMatch(/^outage: the active version v2/);
    const { stdout, exitCode: plain } = await site.run('status');
    expect([plain, stdout]).toEqual([1, expect.stringContaining('no material any more')]);
    expect((await site.run('doctor', '--json')).exitCode).toBe(1);
    expect(await typed(next.command)).toBe(0);
    expect((await status()).next.step).not.toBe('restore');
  });

  it('is an outage when the active key is disabled', async () => {
    await finished();
    await site.kms.send(new DisableKeyCommand({ KeyId: arns[1] }));
    const { next } = await status();
    expect(next.command).toBe(`aws kms enable-key --key-id ${arns[1]}`);
    const { stdout } = await site.run('extend', '--version', 'v2', '--valid-to', inDays(30), '--yes', '--json');
    expect(JSON.parse(stdout).error.message).toContain('enable it first');
    await typed(next.command);
    expect((await postApply()).exitCode).toBe(0);
    expect((await status()).exitCode).toBe(0);
  });

  it('is brought back by name when it is lost in the middle of the move, and then emptied', async () => {
    await finished();
    await lose(arns[0]);
    expect((await status()).next.command).toBe('npx keyturn post-apply');
    const preApply = await site.run('pre-apply', '--yes');
    expect([preApply.exitCode, preApply.stderr]).toEqual([3, expect.stringContaining('extend --version v1')]);
    expect((await postApply()).exitCode).toBe(4);
    const { next } = await status();
    expect(next).toMatchObject({ step: 'restore', command: expect.stringContaining('extend --version v1') });
    expect(await typed(next.command)).toBe(0);
    expect((await postApply()).exitCode).toBe(0);
    expect(await status()).toMatchObject({ exitCode: 0, next: undefined });
  });

  it('stays retired when its material is deleted on purpose, and a rollback says how it comes back', async () => {
    await finished();
    expect((await postApply()).exitCode).toBe(0);
    await lose(arns[0]);
    expect((await site.run('pre-apply', '--yes')).exitCode).toBe(0);
    expect(await site.describe(arns[0])).toMatchObject({ state: 'PendingImport' });
    expect((await status()).exitCode).toBe(0);
    await site.declare(rotationText(['v1', 'v2'], 'v2').replace('- name: v1\n', '- name: v1\n    disabled: true\n'));
    const refused = JSON.parse((await site.run('rollback', '--yes', '--json')).stdout);
    const command = /`(npx keyturn extend [^`]+)`/.exec(refused.error.hint)?.[1];
    expect(await typed(command ?? '')).toBe(0);
    expect(await site.describe(arns[0])).toMatchObject({ state: 'Enabled' });
    expect((await site.run('rollback', '--dry-run')).exitCode).toBe(0);
  });

  it.each([
    ['DescribeKey of one version', { operation: 'DescribeKey', key: `${ALIAS}/v1` }, 77, 'kms:DescribeKey'],
    ['ListAliases', { operation: 'ListAliases' }, 1, 'which takes kms:ListAliases'],
  ])('is not called done while %s is denied, and throttled it is asked again', async (_, match, code, said) => {
    await finished();
    const waived = `retire: { waivers: [{ what: use, until: "${inDays(2).slice(0, 10)}", reason: nobody may list aliases }] }\n`;
    await site.declare(`${rotationText(['v1', 'v2'], 'v2')}${waived}`);
    const refuse = (AwsCode: string, more: { readonly times?: number } = {}) => {
      const then = { kind: 'answer', status: 400, code: AwsCode } as const;
      site.endpoint.faults.inject({ match: { ...match, ...more }, then });
    };
    refuse('AccessDeniedException');
    await postApply();
    const denied = await site.run('status', '--json');
    expect([denied.exitCode, denied.stdout]).toEqual([code, expect.stringContaining(said)]);
    expect((await site.run('doctor')).exitCode).toBe(1);
    site.endpoint.faults.clear();
    expect((await postApply()).exitCode).toBe(0);
    refuse('ThrottlingException', { times: 2 });
    expect((await status()).exitCode).toBe(0);
  });

  it('has the date that the file says, or a finding', async () => {
    await finished((text) => dated(text, 'v2', inDays(200)));
    const [none] = (await status()).found('material-date-differs');
    expect(none.fix).toContain('remove materialValidTo');
    await site.declare(rotationText(['v1', 'v2'], 'v2'));
    expect((await status()).found('material-date-differs')).toEqual([]);
  });

  it.each([
    ['is earlier than that of KMS', inDays(100)],
    ['is later than that of KMS', inDays(300)],
    ['was removed from the file', undefined],
  ])('has its dates made equal when the date %s', async (_, date) => {
    await site.declareKey('v1');
    const plain = rotationText(['v1'], 'v1');
    await site.declare(dated(plain, 'v1', inDays(200)));
    await site.run('pre-apply', '--yes');
    await site.declare(date === undefined ? plain : dated(plain, 'v1', date));
    const [found] = (await status()).found('material-date-differs');
    expect(await typed(found.fix)).toBe(0);
    expect((await status()).found('material-date-differs')).toEqual([]);
  });
});
