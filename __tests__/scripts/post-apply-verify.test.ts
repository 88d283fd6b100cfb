import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { batchRolePolicy } from '../../stacks/batch-role-policy';
import { speak } from '../support/command-line';
import { JOBS_BUCKET, type SwitchedSite, switchedSite } from '../support/switched-site';

const DAY = 86_400_000;
const BY_MANIFEST = ', verify: manifest, noConcurrentWrites: true';
let site: SwitchedSite;

beforeEach(async () => {
  site = await switchedSite();
  site.endpoint.jobs.stepMs = 1;
  // What was written a moment ago is always looked at: these are of another day.
  site.endpoint.clock.offset = -DAY;
  for (let index = 0; index < 12; index += 1) await site.put(`object-${index}`);
  site.endpoint.clock.offset = 0;
});

afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

const postApply = (...more: string[]) =>
  speak(site.directory, ['post-apply', '--yes', '--confirm', '--relist-delay', '0s', '--json', ...more]);
const verifiedIn = (stdout: string) =>
  JSON.parse(stdout).steps.find((one: { id: string }) => one.id === 'verify').facts.buckets[0];
const suspended = () => site.endpoint.jobs.ids.filter((id) => site.endpoint.jobs.status(id) === 'Suspended');

it('verifies by what S3 lists, writes the sources down, leaves no job waiting, and retires v1', async () => {
  await site.switch(await site.jobs({ more: BY_MANIFEST }));
  const { exitCode, stdout, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('by what S3 lists under the old keys')]);
  const { covers, sources, leftTotal } = verifiedIn(stdout);
  expect({ covers, leftTotal }).toEqual({ covers: [site.arns[0]], leftTotal: 0 });
  expect(sources).toMatchObject({ heads: { sample: 12 }, notInspected: 0 });
  expect(sources.because).toBeUndefined();
  expect(sources.generated.map((one: { rows: number }) => one.rows)).toEqual([expect.any(Number), 0, 0, 0, 0]);
  expect(await site.stateOf(site.arns[0])).toBe('Disabled');
  expect(suspended()).toEqual([]);
  const records = (await readFile(JSON.parse(stdout).evidence, 'utf8')).trim().split('\n');
  const specified = records.map((line) => JSON.parse(line)).filter((one) => one.type === 'generated-manifest-job');
  expect(specified.map((one) => one.data.spec.ConfirmationRequired)).toEqual([true, true, true, true, true]);
  expect(stderr).toContain('`verify: manifest` takes 5 jobs that never run: 1.25 USD at list prices of');
  const evidence = path.join(site.directory, '.keyturn', 'evidence');
  expect((await speak(site.directory, ['verify-evidence', evidence])).exitCode).toBe(0);
});

it('checks every version of a bucket with concurrent writers, and reports it', async () => {
  await site.switch(await site.jobs({ more: ', verify: manifest' }));
  const { exitCode, stdout, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('its writers are not paused')]);
  expect(verifiedIn(stdout)).toMatchObject({ covers: 'every-key', sources: { heads: { 'every version': 12 } } });
});

it('keeps the gate closed for what S3 lists under the old key', async () => {
  site.endpoint.clock.offset = -DAY;
  await site.put('held', { ObjectLockLegalHoldStatus: 'ON' });
  site.endpoint.clock.offset = 0;
  await site.switch(await site.jobs({ more: BY_MANIFEST }));
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('"held"')]);
  expect(await site.stateOf(site.arns[0])).toBe('Enabled');
  expect(suspended()).toEqual([]);
});

it('creates no job for a verification unasked, and inspects every version instead', async () => {
  await site.switch(await site.jobs({ more: BY_MANIFEST }));
  const run = () => speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s', '--json']);
  expect((await run()).exitCode).toBe(3);
  const [jobId = ''] = site.endpoint.jobs.ids;
  await speak(site.directory, ['job', 'resume', '--yes']);
  expect(await site.endpoint.jobs.settled(jobId)).toBe('Complete');
  const unasked = await run();
  expect(unasked.exitCode).toBe(0);
  expect(unasked.stderr).toContain('the jobs were not confirmed (`--confirm`)');
  expect(verifiedIn(unasked.stdout)).toMatchObject({ covers: 'every-key', sources: { generated: [] } });
  expect(site.endpoint.jobs.ids).toEqual([jobId]);
});

it('creates no job once no superseded version is Enabled', async () => {
  await site.switch(await site.jobs({ more: BY_MANIFEST }));
  expect((await postApply()).exitCode).toBe(0);
  const before = site.endpoint.jobs.ids.length;
  const { exitCode, stdout, stderr } = await postApply();
  expect([exitCode, site.endpoint.jobs.ids.length]).toEqual([0, before]);
  expect(stderr).toContain('no superseded version is Enabled, and jobs cost money');
  expect(verifiedIn(stdout).covers).toBe('every-key');
});

it('creates no job in a dry run', async () => {
  await site.switch(await site.jobs({ more: BY_MANIFEST }));
  await postApply('--dry-run');
  expect(site.endpoint.jobs.ids).toEqual([]);
});

it('fails when the role may not list, names the fix, and retires nothing', async () => {
  const { Statement } = batchRolePolicy({
    partition: 'aws',
    region: site.endpoint.region,
    method: 'rewrap',
    buckets: [site.bucket],
    listedByS3: [],
    store: { bucket: JOBS_BUCKET, prefix: 'keyturn/ledger/' },
    oldKeys: [site.arns[0]],
    newKey: site.arns[1],
  });
  await site.switch(await site.jobs({ more: BY_MANIFEST, may: Statement }));
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining('verify: heads')]);
  expect(stderr).toContain('ManifestGenerationForbidden');
  expect(await site.stateOf(site.arns[0])).toBe('Enabled');
});
