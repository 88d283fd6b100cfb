import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { DeleteObjectCommand, PutObjectAnnotationCommand, UpdateObjectEncryptionCommand } from '@aws-sdk/client-s3';
import { newRole } from '../local-aws/s3-control/iam-role';
import { speak } from '../support/command-line';
import { type Liar, type Lie, startLiar } from '../support/liar';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

/** `post-apply` with `retire.rehearseAs`: before DisableKey a role of the team's readers reads without the old key. */
let site: SwitchedSite;
let [v1, v2] = ['', ''];

beforeEach(async () => {
  site = await switchedSite();
  [v1, v2] = site.arns;
  await site.put('moved');
  await site.put('moved too');
});

afterEach(async () => {
  await liar?.[Symbol.asyncDispose]();
  liar = undefined;
  await site[Symbol.asyncDispose]();
});

let liar: Liar | undefined;

/** An endpoint that is wrong in one way, and the same to every client. */
async function wrongly(of: readonly string[], tell: Lie['tell']): Promise<void> {
  liar = await startLiar();
  process.env.AWS_ENDPOINT_URL = liar.url;
  liar.begin({
    aws: site.endpoint,
    facts: { oldKeyArn: v1, activeKeyArn: v2, otherKeyArn: v1 },
    telling: { lie: { name: 'wrong', of, tell }, nth: 1, to: 'all', pick: 0 },
    before: async () => {},
  });
}

/** As an emulator that takes a session policy and does not hold it. */
function ignoringSessionPolicies(may: readonly string[]): Promise<void> {
  const { accessKeyId, secretAccessKey, sessionToken } = site.endpoint.credentials.addTemporary({ roleName: ROLE });
  site.endpoint.credentials.limit(accessKeyId, may);
  return wrongly(['Other'], (answer) => ({
    ...answer,
    body: answer.body
      .replace(/<AccessKeyId>[^<]*/, `<AccessKeyId>${accessKeyId}`)
      .replace(/<SecretAccessKey>[^<]*/, `<SecretAccessKey>${secretAccessKey}`)
      .replace(/<SessionToken>[^<]*/, `<SessionToken>${sessionToken}`),
  }));
}

