import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateKeyCommand, DescribeKeyCommand, KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { confirmPolicy } from '../../lib/confirm/confirm-policy';
import { probes } from '../../lib/confirm/probes';
import { probesTable } from '../../lib/confirm/probes-table';
import { AWS_BEHAVIOR, type AwsBehavior, type BehaviorName, type LocalAws, readConfirmed } from '../../local-aws';
import { SLOW } from '../runner/slow';
import { speak } from '../support/command-line';
import { startTestAws } from '../support/embedded-aws';
import { skipWaits } from '../support/skipped-waits';

/** `keyturn confirm` against the embedded endpoint, which can do what AWS may do in each way. */
const ACCOUNT = '123456789012';
const names = Object.keys(AWS_BEHAVIOR) as BehaviorName[];
const environment = { ...process.env };
const waits = skipWaits();
let directory: string;
let aws: LocalAws;
let role: string;
let jobRole: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'keyturn-confirm-'));
});
afterEach(async () => {
  process.env = { ...environment };
  await (aws as LocalAws | undefined)?.close();
});
afterAll(() => {
  waits.undo();
  rmSync(directory, { recursive: true });
});

async function open(behavior: Partial<AwsBehavior> = {}): Promise<void> {
  aws = await startTestAws({ behavior });
  const may = [{ Effect: 'Allow', Action: '*', Resource: '*' }];
  const trust = (Principal: object) => [{ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' }];
  role = aws.addRole({ name: 'reader', trust: trust({ AWS: `arn:aws:iam::${ACCOUNT}:root` }), may });
  jobRole = aws.addRole({ name: 'jobs', trust: trust({ Service: 'batchoperations.s3.amazonaws.com' }), may });
  Object.assign(process.env, aws.environment());
}

const confirm = (...args: readonly string[]) =>
  speak(directory, ['confirm', '--account', ACCOUNT, '--region', aws.region, ...args]);
const ask = async (...args: readonly string[]) => {
  const { exitCode, stdout, stderr } = await confirm('--yes-i-am-in-a-sandbox', '--json', ...args);
  return { exitCode, stderr, answer: JSON.parse(stdout) };
};
const askAll = (...args: readonly string[]) => ask('--role', role, '--with-jobs', '--job-role', jobRole, ...args);
const kms = () => new KMSClient({ endpoint: aws.url, region: aws.region, credentials: aws.accessKey });
const s3 = () =>
  new S3Client({ endpoint: aws.url, region: aws.region, credentials: aws.accessKey, forcePathStyle: true });

const keyStates = async () => {
  const { Keys = [] } = await kms().send(new ListKeysCommand({}));
  return Promise.all(
    Keys.map(async ({ KeyId }) => (await kms().send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState),
  );
};

const valuesAt = (at: number) =>
  Object.fromEntries(
    names.map((name) => [name, AWS_BEHAVIOR[name][Math.min(at, AWS_BEHAVIOR[name].length - 1)]]),
  ) as unknown as AwsBehavior;
/** That versions were listed at once does not prove that they always are. */
function provable({ versionsAfterEnabling, ...behavior }: AwsBehavior): Partial<AwsBehavior> {
  return versionsAfterEnabling === 'at-once' ? behavior : { ...behavior, versionsAfterEnabling };
}
const DEFAULTS = provable(valuesAt(0));
/** Actions of the policy that the embedded endpoint needs for nothing in a run with its defaults, and why they are listed. */
const UNSEEN: Readonly<Record<string, string>> = {
  'kms:Encrypt': 'AWS documents it for UpdateObjectEncryption',
  's3:DeleteObjectVersion': 'the endpoint permits DeleteObjects as a whole',
};

it('has a probe for each setting of the endpoint, with the same values', () => {
  expect(Object.fromEntries(probes.map(({ setting, ways }) => [setting, Object.keys(ways)]))).toEqual(AWS_BEHAVIOR);
});

/** All first values, all second ones, all third ones where there are three. */
it.each([0, 1, 2])('finds out what the endpoint does, value %i of every setting', async (at) => {
  const behavior = valuesAt(at);
  await open(behavior);
  const { exitCode, answer } = await askAll('--out', 'confirmed.json');
  const settings = provable(behavior);
  expect({ exitCode, settings: answer.settings }).toEqual({ exitCode: 0, settings });
  const file = JSON.parse(readFileSync(path.join(directory, 'confirmed.json'), 'utf8'));
  expect(readConfirmed(file)).toEqual(settings);
  expect(JSON.stringify(file)).not.toContain(ACCOUNT);
  expect(aws.stored.buckets()).toEqual([]);
  expect(await keyStates()).toEqual(['PendingDeletion', 'PendingDeletion']);
});

describe('the table of the documentation', () => {
  const file = {
    ...{ format: 'keyturn-confirmed/1' as const, confirmedAt: '2027-01-02T03:04:05.000Z', region: 'eu-central-1' },
    ...{ keyturn: '0.0.0', settings: { importTokenTwice: 'refused' } },
    probes: [{ setting: 'rewrapToSameKey', standing: 'unforeseen', seen: 'SomethingElse' }],
  };
  const rowOf = (setting: string, endpoint: string | null) =>
    probesTable(probes, { ...file, endpoint })
      .split('\n')
      .find((row) => row.startsWith(`| \`${setting}\``));

  it('says what AWS answered, and when and where', () => {
    expect(rowOf('importTokenTwice', null)).toMatch(/ `refused`, confirmed 2027-01-02 in eu-central-1 \|$/);
    expect(rowOf('rewrapToSameKey', null)).toMatch(/ unforeseen 2027-01-02 in eu-central-1: SomethingElse \|$/);
    expect(rowOf('copyOntoItself', null)).toMatch(/ unconfirmed \|$/);
  });

  it('takes the answers of another endpoint for nothing', () => {
    expect(rowOf('importTokenTwice', 'http://127.0.0.1:4566')).toMatch(/ unconfirmed \|$/);
  });
});

describe('before it asks', () => {
  it('prints cost, permissions and what it leaves behind, and asks nothing without the sandbox flag', async () => {
    await open();
    const refused = await confirm();
    expect(refused.exitCode).toBe(64);
    for (const words of [
      '0.02 USD',
      'kms:ScheduleKeyDeletion',
      'npx keyturn policy confirm',
      '2 keys that KMS deletes in 7 days',
    ])
      expect(refused.stderr).toContain(words);
    expect((await confirm('--dry-run')).exitCode).toBe(0);
    expect([...aws.requests]).toEqual([]);
  });

  it('refuses an account that is not that of the credentials', async () => {
    await open();
    const { exitCode, stderr } = await speak(directory, [
      ...['confirm', '--account', '111122223333', '--region', aws.region, '--yes-i-am-in-a-sandbox'],
    ]);
    expect(exitCode).toBe(64);
    expect(stderr).toContain('belong to account 123456789012');
    expect([...aws.requests].map(({ operation }) => operation)).toEqual(['GetCallerIdentity']);
  });

  it('acts as the role of --assume-role', async () => {
    await open();
    const as = ['--assume-role', role, '--region', aws.region, '--yes-i-am-in-a-sandbox'];
    const { exitCode, stderr } = await speak(directory, ['confirm', '--account', '999999999999', ...as]);
    expect([exitCode, stderr]).toEqual([64, expect.stringContaining(':assumed-role/reader/keyturn-confirm)')]);
  });

  it.each([
    ['no account', []],
    ['an account that is none', ['--account', '12']],
    ['a wait that is none', ['--account', ACCOUNT, '--region', 'eu-central-1', '--wait', 'long']],
  ])('refuses %s', async (_what, args) => {
    await open();
    expect((await speak(directory, ['confirm', ...args])).exitCode).toBe(64);
  });
});

describe('what a run leaves', () => {
  /** The endpoint drops every connection from this request on: nothing can be removed, as after a kill. */
  it.each(['PutBucketTagging', 'ImportKeyMaterial', 'DeleteBucket'])(
    'is removed by the next run when a run was killed at %s',
    async (last) => {
      await open();
      let isKilled = false;
      const revive = aws.requests.hook({
        before({ operation }) {
          isKilled ||= operation === last;
          return isKilled ? 'reset' : undefined;
        },
      });
      expect((await ask()).exitCode).not.toBe(0);
      expect(aws.stored.buckets()).toHaveLength(1);
      revive();
      const { exitCode, answer } = await ask();
      expect({ exitCode, left: answer.earlierRuns.buckets.length }).toEqual({ exitCode: 0, left: 1 });
      expect(aws.stored.buckets()).toEqual([]);
      expect(new Set(await keyStates())).toEqual(new Set(['PendingDeletion']));
    },
  );

  it('is removed after Ctrl-C', async () => {
    await open();
    const stop = new AbortController();
    aws.requests.hook({
      after({ operation }) {
        if (operation === 'ImportKeyMaterial') stop.abort();
        return undefined;
      },
    });
    const args = ['confirm', '--account', ACCOUNT, '--region', aws.region, '--yes-i-am-in-a-sandbox'];
    expect((await speak(directory, args, stop.signal)).exitCode).toBe(130);
    expect(aws.stored.buckets()).toEqual([]);
    expect(await keyStates()).toEqual(['PendingDeletion']);
  });

  it('is nobody else’s: keys and buckets without the mark of a run, or with another description, stay', async () => {
    await open();
    const marked = [{ TagKey: 'keyturn:confirm', TagValue: '0123456789ab' }];
    await kms().send(new CreateKeyCommand({}));
    await kms().send(new CreateKeyCommand({ Tags: marked, Description: 'Keyturn confirm ba9876543210: another run' }));
    await kms().send(new CreateKeyCommand({ Tags: [{ TagKey: 'keyturn:confirm', TagValue: 'yes' }] }));
    const bucket = { Bucket: `keyturn-confirm-${ACCOUNT}-mine` };
    const place = { CreateBucketConfiguration: { LocationConstraint: 'ap-northeast-1' as const } };
    await s3().send(new CreateBucketCommand({ ...bucket, ...place }));
    await s3().send(new PutObjectCommand({ ...bucket, Key: 'mine', Body: 'mine' }));
    expect((await ask()).exitCode).toBe(0);
    expect(aws.stored.buckets()).toEqual([bucket.Bucket]);
    expect((await keyStates()).toSorted()).toEqual([
      'Enabled',
      'Enabled',
      'Enabled',
      'PendingDeletion',
      'PendingDeletion',
    ]);
  });
});

describe('the policy that `policy confirm` prints', () => {
  it('is what a run needs, and no more', async () => {
    await open();
    const place = ['--account', ACCOUNT, '--region', aws.region, '--role', role, '--job-role', jobRole];
    const { stdout } = await speak(directory, ['policy', 'confirm', ...place]);
    const policy: ReturnType<typeof confirmPolicy> = JSON.parse(stdout);
    const actions = policy.Statement.flatMap(({ Action }) => Action);
    aws.credentials.limit(aws.accessKey.accessKeyId, actions);
    const { exitCode, answer } = await askAll();
    expect({ exitCode, settings: answer.settings }).toEqual({ exitCode: 0, settings: DEFAULTS });
    const used = new Set([...aws.requests].flatMap((request) => request.actions));
    expect(actions.filter((action) => !used.has(action) && !(action in UNSEEN))).toEqual([]);
  });
});

describe('a probe that cannot be asked', () => {
  it('is not settled, with what is missing, and gets no verdict', async () => {
    await open();
    const allowed = confirmPolicy(ACCOUNT, aws.region).Statement.flatMap(({ Action }) => Action);
    aws.credentials.limit(
      aws.accessKey.accessKeyId,
      allowed.filter((action) => action !== 's3:UpdateObjectEncryption'),
    );
    aws.faults.inject({
      match: { operation: 'PutObjectAnnotation' },
      // biome-ignore lint/suspicious/noThenProperty: the fault rule's own word; nobody awaits it
      then: { kind: 'answer', status: 501, code: 'NotImplemented', message: 'not in this Region' },
    });
    const { exitCode, answer } = await ask();
    expect(exitCode).toBe(0);
    expect(answer.settings.rewrapToSameKey).toBeUndefined();
    expect(answer.probes).toContainEqual({
      setting: 'rewrapToSameKey',
      standing: 'not-settled',
      why: expect.stringContaining('s3:UpdateObjectEncryption'),
    });
    expect(answer.probes).toContainEqual({
      setting: 'annotationsUnderRewrap',
      standing: 'not-settled',
      why: expect.stringContaining('not in this Region'),
    });
  });

  it('is unforeseen where AWS refuses with a code that nobody reckons with', async () => {
    await open();
    const then = { kind: 'answer', status: 400, code: 'SomethingElse', message: 'no' } as const;
    for (const nth of [3, 4, 5]) aws.faults.inject({ match: { operation: 'UpdateObjectEncryption', nth }, then });
    const { answer } = await ask();
    expect(answer.probes).toContainEqual({
      setting: 'rewrapToSameKey',
      standing: 'unforeseen',
      seen: 'SomethingElse: no',
    });
  });
});

it.each([
  [['--regions', 'nowhere'], 'region nowhere is not the name of a Region'],
  [['--access-key', 'AKIAOTHER'], '--access-key AKIAOTHER… is not <id>:<secret>'],
  [['--access-key', 'AKIAOTHER:hidden:12'], 'account ID 12 is not 12 digits'],
  [['--access-key', 'AKIAOTHER:hidden:999999999999:user:more'], 'is not <id>:<secret>'],
])('local-aws refuses %j, and repeats no secret', async (options, problem) => {
  const spoken = await speak('/', ['local-aws', '--port', '0', ...options]);
  expect(spoken.exitCode).toBe(64);
  expect(spoken.stderr).toContain(problem);
  expect(spoken.stderr).not.toContain('hidden');
});

describe('local-aws --as', () => {
  const listen = async (content: unknown) => {
    writeFileSync(path.join(directory, 'as.json'), JSON.stringify(content));
    const stopped = AbortSignal.abort();
    return speak(directory, ['local-aws', '--port', '0', '--as', 'as.json'], stopped);
  };
  const format = 'keyturn-confirmed/1';

  it('takes settings that are known', async () => {
    await open();
    expect((await listen({ format, settings: { importTokenTwice: 'refused' } })).exitCode).toBe(0);
  });

  it.each([
    ['another format', { settings: {} }, 'no JSON document of format'],
    ['no settings', { format }, 'settings is no object'],
    ['an unknown field', { format, settings: {}, more: 1 }, 'has no field more'],
    ['an unknown setting', { format, settings: { importTokenThrice: 'refused' } }, 'no setting importTokenThrice'],
    ['an unknown value', { format, settings: { importTokenTwice: 'perhaps' } }, 'accepted or refused'],
  ])('refuses %s', async (_what, content, words) => {
    await open();
    const { exitCode, stderr } = await listen(content);
    expect({ exitCode, names: stderr.includes(words) }).toEqual({ exitCode: 64, names: true });
  });
});

/**
 * One request of a run fails once with the code of a missing permission, of trouble in AWS, or of a throttle: whatever that makes of
 * the run, a verdict that it gives is the truth.
 */
describe('a fault in the middle', () => {
  const operations = [
    ...['GetBucketEncryption', 'PutBucketEncryption', 'CreateKey', 'DescribeKey', 'GetParametersForImport'],
    ...['ImportKeyMaterial', 'PutObject', 'GetObject', 'HeadObject', 'CopyObject', 'UpdateObjectEncryption'],
    ...['GetKeyLastUsage', 'PutBucketVersioning', 'ListObjectVersions', 'AssumeRole', 'CreateJob', 'DescribeJob'],
    ...['PutObjectAnnotation', 'GetObjectAnnotation', 'DisableKey', 'EnableKey'],
  ];
  const cases = operations.flatMap((operation) =>
    [1, 2, 3].flatMap((nth) =>
      (['AccessDenied', 'InternalError', 'InvalidRequest', 'KMSInvalidStateException'] as const).map((code) => ({
        operation,
        nth,
        code,
      })),
    ),
  );

  it.each(cases.filter((_case, at) => SLOW || at % 63 === 5))(
    'gives no wrong verdict: $code at $operation, request $nth',
    async ({ operation, nth, code }) => {
      await open();
      const status = code === 'AccessDenied' ? 403 : code === 'InternalError' ? 500 : 400;
      const then = { kind: 'answer', status, code, message: 'injected' } as const;
      aws.faults.inject({ match: { operation, nth }, then });
      const { answer } = await askAll();
      const truth: Readonly<Record<string, unknown>> = DEFAULTS;
      const wrong = Object.entries(answer.settings ?? {}).filter(([name, value]) => truth[name] !== value);
      expect(wrong).toEqual([]);
    },
  );
});
