import { createHash } from 'node:crypto';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UpdateAliasCommand } from '@aws-sdk/client-kms';
import { type CustodySite, datedText, inDays, openCustodySite } from '../support/custody-site';
import { rotationText } from '../support/keyturn-process';

/** `rotation.lock.json`: who writes it, what it holds, and what is refused where AWS contradicts it. */
jest.setTimeout(60_000);

let site: CustodySite;
let keyArn: string;
beforeEach(async () => {
  site = await openCustodySite();
  keyArn = await site.declareKey('v1');
  await site.declare(rotationText(['v1'], 'v1'));
});
afterEach(() => site.close());

const lockFile = () => path.join(site.directory, 'rotation.lock.json');
const lockText = () => readFileSync(lockFile(), 'utf8');
const bound = () => JSON.parse(lockText()).versions;
const errorOf = ({ stdout }: { readonly stdout: string }) => JSON.parse(stdout).error;
const preApply = (...args: readonly string[]) => site.run('pre-apply', '--yes', '--json', ...args);
const moveAlias = (version: string, arn: string) =>
  site.kms.send(new UpdateAliasCommand({ AliasName: `alias/rotation-test-key/${version}`, TargetKeyId: arn }));

describe('pre-apply', () => {
  it('binds each version to its key, material, date, recipients and custody record, and says so', async () => {
    const { exitCode, stderr, stdout } = await preApply();
    expect(exitCode).toBe(0);
    const record = path.join(site.directory, 'custody', 'rotation-test-v1.record.json');
    const { custody, keyMaterialId } = JSON.parse(readFileSync(record, 'utf8'));
    expect(bound()).toEqual([
      {
        name: 'v1',
        keyArn,
        keyMaterialId,
        materialValidTo: null,
        recipients: custody.recipients,
        custodyRecordSha256: createHash('sha256').update(readFileSync(record)).digest('hex'),
      },
    ]);
    expect(stderr).toContain(
      `v1: rotation.lock.json binds it to ${keyArn}, as its custody record says; alias/rotation-test-key/v1 led to that key at the import. Compare the ARN with the output key_arn_v1`,
    );
    expect(readFileSync(JSON.parse(stdout).evidence, 'utf8')).toContain(`"bound":{"v1":"${keyArn}"}`);
  });

  it('adds a version without touching a line of the others, and changes nothing the next time', async () => {
    await preApply();
    const before = lockText();
    await site.declareKey('v2');
    await site.declare(rotationText(['v1', 'v2'], 'v1'));
    await preApply();
    const after = lockText();
    expect(after.startsWith(before.slice(0, before.lastIndexOf('\n    }')))).toBe(true);
    expect(bound().map(({ name }: { name: string }) => name)).toEqual(['v1', 'v2']);
    await preApply();
    expect(lockText()).toBe(after);
  });

  it('says what it trusted for a version that nothing but its alias names', async () => {
    await preApply();
    rmSync(lockFile());
    rmSync(path.join(site.directory, 'custody'), { recursive: true });
    const { stderr } = await preApply();
    expect(stderr).toContain('nothing but alias/rotation-test-key/v1 says so');
    expect(bound()[0]).toMatchObject({ keyArn, recipients: [], custodyRecordSha256: null });
  });

  it('says that the alias decided where somebody moved it before the first import, and not that it knows the key', async () => {
    const stranger = await site.declareKey('stranger');
    await moveAlias('v1', stranger);
    const { exitCode, stderr } = await preApply();
    expect([exitCode, bound()[0].keyArn]).toEqual([0, stranger]);
    expect(stderr).toContain(
      'alias/rotation-test-key/v1 led to that key at the import. Compare the ARN with the output key_arn_v1',
    );
  });

  it('writes nothing in a dry run', async () => {
    await preApply('--dry-run');
    expect(() => lockText()).toThrow('ENOENT');
  });

  it('refuses to import into a key that the alias of a bound version was moved to', async () => {
    await preApply();
    const before = lockText();
    const stranger = await site.declareKey('stranger');
    await moveAlias('v1', stranger);
    const refused = await preApply();
    expect(refused.exitCode).toBe(4);
    expect(errorOf(refused)).toMatchObject({ code: 'binding-contradicted' });
    expect(errorOf(refused).message).toContain(`v1 is bound to ${keyArn}`);
    expect(errorOf(refused).message).toContain(`alias/rotation-test-key/v1 leads to ${stranger}`);
    expect(errorOf(refused).hint).toContain(`--target-key-id ${keyArn}`);
    expect((await site.describe(stranger)).state).toBe('PendingImport');
    expect(lockText()).toBe(before);
  });
});

