import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { type ErrorCode, isCode, KeyturnError } from '../../../lib/errors';
import { loadRotation, parseRotation } from '../../../lib/rotation/rotation-file';
import { runs } from '../../runner/slow';
import { faultsOf, minimal, NOW, parse, rotationText, textWith } from './rotation-texts';

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

const fails = async (work: Promise<unknown>, code: ErrorCode): Promise<KeyturnError> => {
  const error = await failure(work);
  if (error instanceof KeyturnError && isCode(error, code)) return error;
  throw new Error(`expected ${code}, got ${String(error)}`);
};

describe('loadRotation', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'keyturn-rotation-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const load = async (content: string | Uint8Array) => {
    const file = path.join(directory, 'rotation.yaml');
    await writeFile(file, content);
    return loadRotation(file, { now: NOW });
  };

  it('reads the sample with every default filled in', async () => {
    expect(await loadRotation('rotation.yaml', { now: NOW })).toEqual({
      file: path.resolve('rotation.yaml'),
      binding: [],
      name: 'rotation-test',
      region: 'ap-northeast-1',
      account: undefined,
      alias: 'alias/rotation-test-key',
      keyVersions: [{ name: 'v1', materialValidTo: undefined, keyArn: undefined, disabled: false }],
      activeVersion: 'v1',
      buckets: [{ name: 'kms-key-rotation-test-bucket', manage: 'bucket', bucketKey: true }],
      strategy: 'new-key',
      keyPolicy: { administrators: [], users: [], breakGlass: [], services: [] },
      expiry: { alarmTopicArn: undefined, warnDays: [60, 30, 7] },
      deletionWindowDays: 30,
      rotateEveryDays: undefined,
      tags: {},
      custody: {
        age: { recipients: [], directory: path.resolve('custody') },
        command: undefined,
        pkcs11: undefined,
        drillEveryDays: 365,
      },
      reencrypt: { method: 'rewrap', from: [], engine: 'local', batch: undefined },
      evidence: { bucket: undefined },
      retire: { verifyOnlyBuckets: [], unusedForDays: undefined, waivers: [] },
      access: { days: 30, waivers: [] },
      review: { waivers: [] },
      terraform: { awsProvider: '5.100.0', backend: 'local' },
    });
  });

  it('fails when the file is missing, and explains how to create one', async () => {
    const error = await fails(loadRotation(path.join(directory, 'none.yaml'), { now: NOW }), 'rotation-file-missing');
    expect(error.exitCode).toBe(78);
    expect(error.hint).toContain('npx keyturn init');
  });

  it('fails when the path is a directory', async () => {
    await mkdir(path.join(directory, 'd'));
    await fails(loadRotation(path.join(directory, 'd'), { now: NOW }), 'rotation-file-unreadable');
  });

  it('fails when the file is not UTF-8', () =>
    fails(load(Uint8Array.of(0x6e, 0xff, 0xfe)), 'rotation-file-unreadable'));

  it('fails when the file is larger than 1 MiB', () =>
    fails(load(`${textWith()}# ${'x'.repeat(1024 * 1024)}\n`), 'rotation-file-unreadable'));

  it('reads a file with a byte-order mark and Windows line ends', async () => {
    expect((await load(`\uFEFF${textWith().replace(/\n/g, '\r\n')}`)).name).toBe('test');
  });
});

