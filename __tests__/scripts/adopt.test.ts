import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { HeadObjectCommand, PutBucketVersioningCommand, PutObjectLegalHoldCommand } from '@aws-sdk/client-s3';
import { actionsFor } from '../../lib/permissions/command-permissions';
import { loadRotation } from '../../lib/rotation/rotation-file';
import { type ByHand, byHand } from '../support/by-hand';
import { speak } from '../support/command-line';

/** `adopt`: from what somebody made by hand to a rotation file. */
let site: ByHand;
beforeEach(async () => {
  site = await byHand();
});
afterEach(() => site[Symbol.asyncDispose]());

const RECIPIENT = 'age136egyx48wwqcvkr4r7vez9h4cfv7hfrlcly0ujls8j3dp397j9tqpfz35g';
const file = () => path.join(site.directory, 'rotation.yaml');
const adopt = (...args: string[]) => speak(site.directory, ['adopt', '--alias', 'alias/photos', ...args]);
const rotation = () => loadRotation(file(), { now: new Date() });

async function photos(): Promise<string> {
  const { arn } = await site.importedKey('alias/photos');
  await site.bucket('photos-originals', 'alias/photos');
  return arn;
}

it('takes a key over: it, the alias and the bucket are declared to be imported, and a new version is active', async () => {
  const arn = await photos();
  const { exitCode, stdout } = await adopt('--take-over', '--recipient', RECIPIENT, '--yes', '--json');
  expect(exitCode).toBe(0);
  expect(await rotation()).toMatchObject({
    name: 'photos',
    account: site.endpoint.accountId,
    keyVersions: [
      { name: 'v1', takeOver: arn },
      { name: 'v2', keyArn: undefined },
    ],
    activeVersion: 'v2',
    buckets: [{ name: 'photos-originals', manage: 'encryption' }],
    adopted: { alias: true, versionAliases: [], buckets: ['photos-originals'] },
    custody: { age: { recipients: [RECIPIENT] } },
  });
  const { found, notes, body } = JSON.parse(stdout);
  expect(found.keys).toMatchObject([
    { arn, origin: 'EXTERNAL', state: 'Enabled', aliases: ['alias/photos'], defaultOf: ['photos-originals'] },
  ]);
  expect(found.keys[0].policy.join()).toContain('kms:*');
  expect(notes.join()).toContain('is replaced by Keyturn');
  expect(body).toContain('### To decide');
});

it('refuses to take a multi-Region key over', async () => {
  const { KeyMetadata } = await site.kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL', MultiRegion: true }));
  await site.kms.send(new CreateAliasCommand({ AliasName: 'alias/photos', TargetKeyId: KeyMetadata?.KeyId }));
  await site.bucket('photos-originals', 'alias/photos');
  const { exitCode, stderr } = await adopt('--take-over', '--recipient', RECIPIENT, '--yes');
  expect([exitCode, stderr]).toEqual([expect.any(Number), expect.stringContaining('it is a multi-Region key')]);
  expect(existsSync(file())).toBe(false);
});

it.each([
  ['is on', undefined, 0, []],
  ['is off', 'Disabled', 1, ['aws kms enable-key --key-id <key>']],
])(
  'has a status before the first apply that knows the key to take over, which %s',
  async (_state, state, exit, fixes) => {
    const arn = await photos();
    if (state !== undefined) await site.kms.send(new DisableKeyCommand({ KeyId: arn }));
    const { stderr } = await adopt('--take-over', '--recipient', RECIPIENT, '--yes');
    const { exitCode, stdout } = await speak(site.directory, ['status', '--json']);
    const { drift, next } = JSON.parse(stdout);
    expect([exitCode, next.command]).toEqual([exit, 'npx cdktf deploy photos-keys']);
    const about = drift.filter(({ code }: { code: string }) => code.startsWith('earlier-key'));
    expect(about.map(({ fix }: { fix: string }) => fix.replace(arn, '<key>'))).toEqual(fixes);
    for (const fix of fixes) expect(stderr).toContain(fix.replace('<key>', arn));
  },
);

