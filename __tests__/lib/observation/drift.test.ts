import type { KeyDescription } from '../../../lib/kms/describe-key';
import { driftFindings } from '../../../lib/observation/drift';
import type { DriftInput } from '../../../lib/observation/drift-finding';
import { drillCommand, extendCommand, keeperOf } from '../../../lib/observation/key-remedy';
import type { VersionVerdict } from '../../../lib/observation/version-verdicts';
import type { BoundVersion } from '../../../lib/rotation/rotation';
import { parseRotation } from '../../../lib/rotation/rotation-file';
import { boundVersion } from '../../e2e/recorded-keys';
import { custodySeen, withoutCopies } from '../../support/custody-seen';

const NOW = new Date('2026-11-24T12:00:00Z');
const DAY = 86_400_000;
const daysFromNow = (days: number) => new Date(NOW.getTime() + days * DAY);
const arn = (name: string) => `arn:aws:kms:ap-northeast-1:111122223333:key/${name}`;

const key = (name: string, more: Partial<KeyDescription> = {}): KeyDescription => ({
  arn: arn(name),
  id: name,
  state: 'Enabled',
  origin: 'EXTERNAL',
  enabled: true,
  expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
  validTo: undefined,
  currentKeyMaterialId: 'f'.repeat(64),
  creationDate: daysFromNow(-100),
  deletionDate: undefined,
  relatedKeys: undefined,
  ...more,
});

const TAKEN = 'arn:aws:kms:ap-northeast-1:111122223333:key/12345678-1234-1234-1234-123456789012';

interface World {
  readonly versions?: string;
  readonly binding?: readonly BoundVersion[];
  readonly active?: string;
  readonly more?: string;
  readonly keys?: Readonly<Record<string, Partial<KeyDescription>>>;
  readonly alias?: string | undefined;
  readonly bucket?: { algorithm: string; keyArn: string | undefined; bucketKey: boolean };
  /** Of every earlier version. Default: retired. */
  readonly verdict?: Pick<VersionVerdict, 'kind' | 'text'> | undefined;
  readonly input?: Partial<DriftInput>;
}

/** A finished rotation from v1 to v2, and what differs from it. */
async function findings(world: World = {}) {
  const { active = 'v2', keys = {}, input = {} } = world;
  const text = `name: photos
region: ap-northeast-1
alias: alias/photos
keyVersions:
${world.versions ?? '  - name: v1\n    disabled: true\n  - name: v2\n'}activeVersion: ${active}
buckets:
  - name: photos-originals
    manage: bucket
${world.more ?? ''}`;
  const parsed = await parseRotation(text, '/r/rotation.yaml', { now: NOW, expired: 'accept' });
  const rotation = { ...parsed, binding: world.binding ?? [] };
  const state = (name: string): Partial<KeyDescription> => ({
    state: name === 'v1' ? 'Disabled' : 'Enabled',
    ...keys[name],
  });
  return driftFindings({
    rotation,
    now: NOW,
    seen: {
      versions: rotation.keyVersions.map((version) => ({ version, key: key(version.name, state(version.name)) })),
      aliasTarget: 'alias' in world ? world.alias : arn(active),
      buckets: [
        {
          name: 'photos-originals',
          default: world.bucket ?? { algorithm: 'aws:kms', keyArn: arn(active), bucketKey: true },
        },
      ],
    },
    custody: custodySeen(['v1', 'v2', 'v3'], daysFromNow(-100), arn),
    custodyWasHere: true,
    drilled: new Map(),
    refused: new Set(),
    madeCopies: new Set(),
    verifiedAt: daysFromNow(-1),
    left: { aliasTarget: arn(active), bucketDefaults: { 'photos-originals': arn(active) } },
    verdicts: (rotation.strategy === 'in-place' ? [] : rotation.keyVersions)
      .slice(
        0,
        rotation.keyVersions.findIndex((one) => one.name === active),
      )
      .map((version) => ({
        version,
        key: key(version.name, state(version.name)),
        superseded: true,
        since: NOW.toISOString(),
        ...(world.verdict ?? { kind: 'retired', text: 'retired: empty' }),
      })),
    materials: undefined,
    ...input,
  });
}