describe('parseRotation', () => {
  it('reads any valid file to the same nouns, in whatever hand it is written', () =>
    fc.assert(
      fc.asyncProperty(rotationText, async ({ data, text }) => {
        const rotation = await parse(text);
        const { name, activeVersion, tags, reencrypt = {}, evidence = {} } = data;
        expect(rotation).toMatchObject({ name, activeVersion, tags, reencrypt, evidence });
        expect(rotation.keyVersions.map((version) => version.name)).toEqual(
          data.keyVersions.map((version) => version.name),
        );
      }),
    ));

  it('answers any text with a rotation or with faults that name a line of it', () =>
    fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), damagedText), async (text) => {
        for (const fault of await faultsOf(text)) {
          expect(fault.line).toBeGreaterThanOrEqual(1);
          expect(fault.line).toBeLessThanOrEqual(text.split('\n').length);
          expect(fault.column).toBeGreaterThanOrEqual(1);
          expect(`${fault.path}${fault.given}`).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
        }
      }),
      { numRuns: runs(100) },
    ));

  it('reports every fault of a file together, in reading order, each with its place', async () => {
    const text = [
      'name: Test',
      'region: ap-northeast-1',
      'alias: alias/aws/s3',
      'keyVersions:',
      '  - name: v1',
      '  - name: v1',
      '    nmae: v2',
      'activeVersion: v3',
      'buckets:',
      '  - name: test-bucket',
      '    manage: all',
      'colour: red',
    ].join('\n');
    const error = await fails(parseRotation(text, 'rotation.yaml', { now: NOW }), 'rotation-file-invalid');
    const { facts } = error as KeyturnError<'rotation-file-invalid'>;
    expect(facts.faults.map(({ line, column, path: at }) => `${line}:${column} ${at}`)).toEqual([
      '1:7 name',
      '3:8 alias',
      '6:11 keyVersions[1].name',
      '7:5 keyVersions[1].nmae',
      '8:16 activeVersion',
      '11:13 buckets[0].manage',
      '12:1 colour',
    ]);
    expect(error.message).toContain('rotation.yaml has 7 faults\n');
    expect(error.message).toContain(
      'rotation.yaml:7:5 keyVersions[1].nmae: given an unknown field "nmae", allowed name, ',
    );
    expect(error.message).toContain('did you mean "name"?');
  });

  it('prints what docs/rotation-file.md shows for the file that it shows', async () => {
    const text = await readFile('docs/rotation-file.md', 'utf8');
    const [, wrong = '', shown] =
      /```yaml wrong\n([\s\S]*?)```[\s\S]*?```\n(rotation.yaml has [\s\S]*?)\n```/.exec(text) ?? [];
    expect((await fails(parse(wrong), 'rotation-file-invalid')).message).toBe(shown);
  });

  it('prints at most 50 faults and counts the rest', async () => {
    const extra = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`field-${index}`, 1]));
    const error = await fails(parse(textWith(extra)), 'rotation-file-invalid');
    expect(error.message.split('\n')).toHaveLength(52);
    expect(error.message).toContain('and 10 more');
  });
});

/** A valid file with a piece cut out or doubled: what a slip of the hand leaves. */
const damagedText = fc.tuple(rotationText, fc.nat(), fc.nat(30), fc.boolean()).map(([{ text }, at, length, twice]) => {
  const from = at % (text.length + 1);
  return twice ? text.slice(0, from + length) + text.slice(from) : text.slice(0, from) + text.slice(from + length);
});

describe('what YAML allows and a rotation file does not', () => {
  it.each([
    ['an anchor and its alias', 'a: &x [1]\nb: *x\n', 'the alias'],
    ['an anchor alone', textWith().replace('name: test\n', 'name: &n test\n'), 'the anchor'],
    ['a tag', textWith().replace('name: test\n', 'name: !!str test\n'), 'the tag'],
    ['a directive', `%YAML 1.1\n---\n${textWith()}`, 'directive'],
    ['a second document', `${textWith()}---\na: 1\n`, 'second YAML document'],
    ['a field that is written twice', `${textWith()}name: other\n`, 'a second time'],
    ['a key that is a number', textWith({ tags: {} }).replace('tags: {}', 'tags: {2024: x}'), 'the key 2024'],
    ['a key that would reach into the prototype', `${textWith()}__proto__: {a: 1}\n`, '__proto__'],
    ['broken YAML', 'name: [a\nregion: b\n', 'invalid YAML'],
    ['nesting without end', `a: ${'['.repeat(50_000)}`, 'invalid YAML'],
    ['nothing at all', '', 'nothing'],
    ['a list', '- a\n', 'a list of 1'],
  ])('refuses %s', async (_name, text, given) => {
    expect((await faultsOf(text)).map((fault) => fault.given).join('\n')).toContain(given);
  });

  it('refuses a bomb of aliases without unfolding it', async () => {
    const levels = Array.from(
      { length: 30 },
      (_, index) => `l${index + 1}: &l${index + 1} [*l${index}, *l${index}, *l${index}]`,
    );
    expect(await faultsOf(['l0: &l0 [x]', ...levels].join('\n'))).not.toEqual([]);
  });

  it('names merge-conflict markers, and nothing else', async () => {
    const text = `<<<<<<< HEAD\n${textWith()}=======\n${textWith({ activeVersion: 'v2' })}>>>>>>> main\n`;
    const faults = await faultsOf(text);
    expect(faults.map((fault) => fault.line)).toEqual([1, 11, 21]);
    expect(faults.every((fault) => fault.given.startsWith('a merge-conflict marker'))).toBe(true);
  });
});