it('fails when the key to take over does not exist any more', async () => {
  const arn = await photos();
  await adopt('--take-over', '--recipient', RECIPIENT, '--yes');
  const gone = `${arn.slice(0, -4)}${arn.endsWith('0000') ? '1111' : '0000'}`;
  writeFileSync(file(), readFileSync(file(), 'utf8').replaceAll(arn, gone));
  const { exitCode, stdout } = await speak(site.directory, ['status']);
  expect([exitCode, stdout]).toEqual([1, expect.stringContaining('v1 is gone from KMS')]);
});

it('keeps the policy of the key where that is asked for, and shows it line by line', async () => {
  await photos();
  const { stdout } = await adopt('--take-over', '--keep-policy', '--yes');
  expect(stdout).toMatch(/^\+ +"Action": "kms:\*",$/m);
  const { keyPolicy, keyVersions } = await rotation();
  expect([keyPolicy.keep, JSON.parse(keyVersions[0]?.keptPolicy ?? '').Statement]).toEqual([
    true,
    [expect.objectContaining({ Action: 'kms:*' })],
  ]);
  const away = await adopt('--move-away', '--keep-policy', '--yes', '--rotation-file', 'other.yaml');
  expect([away.exitCode, away.stderr]).toEqual([64, expect.stringContaining('belongs to --take-over')]);
});

it('moves away: the old key is named by its ARN, and Keyturn may disable it only where that is said', async () => {
  const arn = await photos();
  await adopt('--move-away', '--retire', '--yes');
  expect((await rotation()).keyVersions[0]).toMatchObject({ keyArn: arn, retire: true });
  expect((await rotation()).keyVersions[0]).not.toHaveProperty('takeOver');
});

it('keeps the old key active where no new version is wanted: the first apply changes nothing', async () => {
  await photos();
  await adopt('--take-over', '--no-new-version', '--yes');
  expect(await rotation()).toMatchObject({ activeVersion: 'v1', keyVersions: [{ name: 'v1' }] });
});

it('writes nothing in a dry run, and the body of a pull request beside the file', async () => {
  await photos();
  const dry = await adopt('--move-away', '--dry-run');
  expect([dry.exitCode, dry.stdout]).toEqual([0, expect.stringContaining('+alias: alias/photos')]);
  expect(existsSync(file())).toBe(false);
  await adopt('--move-away', '--yes', '--body', 'body.md');
  const body = readFileSync(path.join(site.directory, 'body.md'), 'utf8');
  expect(body).toMatch(/Adopt alias.*Why this is safe.*imports? `alias\/photos`/s);
  const again = await adopt('--yes');
  expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('declares all of it already')]);
});

it('says who else uses the key: a grant, another alias, another bucket', async () => {
  const arn = await photos();
  const GranteePrincipal = `arn:aws:iam::${site.endpoint.accountId}:root`;
  await site.kms.send(new CreateGrantCommand({ KeyId: arn, GranteePrincipal, Operations: ['Decrypt'] }));
  await site.kms.send(new CreateAliasCommand({ AliasName: 'alias/backup', TargetKeyId: arn }));
  await site.bucket('reports', arn);
  const { stderr, stdout } = await adopt('--bucket', 'photos-originals', '--move-away', '--dry-run', '--json');
  expect(stderr).toContain('aliases: alias/backup, alias/photos; default of: photos-originals, reports');
  expect(stderr).toContain(`grants: ${GranteePrincipal}: Decrypt`);
  expect(JSON.parse(stdout).notes.join()).toContain('cover it with --bucket reports');
});

it('refuses to go on where it is not said what becomes of the old key, and shows both ways', async () => {
  await photos();
  const { exitCode, stderr } = await adopt('--yes');
  expect([exitCode, stderr]).toEqual([64, expect.stringContaining('--move-away or --take-over')]);
  expect(stderr).toContain('take over');
  expect(existsSync(file())).toBe(false);
});