it('extend binds the new date and the new custody record', async () => {
  await site.declare(datedText('v1', inDays(100)));
  await preApply();
  const [before] = bound();
  const to = inDays(200);
  const args = ['--version', 'v1', '--valid-to', to, '--identity', site.identityFile];
  expect((await site.run('extend', '--yes', '--json', ...args)).exitCode).toBe(0);
  const [after] = bound();
  expect(new Date(after.materialValidTo)).toEqual(new Date(to));
  expect(after).toEqual({
    ...before,
    materialValidTo: after.materialValidTo,
    custodyRecordSha256: after.custodyRecordSha256,
  });
  expect(after.custodyRecordSha256).not.toBe(before.custodyRecordSha256);
});

describe('every command refuses', () => {
  beforeEach(() => preApply());
  const edited = (change: (text: string) => string) => writeFileSync(lockFile(), change(lockText()));

  it.each([
    [
      'a merge conflict',
      (text: string) => text.replace('  "rotation"', '<<<<<<< HEAD\n  "rotation"'),
      'unresolved merge conflict in line 3',
    ],
    ['no JSON', () => '{', 'it is no JSON'],
    ['a member that it does not know', (text: string) => text.replace('"name"', '"more": 1, "name"'), 'unknown more'],
    [
      'a member that stands twice',
      (text: string) => text.replace('"name"', '"keyArn": "x", "name"'),
      'its members are in another order, or one stands twice',
    ],
    ['another format', (text: string) => text.replace('"formatVersion": 1', '"formatVersion": 2'), 'formatVersion'],
    ['another rotation', (text: string) => text.replace('"rotation-test"', '"photos"'), 'it is of rotation photos'],
    ['a version of no declaration', (text: string) => text.replace('"v1"', '"v9"'), 'which the rotation file does not'],
    ['another Region', (text: string) => text.replace(/kms:[a-z0-9-]+:/, 'kms:sa-east-1:'), 'key of Region sa-east-1'],
    ['another partition', (text: string) => text.replace('arn:aws:', 'arn:aws-cn:'), 'key of partition aws-cn'],
    ['an alias for a key', (text: string) => text.replace(/"arn[^"]+"/, '"alias/photos/v1"'), 'versions.0.keyArn'],
  ])('a binding with %s, by name', async (_, change, words) => {
    edited(change);
    const refused = await preApply();
    expect([refused.exitCode, errorOf(refused).code]).toEqual([78, 'binding-invalid']);
    expect(errorOf(refused).message).toContain('rotation.lock.json');
    expect(errorOf(refused).message).toContain(words);
  });

  it('a link in its place, which leads somewhere else tomorrow', async () => {
    writeFileSync(path.join(site.directory, 'elsewhere.json'), lockText());
    rmSync(lockFile());
    symlinkSync('elsewhere.json', lockFile());
    expect(errorOf(await preApply()).message).toContain('it cannot be read: it is a link');
  });

  it('the binding of another rotation file beside it, whose name ends otherwise', async () => {
    const other = (await site.readRotation()).replace('name: rotation-test', 'name: photos');
    writeFileSync(path.join(site.directory, 'rotation.yml'), other);
    const refused = await preApply('--rotation-file', 'rotation.yml');
    expect(errorOf(refused).message).toContain('it is of rotation rotation-test, the rotation file of photos');
  });

  it('versions whose keys were swapped, by what AWS says of each', async () => {
    const second = await site.declareKey('v2');
    await site.declare(rotationText(['v1', 'v2'], 'v1'));
    await preApply();
    edited((text) => text.replace(keyArn, 'first').replace(second, keyArn).replace('first', second));
    const refused = await preApply();
    expect([refused.exitCode, errorOf(refused).code]).toEqual([4, 'binding-contradicted']);
    expect(errorOf(refused).message).toContain(`v1 is bound to ${second}`);
  });

  it('one key for two versions', async () => {
    await site.declare(rotationText(['v1', 'v2'], 'v1'));
    edited((text) => {
      const file = JSON.parse(text);
      return JSON.stringify({ ...file, versions: [file.versions[0], { ...file.versions[0], name: 'v2' }] });
    });
    const refused = await preApply();
    expect(errorOf(refused).message).toContain(`v1 and v2 stand for one: ${keyArn}`);
  });

  it('a key of another account than the declared one', async () => {
    const declared = rotationText(['v1'], 'v1').replace('alias: ', 'account: "999988887777"\nalias: ');
    await site.declare(declared);
    expect(errorOf(await preApply()).message).toContain('the rotation is in 999988887777');
  });

  it('a binding of an adopted version, which its ARN binds', async () => {
    await site.declare(rotationText(['v1'], 'v1').replace('- name: v1\n', `- name: v1\n    keyArn: ${keyArn}\n`));
    expect(errorOf(await preApply()).message).toContain('it binds v1, which is adopted');
  });
});

it('takes the name of the rotation file for that of its binding', async () => {
  const text = await site.readRotation();
  writeFileSync(path.join(site.directory, 'photos.prod.yml'), text);
  await preApply('--rotation-file', 'photos.prod.yml');
  expect(JSON.parse(readFileSync(path.join(site.directory, 'photos.prod.lock.json'), 'utf8')).versions).toHaveLength(1);
});

describe('propose switch', () => {
  let second: string;
  beforeEach(async () => {
    await preApply();
    second = await site.declareKey('v2');
    await site.declare(rotationText(['v1', 'v2'], 'v1'));
    await preApply();
  });
  const propose = (...args: readonly string[]) =>
    site.run('propose', 'switch', '--no-forecast', '--body', 'body.md', '--yes', '--json', ...args);
  const body = () => readFileSync(path.join(site.directory, 'body.md'), 'utf8');

  it('says which key it is, by whom, and what its material is sealed for', async () => {
    const { stdout } = await propose();
    expect(JSON.parse(stdout)).toMatchObject({ exitCode: 0, binding: { source: 'before', bound: { keyArn: second } } });
    expect(body()).toContain(
      `- \`v2\` is the key \`${second}\`. \`rotation.lock.json\` said so before this pull request.`,
    );
    expect(body()).toContain(`- The copy in custody is sealed for \`${bound()[1].recipients[0]}\`.`);
  });

  it('puts a binding that is missing into the pull request, from the custody record', async () => {
    rmSync(lockFile());
    const { stdout } = await propose();
    expect(JSON.parse(stdout).diff).toContain(`+      "keyArn": "${second}"`);
    expect(body()).toContain('Its custody record names this key and this material.');
    expect(bound().map(({ name }: { name: string }) => name)).toEqual(['v1', 'v2']);
  });

  it('says in the body where nothing but the alias names the key, and where nothing was asked', async () => {
    rmSync(lockFile());
    rmSync(path.join(site.directory, 'custody'), { recursive: true });
    await propose('--dry-run');
    expect(() => lockText()).toThrow('ENOENT');
    const dry = JSON.parse((await propose('--dry-run')).stdout).body;
    expect(dry).toContain('**Nothing but `alias/rotation-test-key/v2` says so.**');
    expect(JSON.parse((await propose('--dry-run', '--offline')).stdout).body).toContain('**`v2` is not bound**');
  });

  it('refuses a version whose alias leads to another key than the bound one', async () => {
    await moveAlias('v2', await site.declareKey('stranger'));
    const before = await site.readRotation();
    const refused = await propose();
    expect([refused.exitCode, errorOf(refused).code]).toEqual([4, 'binding-contradicted']);
    expect(await site.readRotation()).toBe(before);
  });
});

it('status and doctor name a binding that AWS contradicts, and the command', async () => {
  await preApply();
  await moveAlias('v1', await site.declareKey('stranger'));
  const status = await site.run('status', '--detailed-exitcode');
  expect([status.exitCode, status.stdout + status.stderr]).toEqual([
    2,
    expect.stringContaining(`--target-key-id ${keyArn}`),
  ]);
  const { findings } = JSON.parse((await site.run('doctor', '--json')).stdout);
  expect(findings).toContainEqual(expect.objectContaining({ sound: false, hint: expect.stringContaining(keyArn) }));
});