describe('fields', () => {
  const refuses = async (change: Record<string, unknown>, at: string) =>
    expect((await faultsOf(textWith(change))).map((fault) => fault.path)).toEqual([at]);

  it.each<[string, Record<string, unknown>, string]>([
    ['a missing name', { name: undefined }, 'name'],
    ['a name of 41 characters', { name: 'a'.repeat(41) }, 'name'],
    ['a name that is a number', { name: 12 }, 'name'],
    ['a Region that is none', { region: 'tokyo' }, 'region'],
    ['an account of 11 digits', { account: 12345678901 }, 'account'],
    ['an alias without alias/', { alias: 'my-key' }, 'alias'],
    ['alias/aws, whose versions AWS would refuse', { alias: 'alias/aws' }, 'alias'],
    ['an alias too long for its versions', { alias: `alias/${'a'.repeat(249)}` }, 'alias'],
    ['no bucket', { buckets: [] }, 'buckets'],
    ['a bucket name that is an address', { buckets: [{ name: '10.0.0.1', manage: 'bucket' }] }, 'buckets[0].name'],
    ['a directory bucket', { buckets: [{ name: 'a--use1-az1--x-s3', manage: 'bucket' }] }, 'buckets[0].name'],
    ['a wildcard principal', { keyPolicy: { administrators: ['*'] } }, 'keyPolicy.administrators[0]'],
    ['a group as principal', { keyPolicy: { users: ['arn:aws:iam::111122223333:group/g'] } }, 'keyPolicy.users[0]'],
    [
      'a session as break-glass principal',
      { keyPolicy: { breakGlass: ['arn:aws:sts::111122223333:assumed-role/r/s'] } },
      'keyPolicy.breakGlass[0]',
    ],
    [
      'a principal of another partition',
      { keyPolicy: { users: ['arn:aws-us-gov:iam::111122223333:role/reader'] } },
      'keyPolicy.users[0]',
    ],
    [
      'a service that does not exist',
      { keyPolicy: { services: [{ service: 'delivery.log.amazonaws.com' }] } },
      'keyPolicy.services[0].service',
    ],
    [
      'a service that no principal is',
      { keyPolicy: { services: [{ service: 'log delivery' }] } },
      'keyPolicy.services[0].service',
    ],
    [
      'a service that would use the key for everybody',
      { keyPolicy: { services: [{ service: 'delivery.logs.amazonaws.com' }] } },
      'keyPolicy.services[0].sourceArns',
    ],
    [
      'a source whose service is a wildcard',
      { keyPolicy: { services: [{ service: 's3.amazonaws.com', sourceArns: ['arn:aws:*'] }] } },
      'keyPolicy.services[0].sourceArns[0]',
    ],
    [
      'a source of another partition',
      { keyPolicy: { services: [{ service: 's3.amazonaws.com', sourceArns: ['arn:aws-cn:s3:::logs'] }] } },
      'keyPolicy.services[0].sourceArns[0]',
    ],
    ['another strategy', { strategy: 'both' }, 'strategy'],
    [
      'a queue as topic',
      { expiry: { alarmTopicArn: 'arn:aws:sqs:ap-northeast-1:111122223333:q' } },
      'expiry.alarmTopicArn',
    ],
    ['a warning 0 days ahead', { expiry: { warnDays: [0] } }, 'expiry.warnDays[0]'],
    ['no warning', { expiry: { warnDays: [] } }, 'expiry.warnDays'],
    ['a deletion window of 31 days', { deletionWindowDays: 31 }, 'deletionWindowDays'],
    ['a rotation every 0 days', { rotateEveryDays: 0 }, 'rotateEveryDays'],
    ['a tag that is a number', { tags: { a: 1 } }, 'tags.a'],
    ['a tag that is a default tag too', { tags: { a: '1' }, aws: { defaultTags: { a: '1' } } }, 'aws.defaultTags.a'],
    ['a default tag of Keyturn’s own', { aws: { defaultTags: { 'keyturn:x': 'y' } } }, 'aws.defaultTags["keyturn:x"]'],
    [
      '41 tags, one of them a default tag',
      {
        tags: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`t${i}`, ''])),
        aws: { defaultTags: { a: '1' } },
      },
      'tags',
    ],
    [
      'keys and alias in one stack of a team’s own',
      { terraform: { stacks: { keys: 'all', storage: ['all'] } } },
      'terraform.stacks.storage[0]',
    ],
    [
      'a stack of a team’s own twice',
      { terraform: { stacks: { keys: 'keys', storage: ['data', 'data'] } } },
      'terraform.stacks.storage[1]',
    ],
    ['a tag of Keyturn’s own', { tags: { 'keyturn:x': 'y' } }, 'tags["keyturn:x"]'],
    ['41 tags', { tags: Object.fromEntries(Array.from({ length: 41 }, (_, i) => [`t${i}`, ''])) }, 'tags'],
    ['a mapping with nothing in it', { custody: null }, 'custody'],
    ['a method that is none', { reencrypt: { method: 'copy' } }, 'reencrypt.method'],
    ['an s3 backend without its bucket', { terraform: { backend: 's3' } }, 'terraform.s3'],
    ['an s3 backend that would not be used', { terraform: { s3: { bucket: 'state' } } }, 'terraform.s3'],
    [
      'a state prefix with a leading slash',
      { terraform: { backend: 's3', s3: { bucket: 'state', prefix: '/k' } } },
      'terraform.s3.prefix',
    ],
  ])('refuses %s', (_name, change, at) => refuses(change, at));

  it('refuses no key version, and an active version among none', async () => {
    const faults = await faultsOf(textWith({ keyVersions: [] }));
    expect(faults.map((fault) => fault.path)).toEqual(['keyVersions', 'activeVersion']);
  });

  it('refuses a bucket or a version that is declared twice, and one that verifyOnlyBuckets repeats', async () => {
    const buckets = [
      { name: 'abc', manage: 'bucket' },
      { name: 'abc', manage: 'encryption' },
    ];
    await refuses({ buckets }, 'buckets[1].name');
    await refuses({ keyVersions: [{ name: 'v1' }, { name: 'v1' }] }, 'keyVersions[1].name');
    const users = Array(2).fill('arn:aws:iam::111122223333:role/path/name');
    await refuses({ keyPolicy: { users } }, 'keyPolicy.users[1]');
    await refuses({ retire: { verifyOnlyBuckets: ['test-bucket'] } }, 'retire.verifyOnlyBuckets[0]');
    await refuses({ retire: { verifyOnlyBuckets: ['abc', 'abc'] } }, 'retire.verifyOnlyBuckets[1]');
  });

  it('refuses tags that differ by case alone where a role gets them', async () => {
    const tags = { Owner: 'a', owner: 'b' };
    expect(await faultsOf(textWith({ tags }))).toEqual([]);
    await refuses({ tags, reencrypt: { engine: 'batch', batch: { bucket: 'jobs-bucket' } } }, 'tags.owner');
  });

  it('refuses a service that is named twice', async () => {
    const service = { service: 'config.amazonaws.com' };
    await refuses({ keyPolicy: { services: [service, service] } }, 'keyPolicy.services[1].service');
  });

  it('refuses with strategy: in-place whatever needs a second key or moves objects', async () => {
    const strategy = 'in-place';
    const keyArn = 'arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555';
    const versions = (first: object) => ({ strategy, keyVersions: [{ name: 'v1', ...first }, { name: 'v2' }] });
    await refuses({ ...versions({ keyArn }), activeVersion: 'v2' }, 'keyVersions[0].keyArn');
    await refuses({ ...versions({ disabled: true }), activeVersion: 'v2' }, 'keyVersions[0].disabled');
    await refuses({ strategy, reencrypt: { method: 'rewrite' } }, 'reencrypt');
    await refuses({ strategy, retire: { verifyOnlyBuckets: ['other-bucket'] } }, 'retire');
    const many = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `v${index + 1}` }));
    expect(await faultsOf(textWith({ strategy, keyVersions: many(26) }))).toEqual([]);
    await refuses({ strategy, keyVersions: many(27) }, 'keyVersions');
  });

  it('refuses a warning that is given twice, and a topic of another Region', async () => {
    await refuses({ expiry: { warnDays: [30, 30] } }, 'expiry.warnDays[1]');
    const alarmTopicArn = 'arn:aws:sns:eu-west-1:111122223333:t';
    await refuses({ expiry: { alarmTopicArn } }, 'expiry.alarmTopicArn');
  });

  it('puts the warnings in order, the longest first', async () => {
    expect((await parse(textWith({ expiry: { warnDays: [7, 90, 30] } }))).expiry.warnDays).toEqual([90, 30, 7]);
  });

  it('takes an account with and without quotes, leading zeros and all', async () => {
    expect((await parse(`${textWith()}account: 012345678901\n`)).account).toBe('012345678901');
    expect((await parse(`${textWith()}account: "012345678901"\n`)).account).toBe('012345678901');
    expect((await parse(`${textWith()}account: 111122223333\n`)).account).toBe('111122223333');
  });

  it('fills the s3 backend from the rotation’s own Region', async () => {
    const { terraform } = await parse(textWith({ terraform: { backend: 's3', s3: { bucket: 'state' } } }));
    expect(terraform).toEqual({
      awsProvider: '5.100.0',
      backend: 's3',
      s3: { bucket: 'state', region: 'ap-northeast-1', prefix: 'keyturn/', kmsKeyId: undefined },
    });
  });

  it('resolves the custody directory against the folder of the file', async () => {
    const text = textWith({ custody: { age: { directory: 'safe' } } });
    const { custody } = await parseRotation(text, '/srv/rotations/a.yaml', { now: NOW });
    expect(custody.age?.directory).toBe(path.resolve('/srv/rotations/safe'));
  });
});