it.each<[string, readonly string[], number, string]>([
  ['both ways', ['--move-away', '--take-over'], 64, 'contradict'],
  ['--retire with --take-over', ['--take-over', '--retire'], 64, 'belongs to --move-away'],
  ['an alias that does not exist', ['--alias', 'alias/other', '--move-away'], 4, 'alias/other does not exist'],
  ['a bucket that does not exist', ['--bucket', 'not-there', '--move-away'], 4, 'bucket not-there does not exist'],
  ['a recipient that is none', ['--move-away', '--recipient', 'age1x'], 78, 'custody.age.recipients'],
])('refuses %s', async (_name, args, code, message) => {
  await photos();
  const { exitCode, stderr } = await adopt(...args, '--yes');
  expect([exitCode, stderr]).toEqual([code, expect.stringContaining(message)]);
  expect(existsSync(file())).toBe(false);
});

it.each([
  ['photos', 'pass --alias alias/photos;'],
  ['arn:aws:kms:eu-west-1:111122223333:alias/photos', 'pass --alias alias/...;'],
])('refuses --alias %s, which lacks its prefix, and says what to pass', async (alias, hint) => {
  const { exitCode, stderr } = await speak(site.directory, ['adopt', '--alias', alias, '--move-away', '--yes']);
  expect([exitCode, stderr]).toEqual([64, expect.stringContaining(hint)]);
});

it('refuses an alias of AWS before it asks AWS, and names the way that is open', async () => {
  const { exitCode, stderr } = await speak(site.directory, [
    'adopt',
    '--alias',
    'alias/aws/s3',
    '--move-away',
    '--yes',
  ]);
  expect([exitCode, stderr]).toEqual([64, expect.stringContaining('reencrypt.from')]);
  expect([...site.endpoint.requests]).toEqual([]);
});

it('refuses to take over a key that KMS made, and moves away from it unasked', async () => {
  const arn = await site.awsKey('alias/photos');
  await site.bucket('photos-originals', arn);
  expect((await adopt('--take-over', '--yes')).stderr).toContain('its origin is AWS_KMS');
  const { exitCode, stderr } = await adopt('--yes');
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('moving away from the old key')]);
  expect((await rotation()).keyVersions[0]?.keyArn).toBe(arn);
});

it('refuses where a version alias is somebody else’s, and imports one that names the key already', async () => {
  const arn = await photos();
  await site.kms.send(new CreateAliasCommand({ AliasName: 'alias/photos/v1', TargetKeyId: arn }));
  await adopt('--take-over', '--yes');
  expect((await rotation()).adopted?.versionAliases).toEqual(['v1']);
  await site.awsKey('alias/photos/v2');
  writeFileSync(path.join(site.directory, 'other.yaml'), '');
  const refused = await adopt('--take-over', '--yes', '--rotation-file', 'second.yaml');
  expect([refused.exitCode, refused.stderr]).toEqual([4, expect.stringContaining('alias/photos/v2 names')]);
});

it('declares three old keys of different origin in two buckets, the oldest first, and that versions are suspended', async () => {
  const first = await site.awsKey();
  const { arn: second } = await site.importedKey();
  const third = await photos();
  await site.bucket('archive', first);
  await site.s3.send(
    new PutBucketVersioningCommand({ Bucket: 'archive', VersioningConfiguration: { Status: 'Suspended' } }),
  );
  const buckets = ['--bucket', 'photos-originals', '--bucket', 'archive'];
  const { stderr } = await adopt(...buckets, '--key', second, '--take-over', '--yes');
  expect(stderr).toContain('versioning of archive is suspended');
  expect((await rotation()).keyVersions.map(({ keyArn, takeOver }) => keyArn ?? takeOver)).toEqual([
    first,
    second,
    third,
    undefined,
  ]);
});

