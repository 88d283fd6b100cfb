import { DisableKeyCommand, UpdateAliasCommand } from '@aws-sdk/client-kms';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { speak } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

/** `watch`: after a key was disabled, who fails because of it. */
let site: SwitchedSite;
let v1 = '';

beforeEach(async () => {
  site = await switchedSite();
  [v1] = site.arns;
  await site.put('under v1');
  await site.switch();
});
afterEach(() => site[Symbol.asyncDispose]());

const watch = (...more: string[]) => speak(site.directory, ['watch', ...more]);
const disable = () => site.kms.send(new DisableKeyCommand({ KeyId: v1 }));
const read = () => site.s3.send(new GetObjectCommand({ Bucket: site.bucket, Key: 'under v1' }));
/** By CloudTrail's clock, so that a failure and the disable before it are told apart. */
const nextSecond = () => site.endpoint.clock.advance(1000);

it('has nothing to watch while no key is disabled, and finds nobody where nobody failed', async () => {
  expect(await watch()).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('no key of this rotation is disabled'),
  });
  await disable();
  const { exitCode, stdout } = await watch();
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('nobody failed, as far as CloudTrail shows by now')]);
});

it('names who failed on what, and changes nothing unless it is told to', async () => {
  await disable();
  nextSecond();
  await expect(read()).rejects.toThrow('is disabled');
  await expect(read()).rejects.toThrow('is disabled');
  const { exitCode, stdout } = await watch('--json');
  expect([exitCode, JSON.parse(stdout).versions]).toMatchObject([
    2,
    [
      {
        version: 'v1',
        keyArn: v1,
        failures: [
          {
            who: expect.stringContaining(':user/local-aws'),
            operation: 'Decrypt',
            through: 's3',
            bucket: site.bucket,
            count: 2,
          },
        ],
        unread: [],
      },
    ],
  ]);
  expect(await site.stateOf(v1)).toBe('Disabled');
  expect((await watch('--enable-on-failure', '--dry-run')).exitCode).toBe(2);
  expect(await site.stateOf(v1)).toBe('Disabled');
});

it('enables the key again at a failure, ends with 3, and forgets failures of an earlier disable', async () => {
  await disable();
  nextSecond();
  await expect(read()).rejects.toThrow('is disabled');
  expect(await watch('--enable-on-failure', '--for', '2h', '--yes')).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('v1 is enabled again'),
  });
  expect(await site.stateOf(v1)).toBe('Enabled');
  await read();
  nextSecond();
  await disable();
  expect((await watch()).exitCode).toBe(0);
});

it.each([
  ['AccessDeniedException', 'cloudtrail:LookupEvents is denied'],
  ['InternalServiceError', 'cloudtrail:LookupEvents has no answer'],
])('fails when CloudTrail answers %s: nobody is called fine unseen', async (code, reason) => {
  await disable();
  const then = { kind: 'answer', status: 400, code } as const;
  site.endpoint.faults.inject({ match: { operation: 'LookupEvents' }, then });
  const { exitCode, stderr } = await watch('--enable-on-failure', '--yes');
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(new RegExp(`trail-unread.*${reason}`, 's'))]);
});

describe('stragglers', () => {
  it('names who wrote under the old key since the switch, from CloudTrail', async () => {
    await site.kms.send(new UpdateAliasCommand({ AliasName: 'alias/ledger', TargetKeyId: site.arns[1] }));
    nextSecond();
    await site.put('late', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: v1 });
    const { exitCode, stdout } = await speak(site.directory, ['stragglers', '--json']);
    const writer = {
      who: expect.stringContaining(':user/local-aws'),
      operation: 'GenerateDataKey',
      bucket: site.bucket,
    };
    expect([exitCode, JSON.parse(stdout).writers]).toMatchObject([
      0,
      [{ version: 'v1', writers: [writer], unread: [] }],
    ]);
    const shown = await speak(site.directory, ['stragglers']);
    expect(shown.stdout).toMatch(/writers under v1 since the switch .*GenerateDataKey/s);
  });

  it('says that it does not know where CloudTrail gives no answer', async () => {
    const then = { kind: 'answer', status: 400, code: 'AccessDeniedException' } as const;
    site.endpoint.faults.inject({ match: { operation: 'LookupEvents' }, then });
    const { exitCode, stdout } = await speak(site.directory, ['stragglers']);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('not known, cloudtrail:LookupEvents is denied')]);
  });
});