describe('names that mean something to JavaScript', () => {
  it('are unknown fields like any other', async () => {
    const text = `${textWith()}constructor: 1\ntoString: 2\nhasOwnProperty: 3\n`;
    expect((await faultsOf(text)).map((fault) => fault.path)).toEqual(['constructor', 'toString', 'hasOwnProperty']);
  });

  it('are tags like any other', async () => {
    const tags = { constructor: 'a', toString: 'b', valueOf: 'c' };
    expect((await parse(textWith({ tags }))).tags).toEqual(tags);
  });
});

describe('what a fault shows of a value', () => {
  it('is one line of text, cut short, with nothing that moves a terminal’s cursor or turns its text round', async () => {
    const hostile = `\u001b[31m::error::${'x'.repeat(200)}\u202e\n`;
    const [fault] = await faultsOf(textWith({ region: hostile }));
    expect(fault?.given).toMatch(/^"\\u\{1b\}\[31m::error::x+… \(216 characters\)"$/);
  });
});

describe('the active version', () => {
  it('refuses one that is not declared, and names the nearest', async () => {
    const [fault] = await faultsOf(textWith({ activeVersion: 'v11' }));
    expect(fault).toMatchObject({ path: 'activeVersion', allowed: 'one of "v1"' });
    expect(fault?.change).toContain('did you mean "v1"?');
  });

  it('refuses one that is disabled', async () => {
    const [fault] = await faultsOf(textWith({ keyVersions: [{ name: 'v1', disabled: true }] }));
    expect(fault?.path).toBe('keyVersions[0].disabled');
  });
});