it('replaces the file that init wrote, with its values: nobody has written anything into it', async () => {
  const arn = await photos();
  const given = ['--name', 'pictures', '--region', site.endpoint.region, '--alias', 'alias/photos'];
  await speak(site.directory, ['init', ...given, '--bucket', 'photos-originals', '--forge', 'none']);
  writeFileSync(file(), readFileSync(file(), 'utf8').replace('recipients: []', `recipients: [${RECIPIENT}]`));
  expect(await speak(site.directory, ['adopt', '--take-over', '--yes'])).toMatchObject({ exitCode: 0 });
  expect(await rotation()).toMatchObject({
    name: 'pictures',
    keyVersions: [{ takeOver: arn }, { name: 'v2' }],
    buckets: [{ name: 'photos-originals', manage: 'encryption' }],
    custody: { age: { recipients: [RECIPIENT] } },
  });
  expect((await adopt('--take-over', '--recipient', RECIPIENT, '--yes')).stderr).toContain('all of it already');
});

it('refuses options that a written file contradicts, and names the old key that no version of it is', async () => {
  const arn = await photos();
  await speak(site.directory, ['init', '--region', site.endpoint.region, '--alias', 'alias/photos', '--forge', 'none']);
  const text = readFileSync(file(), 'utf8').replace('kms-key-rotation-test-bucket', 'photos-originals # ours');
  writeFileSync(file(), text);
  const given = ['--take-over', '--recipient', RECIPIENT, '--profile', 'other', '--yes'];
  const refused = await adopt(...given);
  expect([refused.exitCode, refused.stderr]).toEqual([
    64,
    expect.stringContaining('declare what --take-over, --recipient, --profile say'),
  ]);
  const line = `"- { name: v0, takeOver: "${arn}" }" at the head of keyVersions`;
  expect(refused.stderr).toContain(line);
  expect(readFileSync(file(), 'utf8')).toBe(text);
  expect((await adopt('--dry-run')).stderr).toContain(line);
});

it('adds to a rotation file what it declares and AWS holds, and leaves every other byte', async () => {
  await photos();
  await site.bucket('archive');
  const text = `# ours
name: photos
region: ${site.endpoint.region}
alias: alias/photos   # the main one
keyVersions: [{ name: v1 }]
activeVersion: v1
buckets:
  - name: photos-originals
    manage: encryption
`;
  writeFileSync(file(), text);
  const { exitCode, stderr } = await adopt('--bucket', 'archive', '--yes');
  expect(exitCode).toBe(0);
  expect(stderr).toContain('`npx keyturn plan --out keyturn-plan`, or go on with `npx keyturn rotate`');
  const after = readFileSync(file(), 'utf8');
  expect(after.startsWith(text)).toBe(true);
  expect(await rotation()).toMatchObject({
    buckets: [{ name: 'photos-originals' }, { name: 'archive', manage: 'encryption' }],
    adopted: { alias: true, buckets: expect.arrayContaining(['archive', 'photos-originals']) },
  });
});

it('names what shows and begins a rotation in stacks of a team’s own, and the rotation file where it is another one', async () => {
  await photos();
  const written = `name: photos
region: ${site.endpoint.region}
alias: alias/photos
keyVersions: [{ name: v1 }]
activeVersion: v1
buckets: [{ name: photos-originals, manage: encryption }]
`;
  writeFileSync(file(), `${written}terraform: { stacks: { keys: security, storage: [data, media] } }\n`);
  expect((await adopt('--yes')).stderr).toContain(
    'see the imports with `npx cdktf diff security data media`, or go on with `npx cdktf deploy security`',
  );
  writeFileSync(path.join(site.directory, 'other.yaml'), written);
  expect((await adopt('--yes', '--rotation-file', 'other.yaml')).stderr).toContain(
    'see the imports with `npx keyturn plan --rotation-file other.yaml --out keyturn-plan`, or go on with `npx keyturn rotate --rotation-file other.yaml`',
  );
});

it('warns where the stack would own a bucket that exists: what it cannot import is replaced', async () => {
  await photos();
  const text = `name: photos
region: ${site.endpoint.region}
alias: alias/photos
keyVersions: [{ name: v1 }]
activeVersion: v1
buckets: [{ name: photos-originals, manage: bucket }]
`;
  writeFileSync(file(), text);
  const { stdout } = await adopt('--dry-run', '--json');
  expect(JSON.parse(stdout).notes).toEqual([
    expect.stringContaining('objects under it would stay there'),
    expect.stringContaining('replaces its bucket policy'),
  ]);
});