const said = async (world: World) => (await findings(world)).map((one) => `${one.level} ${one.code}: ${one.fix}`);

it('finds nothing where all is as declared', async () => {
  expect(await findings()).toEqual([]);
});

describe('age and expiry', () => {
  it('calls for a new version when the active key is older than the file allows', async () => {
    const more = 'rotateEveryDays: 90\n';
    expect(await said({ more })).toEqual(['act key-over-age: npx keyturn propose version']);
    expect(await said({ more: 'rotateEveryDays: 100\n' })).toEqual([]);
    const versions = '  - name: v1\n    disabled: true\n  - name: v2\n  - name: v3\n';
    expect(await said({ more, versions })).toEqual(['act key-over-age: npx keyturn propose switch --name v3']);
  });

  it('counts from the import, which in place is younger than the key', async () => {
    const more = 'strategy: in-place\nrotateEveryDays: 90\n';
    const custody = custodySeen(['v1', 'v2'], daysFromNow(-10), arn);
    const versions = '  - name: v1\n  - name: v2\n';
    const codes = (await findings({ more, versions, input: { custody } })).map((one) => one.code);
    expect(codes).toEqual([]);
  });

  it('counts by KMS where a clock that was wrong dated the import ahead, and asks for a drill', async () => {
    const custody = custodySeen(['v1', 'v2'], daysFromNow(300), arn);
    const more = 'rotateEveryDays: 90\ncustody: { drillEveryDays: 365 }\n';
    const [overAge, ...due] = await findings({ more, input: { custody } });
    expect([overAge?.code, overAge?.text]).toEqual(['key-over-age', expect.stringContaining('is 100 days old')]);
    expect(due.map(({ level, code }) => [level, code])).toEqual([['act', 'drill-due']]);
    const drilled = new Map([['v2', daysFromNow(-366)]]);
    const again = (await findings({ more, input: { custody, drilled } })).filter(({ code }) => code === 'drill-due');
    expect(again.map(({ text }) => text)).toEqual([expect.stringContaining('not drilled for 366 days')]);
    drilled.set('v2', daysFromNow(-1));
    expect((await findings({ more, input: { custody, drilled } })).map(({ code }) => code)).toEqual(['key-over-age']);
  });

  it.each([
    [61, undefined],
    [59, 'in less than 60 days'],
    [29, 'in less than 30 days'],
    [6, 'in less than 7 days'],
  ])('says of material that expires in %d days: %s', async (days, words) => {
    const validTo = daysFromNow(days);
    const date = validTo.toISOString().replace('.000Z', 'Z');
    const versions = `  - name: v1\n    disabled: true\n  - name: v2\n    materialValidTo: ${date}\n`;
    const found = await findings({ versions, keys: { v2: { validTo } } });
    expect(found.map((one) => one.code)).toEqual(words === undefined ? [] : ['material-expiring']);
    if (words !== undefined) expect(found[0]?.text).toContain(words);
  });

  it('asks to empty a superseded version whose material expires, and announces the end of a rollback', async () => {
    const versions = '  - name: v1\n  - name: v2\n';
    const soon = { validTo: daysFromNow(3) };
    expect(await said({ versions, keys: { v1: { ...soon, state: 'Enabled' } } })).toEqual([
      'act material-expiring: npx keyturn post-apply',
    ]);
    expect(await said({ keys: { v1: soon } })).toEqual([
      'note rollback-window-closing: npx keyturn rollback --to v1   (or nothing, if nobody goes back)',
    ]);
    const more = 'terraform: { stacks: { keys: security, storage: [data] } }\n';
    expect(await said({ keys: { v1: soon }, more })).toEqual([
      'note rollback-window-closing: npx keyturn propose rollback --name v1   (or nothing, if nobody goes back)',
    ]);
  });

  it('states the dead end where an earlier key lost its material and KMS refused the copy, or custody has none', async () => {
    const lost = { versions: '  - name: v1\n  - name: v2\n', keys: { v1: { state: 'PendingImport' } } };
    const verdict = { kind: 'left', text: 'not empty' } as const;
    const [first] = await said({ ...lost, verdict });
    expect(first).toMatch(/^outage material-expired: npx keyturn extend --version v1 /);
    const [refused] = await said({ ...lost, verdict, input: { refused: new Set(['v1']) } });
    expect(refused).toMatch(
      /^outage material-expired: the copy of v1 in custody is of other material.* restore its objects/,
    );
    const [gone] = await said({
      ...lost,
      verdict,
      input: { custody: withoutCopies(custodySeen(['v1', 'v2'], NOW, arn), ['v1']) },
    });
    expect(gone).toMatch(/^outage material-expired: custody here has no copy of v1.* restore its objects/);
  });

  it('tells material that is gone from a version that never had any', async () => {
    const gone = { state: 'PendingImport' };
    const versions = '  - name: v1\n  - name: v2\n';
    const codes = async (verdict: World['verdict']) =>
      (await findings({ versions, verdict, keys: { v1: gone } })).map(({ level, code }) => `${level} ${code}`);
    expect(await codes({ kind: 'not-verified', text: 'not verified' })).toEqual(['act material-expired']);
    expect(await codes({ kind: 'left', text: 'not empty' })).toEqual(['outage material-expired']);
    expect(await codes({ kind: 'retired', text: 'retired: empty' })).toEqual([]);
    const fresh = { ...gone, creationDate: NOW };
    expect(
      await findings({ versions: `${versions}  - name: v3\n`, keys: { v1: { state: 'Disabled' }, v3: fresh } }),
    ).toMatchObject([{ code: 'retirement-not-recorded' }]);
  });
});