describe('an adopted key', () => {
  const keyArn = 'arn:aws:kms:ap-northeast-1:111122223333:key/12345678-1234-1234-1234-123456789012';

  it('is read with its ARN', async () => {
    const rotation = await parse(textWith({ keyVersions: [{ name: 'old', keyArn }, { name: 'v1' }] }));
    expect(rotation.keyVersions[0]?.keyArn).toBe(keyArn);
  });

  it.each([
    [
      'an expiry beside it',
      [{ name: 'v1', keyArn, materialValidTo: '2027-01-01T00:00:00Z' }],
      'keyVersions[0].materialValidTo',
    ],
    [
      'a key of another Region',
      [{ name: 'v1', keyArn: keyArn.replace('ap-northeast-1', 'us-east-1') }],
      'keyVersions[0].keyArn',
    ],
    [
      'an alias ARN',
      [{ name: 'v1', keyArn: 'arn:aws:kms:ap-northeast-1:111122223333:alias/x' }],
      'keyVersions[0].keyArn',
    ],
    [
      'the same key twice',
      [
        { name: 'v0', keyArn },
        { name: 'v1', keyArn },
      ],
      'keyVersions[1].keyArn',
    ],
  ])('refuses %s', async (_name, keyVersions, at) => {
    expect((await faultsOf(textWith({ keyVersions }))).map((fault) => fault.path)).toEqual([at]);
  });
});

