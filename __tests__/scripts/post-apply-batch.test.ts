import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { speak } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

let site: SwitchedSite;

beforeEach(async () => {
  site = await switchedSite();
  for (let index = 0; index < 12; index += 1) await site.put(`object ${index}`);
});

afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

const postApply = (...more: string[]) =>
  speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s', '--json', ...more]);
const passOf = (stdout: string) => JSON.parse(stdout).steps[0].facts.passes[0];

it('moves the bulk by a job, writes its specification down before, and retires v1', async () => {
  await site.switch(await site.jobs());
  const { exitCode, stdout, stderr } = await postApply('--confirm');
  expect(stderr).not.toContain('error');
  expect(exitCode).toBe(0);
  const pass = passOf(stdout);
  expect(pass).toMatchObject({ engine: 'batch', moved: 12, failedTotal: 0, complete: true });
  expect(pass.jobs).toEqual([expect.objectContaining({ status: 'Complete', succeeded: 12, failed: 0 })]);
  expect(await site.stateOf(site.arns[0])).toBe('Disabled');
  const records = (await readFile(JSON.parse(stdout).evidence, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const specified = records.find((one) => one.type === 'job');
  expect(specified.data.spec).toMatchObject({
    ConfirmationRequired: true,
    RoleArn: expect.stringContaining('keyturn-ledger-batch'),
  });
  expect(specified.data.specSha256).toBe(pass.jobs[0].specSha256);
  expect(records.find((one) => one.type === 'confirmation').data).toMatchObject({
    ...{ confirmed: true, tasks: 12, price: expect.stringContaining('0.25 USD') },
  });
  const evidence = path.join(site.directory, '.keyturn', 'evidence');
  expect((await speak(site.directory, ['verify-evidence', evidence])).exitCode).toBe(0);
});

it('leaves the job waiting without --confirm, exits 3, names the next command, and continues with the same job', async () => {
  await site.switch(await site.jobs());
  const waiting = await postApply();
  expect(waiting.exitCode).toBe(3);
  expect(waiting.stderr).toContain('npx keyturn post-apply --confirm');
  expect(waiting.stderr).toMatch(/a job is created suspended: 0\.25 USD at list prices of \d{4}-\d{2}/);
  expect(waiting.stderr).toMatch(/12 tasks, 0\.25 USD at list prices/);
  expect(JSON.parse(waiting.stdout).steps.map((one: { id: string }) => one.id)).toEqual(['re-encrypt']);
  expect(passOf(waiting.stdout).stopped.because).toBe('unconfirmed');
  expect(await site.keyOf('object 1')).toBe(site.arns[0]);
  const confirmed = await postApply('--confirm');
  expect(confirmed.exitCode).toBe(0);
  expect(site.endpoint.jobs.ids).toHaveLength(1);
});

it('goes on with a job that was confirmed by `job resume`', async () => {
  await site.switch(await site.jobs());
  await postApply();
  expect((await speak(site.directory, ['job', 'resume', '--yes'])).exitCode).toBe(0);
  const { exitCode, stdout } = await postApply();
  expect(exitCode).toBe(0);
  expect(passOf(stdout).jobs[0].status).toBe('Complete');
});

it('is paused until resumed, and then begins a second job for what is left', async () => {
  await site.switch(await site.jobs());
  await postApply();
  await speak(site.directory, ['job', 'pause', '--yes']);
  const paused = await postApply('--confirm');
  expect(paused.exitCode).toBe(3);
  expect(JSON.parse(paused.stdout).error.code).toBe('job-paused');
  expect(site.endpoint.jobs.ids).toHaveLength(1);
  await speak(site.directory, ['job', 'resume', '--yes']);
  const resumed = await postApply('--confirm');
  expect(resumed.stderr).not.toContain('error');
  expect(resumed.exitCode).toBe(0);
  expect(site.endpoint.jobs.ids).toHaveLength(2);
});

it('starts new jobs after `job cancel`', async () => {
  await site.switch(await site.jobs());
  await postApply();
  await speak(site.directory, ['job', 'cancel', '--yes']);
  const { exitCode, stdout } = await postApply('--confirm');
  expect(exitCode).toBe(0);
  expect(passOf(stdout).jobs.map((one: { attempt: number }) => one.attempt)).toContain(2);
});

it('counts and forecasts both engines in a dry run, and creates nothing', async () => {
  await site.switch(await site.jobs());
  const { exitCode, stdout, stderr } = await speak(site.directory, ['post-apply', '--dry-run', '--json']);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/this process: about .* USD/);
  expect(stderr).toMatch(/1 job\(s\) of S3 Batch Operations: about .* USD/);
  expect(passOf(stdout).moved).toBe(12);
  expect(site.endpoint.jobs.ids).toEqual([]);
});

it('uses the local engine below the threshold of auto, and prints both forecasts', async () => {
  await site.switch(await site.jobs({ engine: 'auto' }));
  const { exitCode, stdout, stderr } = await postApply();
  expect(exitCode).toBe(0);
  expect(stderr).toContain(
    'engine local: ledger-of-the-team holds 12 object versions; jobs are used from 10,000,000 on',
  );
  expect(stderr).toMatch(/1 job\(s\) of S3 Batch Operations/);
  expect(passOf(stdout)).toMatchObject({ engine: 'local', moved: 12 });
});

it('takes --engine before the rotation file, and refuses jobs that it does not declare', async () => {
  await site.switch(await site.jobs());
  const local = await postApply('--engine', 'local');
  expect(passOf(local.stdout).engine).toBe('local');
  await site.switch('');
  const refused = await postApply('--engine', 'batch');
  expect(refused.exitCode).toBe(64);
  expect(refused.stderr).toContain('reencrypt.batch.bucket');
  expect(await readdir(path.join(site.directory, '.keyturn', 'evidence'))).not.toHaveLength(0);
});

it('moves by this process where no earlier version is declared, as after a rollback', async () => {
  await site.switch(await site.jobs());
  const file = path.join(site.directory, 'rotation.yaml');
  await writeFile(
    file,
    (await readFile(file, 'utf8')).replace('[{ name: v1 }, { name: v2 }]', '[{ name: v2 }, { name: v1 }]'),
  );
  const { exitCode, stdout, stderr } = await postApply();
  expect(stderr).toContain('engine local: no earlier version');
  expect([exitCode, passOf(stdout).engine, passOf(stdout).moved]).toEqual([0, 'local', 12]);
  expect(site.endpoint.jobs.ids).toEqual([]);
});

it('names the action and the role when the role is too weak', async () => {
  const may = [{ Effect: 'Allow', Action: ['s3:*'], Resource: '*' }];
  await site.switch(await site.jobs({ may }));
  const { exitCode, stderr } = await postApply('--confirm');
  expect(stderr).toContain('kms:');
  expect(stderr).toContain('keyturn-ledger-batch');
  expect(exitCode).toBe(77);
  expect(await site.stateOf(site.arns[0])).toBe('Enabled');
});