describe('what was moved by hand', () => {
  it('finds an alias at a key that nobody declared, and one that left its place', async () => {
    const plan = 'npx keyturn plan --out keyturn-plan';
    expect(await said({ alias: arn('stranger') })).toEqual([`act alias-moved: ${plan}`]);
    expect(await said({ alias: arn('v1') })).toEqual([
      `act alias-moved: ${plan}   (or, if it is meant: npx keyturn propose switch --name v1)`,
    ]);
  });

  it('asks for no post-apply while an old key is what the alias names: it has to be readable first', async () => {
    const versions = `  - name: v1\n    keyArn: ${TAKEN}\n  - name: v2\n`;
    const before = (state: string) => ({
      versions,
      keys: { v1: { arn: TAKEN, state } },
      alias: TAKEN,
      verdict: { kind: 'not-verified', text: 'the switch is not done' } as const,
      input: { left: undefined, verifiedAt: undefined },
    });
    const old = async (state: string) =>
      (await findings(before(state))).filter(({ text }) => text.startsWith('v1 ')).map(({ fix }) => fix);
    expect(await old('Enabled')).toEqual([]);
    expect(await old('Disabled')).toEqual([`aws kms enable-key --key-id ${TAKEN}`]);
    expect(await old('PendingImport')).toEqual([`the owner of ${TAKEN} must import its material again`]);
  });

  it('takes the alias of a taken-over key for none before the first apply, and one from before Keyturn for one', async () => {
    const versions = `  - name: v1\n    takeOver: ${TAKEN}\n  - name: v2\n`;
    const world = { versions, alias: TAKEN, input: { left: undefined } };
    expect((await findings(world)).filter(({ code }) => code === 'alias-moved')).toEqual([]);
    const input = { left: undefined };
    const or = '   (or, if it is from before Keyturn: npx keyturn adopt)';
    expect(await said({ alias: arn('stranger'), input })).toEqual([
      `act alias-moved: npx keyturn plan --out keyturn-plan${or}`,
    ]);
    const more = 'adopted:\n  alias: true\nterraform: { stacks: { keys: security, storage: [data] } }\n';
    expect(await said({ alias: arn('stranger'), input, more })).toEqual([
      'act alias-moved: npx cdktf diff security data',
    ]);
  });

  it('asks for the material of a taken-over key while it is on, and for nothing once it is retired', async () => {
    const versions = `  - name: v1\n    takeOver: ${TAKEN}\n  - name: v2\n`;
    const custody = withoutCopies(custodySeen(['v2'], daysFromNow(-100), arn), ['v1']);
    const adopt = 'npx keyturn material adopt --version v1 --material-file <file>';
    const absent = async (state: string, kind: 'left' | 'retired') =>
      (
        await findings({ versions, keys: { v1: { state } }, verdict: { kind, text: kind }, input: { custody } })
      ).flatMap(({ code, level, fix }) => (code === 'custody-record-absent' ? [`${level} ${fix}`] : []));
    expect(await absent('Enabled', 'left')).toEqual([`act ${adopt}`]);
    expect(await absent('Disabled', 'retired')).toEqual([
      `note nothing; or, for a way back to it, enable its key first: ${adopt}`,
    ]);
  });

  it('does not take a switch that is still to come for one', async () => {
    const versions = '  - name: v1\n  - name: v2\n';
    const left = { aliasTarget: arn('v1'), bucketDefaults: { 'photos-originals': arn('v1') } };
    const bucket = { algorithm: 'aws:kms', keyArn: arn('v1'), bucketKey: true };
    expect(
      await said({ versions, keys: { v1: { state: 'Enabled' } }, alias: arn('v1'), bucket, input: { left } }),
    ).toEqual([]);
  });

  it('finds a bucket default at a strange key, back at SSE-S3, or with another bucket key', async () => {
    const at = (keyArn: string | undefined, bucketKey = true) => ({
      algorithm: keyArn ? 'aws:kms' : 'AES256',
      keyArn,
      bucketKey,
    });
    for (const bucket of [at(arn('stranger')), at(arn('v1')), at(undefined)])
      expect((await findings({ bucket })).map((one) => one.code)).toEqual(['bucket-default-moved']);
    expect((await findings({ bucket: at(arn('v2'), false) })).map((one) => one.code)).toEqual(['bucket-key-moved']);
  });

  it('lets an adopted bucket keep its own default until the first switch', async () => {
    const more = '  - name: adopted\n    manage: encryption\n';
    expect(await said({ more, input: { left: undefined } })).toEqual([]);
  });

  it('finds a key that is off though active, and one that waits to be deleted', async () => {
    expect((await findings({ keys: { v2: { state: 'Disabled' } } }))[0]?.code).toBe('active-key-unusable');
    const [found] = await findings({ keys: { v1: { state: 'PendingDeletion', deletionDate: daysFromNow(9) } } });
    expect(found?.text).toContain('2026-12-03T12:00:00.000Z');
    expect(found?.fix).toContain('cancel-key-deletion');
  });
});