describe('what is taken over or imported', () => {
  const takeOver = 'arn:aws:kms:ap-northeast-1:111122223333:key/12345678-1234-1234-1234-123456789012';

  const policyOf = (Sid: string) => JSON.stringify({ Version: '2012-10-17', Statement: [{ Sid, Effect: 'Allow' }] });
  const kept = (keptPolicy: string) => ({
    keyVersions: [{ name: 'v1', takeOver, keptPolicy }],
    keyPolicy: { keep: true },
  });

  it('is read, and absent where the file has none', async () => {
    const adopted = { alias: true, versionAliases: ['v1'] };
    const rotation = await parse(textWith({ keyVersions: [{ name: 'v1', takeOver }], adopted }));
    expect([rotation.keyVersions[0]?.takeOver, rotation.adopted]).toEqual([takeOver, { ...adopted, buckets: [] }]);
    const none = await parse(textWith({}));
    expect([none, none.keyVersions[0]].map((one) => Object.keys(one ?? {}))).not.toContainEqual(
      expect.arrayContaining([expect.stringMatching(/adopted|takeOver/)]),
    );
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['a key that is moved away from too', { keyVersions: [{ name: 'v1', takeOver, keyArn: takeOver }] }, 'takeOver'],
    [
      'a key of another Region',
      { keyVersions: [{ name: 'v1', takeOver: takeOver.replace('-1:', '-2:') }] },
      'takeOver',
    ],
    ['a key of another account', { account: '999988887777', keyVersions: [{ name: 'v1', takeOver }] }, 'takeOver'],
    [
      'one key for two versions',
      {
        keyVersions: [
          { name: 'v1', takeOver },
          { name: 'v2', keyArn: takeOver },
        ],
      },
      'keyArn',
    ],
    [
      'a second key in place',
      { strategy: 'in-place', keyVersions: [{ name: 'v1' }, { name: 'v2', takeOver }] },
      'takeOver',
    ],
    ['a kept policy that is none', kept('{}'), 'keptPolicy'],
    ['a kept policy with a statement of ours', kept(policyOf('DestroyNothing')), 'keptPolicy'],
    [
      'a kept policy that nobody keeps',
      { keyVersions: [{ name: 'v1', takeOver, keptPolicy: policyOf('x') }] },
      'keptPolicy',
    ],
    ['no policy to keep', { keyVersions: [{ name: 'v1', takeOver }], keyPolicy: { keep: true } }, 'keptPolicy'],
    ['an alias of no version', { adopted: { versionAliases: ['v9'] } }, 'adopted.versionAliases[0]'],
    ['a bucket that is not declared', { adopted: { buckets: ['elsewhere'] } }, 'adopted.buckets[0]'],
  ])('refuses %s', async (_name, more, at) => {
    expect((await faultsOf(textWith(more))).map(({ path }) => path)).toEqual([expect.stringContaining(at)]);
  });
});