it('names what it may not read instead of leaving it out', async () => {
  await photos();
  const allowed = ['kms:DescribeKey', 'kms:ListAliases', 's3:ListBucket', 's3:GetEncryptionConfiguration'];
  site.endpoint.credentials.limit(site.endpoint.accessKey.accessKeyId, [...allowed, 's3:GetBucketVersioning']);
  const { exitCode, stdout } = await adopt('--bucket', 'photos-originals', '--move-away', '--dry-run', '--json');
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).found.unread.join()).toMatch(/ListAllMyBuckets.*ListGrants.*GetKeyPolicy/);
});

it('reads with exactly what `policy adopt` prints, and nothing is unknown then', async () => {
  await photos();
  const { stdout } = await speak(site.directory, ['policy', 'adopt']);
  const [{ Action }] = JSON.parse(stdout).Statement;
  site.endpoint.credentials.limit(site.endpoint.accessKey.accessKeyId, Action);
  const { found } = JSON.parse((await adopt('--move-away', '--dry-run', '--json')).stdout);
  expect(found.unread).toEqual([]);
  const used = new Set([...site.endpoint.requests].flatMap(({ needs }) => needs.map(({ action }) => action)));
  expect(Action.filter((action: string) => !used.has(action))).toEqual([]);
});

it('reaches the account by a profile and a role, and the file that it writes says so', async () => {
  await photos();
  const trust = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${site.endpoint.accountId}:root` },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': 'ours' } },
  };
  const may = [{ Effect: 'Allow', Action: '*', Resource: '*' }];
  const roleArn = site.endpoint.addRole({ name: 'keyturn', trust: [trust], may });
  const shared = path.join(site.directory, 'credentials');
  const { accessKeyId, secretAccessKey } = site.endpoint.accessKey;
  const credentials = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  writeFileSync(shared, `[photos]\n${credentials}`);
  process.env.AWS_SHARED_CREDENTIALS_FILE = shared;
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) delete process.env[name];
  const reach = ['--profile', 'photos', '--assume-role', roleArn, '--external-id', 'ours'];
  const { exitCode, stderr } = await adopt('--move-away', ...reach, '--yes');
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining(':assumed-role/keyturn/keyturn-adopt')]);
  expect((await rotation()).aws).toEqual({ profile: 'photos', assumeRole: { roleArn, externalId: 'ours' } });
  // From here on the file says how.
  expect((await adopt('--yes')).stderr).toContain(':assumed-role/keyturn/keyturn-photos');
  const refused = await adopt('--move-away', '--assume-role', 'keyturn', '--rotation-file', 'other.yaml');
  expect([refused.exitCode, refused.stderr]).toEqual([64, expect.stringContaining('aws.assumeRole.roleArn')]);
});

it('leaves a declared bucket alone that does not exist yet: the stack creates it', async () => {
  await photos();
  const text = `name: photos
region: ${site.endpoint.region}
alias: alias/photos
keyVersions: [{ name: v1 }]
activeVersion: v1
buckets: [{ name: photos-to-be, manage: bucket }, { name: photos-originals, manage: encryption }]
`;
  writeFileSync(file(), text);
  expect((await adopt('--yes')).exitCode).toBe(0);
  expect((await rotation()).adopted).toMatchObject({ alias: true, buckets: ['photos-originals'] });
});

it('is what doctor asks for: an alias and a default of a key that no stack made are found before any plan', async () => {
  const arn = await photos();
  writeFileSync(
    file(),
    `name: photos
region: ${site.endpoint.region}
alias: alias/photos
keyVersions: [{ name: v1, keyArn: "${arn}" }, { name: v2 }]
activeVersion: v2
buckets: [{ name: photos-originals, manage: encryption }]
custody: { age: { recipients: [${RECIPIENT}] } }
`,
  );
  const findings = async () =>
    JSON.parse((await speak(site.directory, ['doctor', '--json'])).stdout).findings.filter(
      ({ check }: { check: string }) => check === 'adoption',
    );
  expect(await findings()).toEqual([
    expect.objectContaining({ sound: false, hint: expect.stringContaining('npx keyturn adopt') }),
    expect.objectContaining({ sound: true, found: expect.stringContaining('photos-originals') }),
  ]);
  const here = readFileSync(file(), 'utf8');
  writeFileSync(file(), `${here}terraform: { backend: s3, s3: { bucket: state-of-photos } }\n`);
  expect(await findings()).toEqual([
    expect.objectContaining({ sound: true, found: expect.stringContaining('cannot be seen here') }),
  ]);
  writeFileSync(file(), here);
  expect((await adopt('--yes')).exitCode).toBe(0);
  expect(await findings()).toEqual([]);
});

describe('after the switch away from adopted keys', () => {
  /** As the stacks and pre-apply leave it, with no more rights than pre-apply's for the material: a key of ours behind its alias, the main alias and the defaults on it. */
  async function switched(...buckets: readonly string[]): Promise<void> {
    const { keyVersions, activeVersion } = await rotation();
    const { arn, material } = await site.importedKey(`alias/photos/${activeVersion}`);
    const source = path.join(site.directory, 'material.bin');
    writeFileSync(source, material);
    const { credentials, accessKey } = site.endpoint;
    credentials.limit(accessKey.accessKeyId, actionsFor('pre-apply', await rotation()));
    const adopted = ['material', 'adopt', '--version', activeVersion, '--material-file', source, '--yes'];
    expect(await speak(site.directory, adopted)).toMatchObject({ exitCode: 0 });
    credentials.limit(accessKey.accessKeyId);
    await site.kms.send(new UpdateAliasCommand({ AliasName: 'alias/photos', TargetKeyId: arn }));
    for (const bucket of buckets) await site.setDefault(bucket, arn);
    expect(keyVersions.at(-1)?.name).toBe(activeVersion);
  }
  const stateOf = async (KeyId: string) =>
    (await site.kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState;
  const keyOf = async (Bucket: string, Key: string) =>
    (await site.s3.send(new HeadObjectCommand({ Bucket, Key }))).SSEKMSKeyId;
  const postApply = () => speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s']);

  it('keeps a key in use that a legal hold is under, and names the object', async () => {
    const { arn } = await site.importedKey('alias/photos');
    await site.bucket('photos-originals', arn, true);
    await site.put('photos-originals', 'held');
    await site.put('photos-originals', 'free');
    const hold = { Bucket: 'photos-originals', Key: 'held', LegalHold: { Status: 'ON' } } as const;
    await site.s3.send(new PutObjectLegalHoldCommand(hold));
    await adopt('--move-away', '--retire', '--recipient', RECIPIENT, '--yes');
    await switched('photos-originals');
    const { exitCode, stderr } = await postApply();
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining('"held"')]);
    expect([await stateOf(arn), await keyOf('photos-originals', 'held')]).toEqual(['Enabled', arn]);
    expect(await keyOf('photos-originals', 'free')).not.toBe(arn);
  });

  it('empties two buckets of two keys of different origin, one with suspended versions, and disables both', async () => {
    const made = await site.awsKey();
    const { arn } = await site.importedKey('alias/photos');
    await site.bucket('archive', made);
    await site.bucket('photos-originals', arn);
    const versioning = (Status: 'Enabled' | 'Suspended') =>
      site.s3.send(new PutBucketVersioningCommand({ Bucket: 'archive', VersioningConfiguration: { Status } }));
    await versioning('Enabled');
    await site.put('archive', 'twice');
    await site.put('archive', 'twice', { Body: 'again' });
    await versioning('Suspended');
    await site.put('photos-originals', 'one');
    const buckets = ['--bucket', 'photos-originals', '--bucket', 'archive'];
    await adopt(...buckets, '--move-away', '--retire', '--recipient', RECIPIENT, '--yes');
    await switched('photos-originals', 'archive');
    const { exitCode, stderr } = await postApply();
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('nothing is left under another key')]);
    expect([await stateOf(made), await stateOf(arn)]).toEqual(['Disabled', 'Disabled']);
  });
});