describe('what nobody looks after', () => {
  const versions = '  - name: v1\n  - name: v2\n';
  const on = { v1: { state: 'Enabled' } };

  it('names keys of other Regions with the same material, and only notes them once each Region is waived', async () => {
    const replica = (region: string) => arn('v2').replace('ap-northeast-1', region);
    const of = (...regions: readonly string[]) => ({ keys: { v2: { relatedKeys: regions.map(replica) } } });
    const waived = (until: string, region = 'us-east-1') =>
      `retire: { waivers: [{ what: related-key, of: ${region}, reason: looked at by hand, until: ${until} }] }\n`;
    const seen = async (world: World) => (await findings(world)).map(({ code, level }) => `${level} ${code}`);
    expect(await seen(of())).toEqual([]);
    expect((await findings(of('us-east-1', 'us-west-2')))[0]?.text).toContain(`${replica('us-west-2')} has the same`);
    expect(await seen(of('us-east-1'))).toEqual(['act key-in-other-regions']);
    expect(await seen({ ...of('us-east-1'), more: waived('2026-11-24') })).toEqual(['note key-in-other-regions']);
    expect(await seen({ ...of('us-east-1'), more: waived('2026-11-23') })).toEqual(['act key-in-other-regions']);
    const both = { ...of('us-east-1', 'us-west-2'), more: waived('2027-01-01') };
    expect(await seen(both)).toEqual(['act key-in-other-regions']);
  });

  it('asks for a look where a superseded key is on and the last verification is old or unknown', async () => {
    for (const verifiedAt of [undefined, daysFromNow(-8)])
      expect(await said({ versions, keys: on, input: { verifiedAt } })).toEqual([
        'act stragglers-not-checked: npx keyturn post-apply',
      ]);
    expect(await said({ versions, keys: on })).toEqual([]);
  });

  it('finds custody without a record, and says nothing where custody is kept elsewhere', async () => {
    const custody = withoutCopies(custodySeen(['v1'], NOW, arn), ['v2']);
    expect(await said({ input: { custody } })).toEqual(['act custody-record-absent: npx keyturn propose version']);
    expect(await said({ input: { custody: { here: false, directory: '/r/custody' }, custodyWasHere: false } })).toEqual(
      [],
    );
  });

  it('notes a retirement that the file does not record, without calling anybody', async () => {
    expect(await said({ versions })).toEqual(['note retirement-not-recorded: npx keyturn propose retire --name v1']);
  });
});