describe('materialValidTo', () => {
  const PAST = '2026-11-23T23:59:59Z';
  const version = (name: string, materialValidTo?: string, disabled?: boolean) => ({
    name,
    ...(materialValidTo ? { materialValidTo } : {}),
    ...(disabled ? { disabled } : {}),
  });
  const faulted = async (versions: ReturnType<typeof version>[], activeVersion: string, expired?: 'accept') =>
    (await faultsOf(textWith({ keyVersions: versions, activeVersion }), expired ? { expired } : {})).map(
      (fault) => fault.path,
    );

  it('is kept to the second', async () => {
    const rotation = await parse(textWith({ keyVersions: [version('v1', '2027-11-01T02:03:04Z')] }));
    expect(rotation.keyVersions[0]?.materialValidTo).toEqual(new Date('2027-11-01T02:03:04Z'));
  });

  it('may be 365 days ahead and not a second more, whichever version it is', async () => {
    expect(await faulted([version('v1', '2027-11-24T00:00:00Z')], 'v1')).toEqual([]);
    expect(await faulted([version('v1', '2027-11-24T00:00:01Z')], 'v1')).toEqual(['keyVersions[0].materialValidTo']);
    expect(await faulted([version('v1'), version('v2', '2029-01-01T00:00:00Z')], 'v1')).toEqual([
      'keyVersions[1].materialValidTo',
    ]);
    expect(await faulted([version('v1', '2029-01-01T00:00:00Z'), version('v2')], 'v2')).toEqual([
      'keyVersions[0].materialValidTo',
    ]);
  });

  it.each([
    '2027-11-01',
    '2027-11-01T00:00:00+09:00',
    '2027-11-01T00:00:00.5Z',
    '2027-02-30T00:00:00Z',
    '2027-13-01T00:00:00Z',
  ])('refuses %s', async (time) =>
    expect(await faulted([version('v1', time)], 'v1')).toEqual(['keyVersions[0].materialValidTo']),
  );

  it('refuses an expired active version, and names both fixes', async () => {
    const [fault] = await faultsOf(textWith({ keyVersions: [version('v1', PAST)] }));
    expect(fault?.change).toContain('imports the same material again');
    expect(fault?.change).toContain('append a version');
  });

  it('refuses an expired version that is still to be imported', async () => {
    expect(await faulted([version('v1'), version('v2', PAST)], 'v1')).toEqual(['keyVersions[1].materialValidTo']);
  });

  it('lets a team rotate away from an expired version: superseded, retired, or with a successor declared', async () => {
    expect(await faulted([version('v1', PAST), version('v2')], 'v2')).toEqual([]);
    expect(await faulted([version('v1'), version('v2', PAST, true)], 'v1')).toEqual([]);
    expect(await faulted([version('v1', PAST), version('v2')], 'v1')).toEqual([]);
    expect(await faulted([version('v1', PAST), version('v2', PAST)], 'v1')).toHaveLength(2);
  });

  it('is read as it is by a command that only looks', async () => {
    expect(await faulted([version('v1', PAST)], 'v1', 'accept')).toEqual([]);
    expect(await faulted([version('v1', '2029-01-01T00:00:00Z')], 'v1', 'accept')).toHaveLength(1);
  });
});

it('holds no date against the clock at the end of all time', async () => {
  const keyVersions = [
    { name: 'v1', materialValidTo: '2020-01-01T00:00:00Z' },
    { name: 'v2', materialValidTo: '2029-01-01T00:00:00Z' },
  ];
  const options = { now: new Date(8.64e15), expired: 'accept' } as const;
  expect((await parse(textWith({ keyVersions }), options)).keyVersions).toHaveLength(2);
});