const ROLE = 'ledger-readers';
const roleArn = () => `arn:aws:iam::${site.endpoint.accountId}:role/${ROLE}`;
const trust = () => ({
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${site.endpoint.accountId}:root` },
  Action: 'sts:AssumeRole',
});
/** What a reader of the team may do: read, by keys that only S3 uses for it. */
const reading = (...keys: readonly string[]): object[] => [
  { Effect: 'Allow', Action: ['s3:GetObject', 's3:GetObjectVersion'], Resource: '*' },
  {
    Effect: 'Allow',
    Action: 'kms:Decrypt',
    Resource: keys,
    Condition: { StringEquals: { 'kms:ViaService': `s3.${site.endpoint.region}.amazonaws.com` } },
  },
];
const postApply = (...more: string[]) =>
  speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s', '--json', ...more]);
const switchWith = (more = '') => site.switch(`retire: { rehearseAs: "${roleArn()}"${more} }\n`);
const underV1 = () => ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: v1 });
const byRole = (operation: string) =>
  [...site.endpoint.requests].filter((one) => one.operation === operation && one.accessKeyId?.startsWith('ASIA'));
const disables = () => [...site.endpoint.requests].filter((one) => one.operation === 'DisableKey').length;

async function rehearsals() {
  const folder = path.join(site.directory, '.keyturn', 'evidence');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ndjson')).sort();
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
  const records = texts.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line));
  return records.filter((one) => one.type === 'dress-rehearsal').map((one) => one.data);
}

it('reads a sample of every bucket as the role, without the old key, and then disables it', async () => {
  await newRole(site.endpoint, ROLE, { may: reading(v1, v2), trust: trust() });
  await switchWith();
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([
    0,
    expect.stringContaining(`v1: dress rehearsal as ${roleArn()}: 2 object version(s)`),
  ]);
  expect(await site.stateOf(v1)).toBe('Disabled');
  const [record] = await rehearsals();
  expect(record).toMatchObject({
    version: 'v1',
    role: roleArn(),
    keyArn: v1,
    sessionPolicy: expect.stringMatching(/^[0-9a-f]{64}$/),
    denial: { describeKey: 'denied' },
    buckets: [{ bucket: site.bucket, read: 2, failed: [], unreadable: [] }],
    impossible: [],
    requests: expect.any(Number),
  });
  expect(record.buckets[0].refusedWithoutActive).toMatchObject({ key: expect.stringContaining('moved') });
  const last = Math.max(...byRole('GetObject').map((one) => [...site.endpoint.requests].indexOf(one)));
  const disabled = [...site.endpoint.requests].findIndex((one) => one.operation === 'DisableKey');
  expect(last).toBeLessThan(disabled);
});

describe('doctor', () => {
  const found = async () => {
    const { stdout } = await speak(site.directory, ['doctor', '--json']);
    const { findings } = JSON.parse(stdout) as { findings: { check: string; sound: boolean; found: string }[] };
    return findings.filter(({ check }) => check === 'dress rehearsal');
  };

  it('assumes the role, in a session that may do nothing', async () => {
    await newRole(site.endpoint, ROLE, { may: reading(v1, v2), trust: trust() });
    await switchWith();
    expect(await found()).toMatchObject([{ sound: true, found: `${roleArn()} can be assumed` }]);
    expect(byRole('AssumeRole')).toEqual([]);
    expect([...site.endpoint.requests].filter(({ operation }) => operation === 'AssumeRole')).toHaveLength(1);
  });

  it('fails when the role does not trust this identity, or is not there', async () => {
    await switchWith();
    expect(await found()).toMatchObject([{ sound: false, found: expect.stringContaining('sts:AssumeRole') }]);
    await newRole(site.endpoint, ROLE, { trust: { ...trust(), Principal: { AWS: 'arn:aws:iam::999988887777:root' } } });
    expect(await found()).toMatchObject([{ sound: false, found: expect.stringContaining(roleArn()) }]);
  });

  it('says nothing of it where no role is named', async () => {
    await site.switch();
    expect(await found()).toEqual([]);
  });
});

it('says in output and evidence that nothing was rehearsed where no role is named', async () => {
  await site.switch();
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('v1: nothing was rehearsed')]);
  expect(await rehearsals()).toEqual([
    { version: 'v1', keyArn: v1, rehearsed: false, because: expect.stringContaining('retire.rehearseAs') },
  ]);
});

it('refuses where the role needs the old key for an object that HEAD names otherwise', async () => {
  await newRole(site.endpoint, ROLE, { may: reading(v1, v2), trust: trust() });
  await switchWith();
  await site.put('under v2');
  await site.put('mislabelled', underV1());
  await wrongly(['HeadObject'], (answer, { url }) => {
    if (!url.includes('mislabelled')) return answer;
    return { ...answer, headers: { ...answer.headers, 'x-amz-server-side-encryption-aws-kms-key-id': v2 } };
  });
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('cannot read "mislabelled"')]);
  expect(stderr).toContain(`without it ${roleArn()}`);
  expect(disables()).toBe(0);
});

it.each([
  ['that does not exist', async (): Promise<unknown> => undefined, 'cannot be assumed'],
  [
    'that does not trust this identity',
    async (): Promise<unknown> =>
      newRole(site.endpoint, ROLE, {
        trust: { ...trust(), Principal: { AWS: `${roleArn().replace(/role.*/, 'user/else')}` } },
      }),
    'cannot be assumed',
  ],
  [
    'that may not use the active key',
    async () => newRole(site.endpoint, ROLE, { may: reading(v1), trust: trust() }),
    'the role cannot read "moved',
  ],
  [
    'that may not read the bucket',
    async () => newRole(site.endpoint, ROLE, { may: reading(v1, v2).slice(1), trust: trust() }),
    'the role cannot read "moved',
  ],
] as const)('refuses with a role %s', async (_title, make, said) => {
  await make();
  await switchWith();
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining(said)]);
  expect(disables()).toBe(0);
  expect((await rehearsals()).at(-1).impossible).not.toEqual([]);
});

it('refuses where the endpoint does not hold session policies, although every read succeeds', async () => {
  await newRole(site.endpoint, ROLE, { may: reading(v1, v2), trust: trust() });
  await switchWith();
  await ignoringSessionPolicies(['s3:GetObject*', 'kms:Decrypt']);
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('denied the active key can read')]);
  expect(disables()).toBe(0);
});

it('refuses where KMS answers to a session that is denied the key', async () => {
  await newRole(site.endpoint, ROLE, {
    may: [...reading(v1, v2), { Effect: 'Allow', Action: 'kms:DescribeKey', Resource: '*' }],
    trust: trust(),
  });
  await switchWith();
  await ignoringSessionPolicies(['s3:GetObject*', 'kms:*']);
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('the denial is not in force')]);
});

describe('annotations of what somebody else moved', () => {
  const UNTIL = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const WAIVED = `, waivers: [{ what: annotations, until: ${UNTIL}, reason: read in the rehearsal }]`;
  const note = (Key: string) =>
    site.s3.send(
      new PutObjectAnnotationCommand({ Bucket: site.bucket, Key, AnnotationName: 'note', AnnotationPayload: 'x' }),
    );
  const move = (Key: string) => {
    const ObjectEncryption = { SSEKMS: { KMSKeyArn: v2, BucketKeyEnabled: true } };
    return site.s3.send(new UpdateObjectEncryptionCommand({ Bucket: site.bucket, Key, ObjectEncryption }));
  };
  const annotations = { Effect: 'Allow', Action: 's3:GetObjectAnnotation', Resource: '*' };

  it.each([
    [
      'refuses where the role needs the old key for them, whatever is waived',
      true,
      [annotations],
      [4, 'its annotation "note"'],
    ],
    ['opens where the role reads them without it', false, [annotations], [0, '1 annotation(s) read']],
    ['counts those that are not for the role', true, [], [0, '1 annotation(s), not for this role']],
  ] as const)('%s', async (_title, isLeft, more, [code, said]) => {
    await newRole(site.endpoint, ROLE, { may: [...reading(v1, v2), ...more], trust: trust() });
    if (isLeft) await note('moved');
    await move('moved');
    if (!isLeft) await note('moved');
    await switchWith(WAIVED);
    const { exitCode, stderr } = await postApply();
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(said)]);
    expect(await site.stateOf(v1)).toBe(code === 0 ? 'Disabled' : 'Enabled');
  });
});

it('refuses where everything is archived: nothing was read', async () => {
  await newRole(site.endpoint, ROLE, { may: reading(v1, v2), trust: trust() });
  for (const { key, versionId } of site.endpoint.stored.versions(site.bucket)) {
    await site.s3.send(new DeleteObjectCommand({ Bucket: site.bucket, Key: key, VersionId: versionId }));
  }
  for (const key of ['moved', 'moved too']) await site.put(key, { StorageClass: 'GLACIER' });
  await switchWith();
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([
    4,
    expect.stringContaining('nothing could be read: 2 object version(s) are archived'),
  ]);
});

it('opens over empty buckets: nothing in them can need the key', async () => {
  await newRole(site.endpoint, ROLE, { may: reading(v1, v2), trust: trust() });
  await switchWith(', verifyOnlyBuckets: [ledger-empty]');
  await site.createBucket('ledger-empty');
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('not rehearsed: ledger-empty is empty')]);
});

it('leaves objects of other keys aside that are not for the role', async () => {
  await newRole(site.endpoint, ROLE, { may: reading(v1, v2), trust: trust() });
  const { KeyMetadata } = await site.kms.send(new CreateKeyCommand({}));
  await site.put('of another team', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KeyMetadata?.Arn });
  await switchWith();
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('1 under other keys, not for this role')]);
});