describe('the binding', () => {
  const two = (more: Partial<BoundVersion> = {}) => [
    boundVersion('v1', arn('v1')),
    boundVersion('v2', arn('v2'), more),
  ];
  const text = async (world: World) => (await findings(world)).map((one) => `${one.code}: ${one.text}`);

  it('is as AWS and custody have it, or there is none', async () => {
    expect(await findings({ binding: two({ keyMaterialId: 'f'.repeat(64) }) })).toEqual([]);
    expect(await findings({ binding: [] })).toEqual([]);
  });

  it('that names another key or material than AWS has is a finding, with the command that moves the alias back', async () => {
    const [moved] = await findings({ binding: [boundVersion('v1', arn('v1')), boundVersion('v2', arn('old'))] });
    expect(moved).toMatchObject({ level: 'act', code: 'binding-contradicted' });
    expect(moved?.text).toBe(
      `rotation.lock.json: v2 is bound to ${arn('old')}, and alias/photos/v2 leads to ${arn('v2')}`,
    );
    expect(moved?.fix).toContain(`aws kms update-alias --alias-name alias/photos/v2 --target-key-id ${arn('old')}`);
    expect(await text({ binding: two({ keyMaterialId: 'e'.repeat(64) }) })).toEqual([
      'binding-contradicted: rotation.lock.json: v2 is bound to material eeeeeeeeeeee…, and its key holds ffffffffffff… for it',
    ]);
  });

  it('that lacks the active version, or has an old date or custody record, is a finding', async () => {
    expect(await said({ binding: [boundVersion('v1', arn('v1'))] })).toEqual([
      'act binding-incomplete: npx keyturn pre-apply   (and commit rotation.lock.json)',
    ]);
    expect(await text({ binding: two({ materialValidTo: '2027-01-01T00:00:00.000Z' }) })).toEqual([
      'binding-outdated: v2 expires at 2027-01-01T00:00:00.000Z by rotation.lock.json, at no time by KMS',
    ]);
    const custody = custodySeen(['v1', 'v2'], NOW, arn);
    expect(await text({ binding: two({ custodyRecordSha256: 'b'.repeat(64) }), input: { custody } })).toEqual([
      'binding-outdated: the custody record of v2 is not the one that rotation.lock.json binds',
    ]);
  });
});

it.each([
  ['age', { recipients: [], directory: '/r/custody' }, ' --identity <age identity file>'],
  ['command', { run: ['vault'], directory: '/r/custody', timeoutSeconds: 60 }, ''],
  ['pkcs11', { module: '/m.so', token: 't', directory: '/r/custody' }, ''],
])(
  'advises what custody of kind %s takes, and a ceremony where another machine keeps the copy',
  (kind, declared, more) => {
    const none = { age: undefined, command: undefined, pkcs11: undefined, drillEveryDays: undefined };
    const custody = { ...none, [kind]: declared };
    expect(extendCommand('v1', keeperOf({ custody }))).toBe(`npx keyturn extend --version v1 --valid-days 300${more}`);
    expect(drillCommand('v1', keeperOf({ custody }))).toBe(`npx keyturn drill --version v1${more}`);
    // A copy of before the rotation file changed is opened by the kind that its record names.
    const ofAge = { kind: 'age' as const, location: 'a.age', recipients: [] };
    expect(extendCommand('v1', keeperOf({ custody }, { custody: ofAge }))).toContain('--identity');
    const elsewhere = keeperOf({ custody }, { custody: { ...ofAge, location: null } });
    expect(extendCommand('v1', elsewhere)).toMatch(/^npx keyturn material prepare --version v1 {3}\(/);
  },
);