describe('custody recipients', () => {
  const withRecipients = (...recipients: unknown[]) => textWith({ custody: { age: { recipients } } });
  const age = () => import('age-encryption');
  const freshRecipient = async () => (await age()).identityToRecipient(await (await age()).generateX25519Identity());

  const postQuantum = async () => (await age()).identityToRecipient(await (await age()).generateHybridIdentity());

  it('takes X25519 recipients, and post-quantum ones', async () => {
    for (const fresh of [freshRecipient, postQuantum]) {
      const recipients = [await fresh(), await fresh()];
      expect((await parse(withRecipients(...recipients))).custody.age?.recipients).toEqual(recipients);
    }
  });

  it('refuses a classical recipient together with post-quantum ones', async () => {
    const faults = await faultsOf(withRecipients(await postQuantum(), await freshRecipient()));
    expect(faults.map((fault) => fault.path)).toEqual(['custody.age.recipients[1]']);
  });

  it('refuses one with a mistyped character, and one that is no recipient at all', async () => {
    const good = await freshRecipient();
    const wrong = good.slice(0, -1) + (good.endsWith('q') ? 'p' : 'q');
    const faults = await faultsOf(withRecipients(good, wrong, 'ssh-ed25519 AAAA', 7));
    expect(faults.map((fault) => fault.path)).toEqual([1, 2, 3].map((index) => `custody.age.recipients[${index}]`));
  });

  it('refuses the same recipient twice', async () => {
    const good = await freshRecipient();
    expect((await faultsOf(withRecipients(good, good))).map((fault) => fault.path)).toEqual([
      'custody.age.recipients[1]',
    ]);
  });

  it('never shows an identity that was pasted where a recipient belongs', async () => {
    const identity = await (await age()).generateX25519Identity();
    const error = await fails(parse(withRecipients(identity)), 'rotation-file-invalid');
    expect(JSON.stringify(error.facts) + error.message).not.toContain(identity.slice(20));
    expect(error.message).toContain('treat this identity as leaked');
    for (const broken of [
      `]${identity}`,
      `a: "b" ${identity}`,
      `- a\n${identity}: b`,
      `${identity}: &${identity} c`,
      `!${identity} a`,
    ])
      expect((await fails(parse(`${broken}\n`), 'rotation-file-invalid')).message).not.toContain(identity.slice(20));
  });
});

describe('custodians', () => {
  const resolved = async (custody: unknown) =>
    (await parseRotation(textWith({ custody }), '/srv/rotations/rotation.yaml', { now: NOW })).custody;
  const command = { run: ['./custodian.mjs', '--vault', 'byok'] };
  const pkcs11 = { module: '/usr/lib/softhsm/libsofthsm2.so', token: 'keyturn' };

  it('takes a command, its program and its records relative to the rotation file', async () => {
    expect((await resolved({ command })).command).toEqual({
      run: ['/srv/rotations/custodian.mjs', '--vault', 'byok'],
      directory: '/srv/rotations/custody',
      timeoutSeconds: 60,
    });
    expect((await resolved({ command: { run: ['vault-custodian'] } })).command?.run).toEqual(['vault-custodian']);
  });

  it('takes a hardware module, and the PIN by a file only', async () => {
    expect((await resolved({ pkcs11: { ...pkcs11, pinFile: 'pin' } })).pkcs11).toEqual({
      ...pkcs11,
      pinFile: '/srv/rotations/pin',
      directory: '/srv/rotations/custody',
    });
    const faults = await faultsOf(textWith({ custody: { pkcs11: { ...pkcs11, pin: '1234' } } }));
    expect(faults.map((fault) => fault.path)).toEqual(['custody.pkcs11.pin']);
    expect(JSON.stringify(faults)).not.toContain('1234');
  });

  it('names none where the file names none', async () => {
    expect(await resolved({})).toEqual({ age: undefined, command: undefined, pkcs11: undefined, drillEveryDays: 365 });
  });

  it('refuses two of them', async () => {
    const faults = await faultsOf(textWith({ custody: { age: {}, command, pkcs11 } }));
    expect(faults.map((fault) => fault.path)).toEqual(['custody.command', 'custody.pkcs11']);
  });

  it.each([
    ['no program', { command: { run: [] } }, 'custody.command.run'],
    ['a program that is no list', { command: { run: './custodian.mjs' } }, 'custody.command.run'],
    ['no time at all', { command: { ...command, timeoutSeconds: 0 } }, 'custody.command.timeoutSeconds'],
    ['no token', { pkcs11: { module: 'x.so' } }, 'custody.pkcs11.token'],
    ['a label that no token has', { pkcs11: { ...pkcs11, token: 'x'.repeat(33) } }, 'custody.pkcs11.token'],
  ])('refuses %s', async (_, custody, path) => {
    expect((await faultsOf(textWith({ custody }))).map((fault) => fault.path)).toEqual([path]);
  });
});

it('minimal() is what these tests stand on: it parses', async () => {
  expect((await parse(textWith())).name).toBe(minimal().name);
});
