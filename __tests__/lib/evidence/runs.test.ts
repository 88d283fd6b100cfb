import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundleFiles } from '../../../lib/evidence/bundle';
import { checkEvidence } from '../../../lib/evidence/check';
import { isOpening } from '../../../lib/evidence/check-runs';
import { openEvidence } from '../../../lib/evidence/evidence';

let directory: string;
let time: number;
let step: number;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-runs-'));
  step = 1500;
  time = Date.parse('2026-11-24T10:00:00Z');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function run(rotation = 'photos', into = directory): Promise<string> {
  const clock = () => {
    time += step;
    return new Date(time);
  };
  const evidence = await openEvidence({ directory: into, command: 'rotate', rotation, clock });
  await evidence.close('finished');
  return path.basename(evidence.file);
}

const faults = async (heads?: readonly string[]) =>
  (await checkEvidence(directory, heads)).faults.map(({ file, code }) => [path.basename(file), code]);

it('links each run of a rotation to the one before, also within one second, and finds nothing wrong', async () => {
  step = 100;
  for (const rotation of ['photos', 'docs', 'photos', 'photos', 'docs']) await run(rotation);
  const check = await checkEvidence(directory);
  expect(check.faults).toEqual([]);
  expect(check.beginnings).toBe(2);
});

it('finds a run that was taken away', async () => {
  await run();
  const second = await run();
  const third = await run();
  await rm(path.join(directory, second));
  expect(await faults()).toEqual([[third, 'missing-run']]);
  expect((await checkEvidence(directory)).faults.map(({ line }) => line)).toEqual([1]);
});

it('finds a run that was rewritten as a whole, with a chain that agrees with itself', async () => {
  const first = await run();
  const second = await run();
  const elsewhere = await mkdtemp(path.join(tmpdir(), 'keyturn-runs-'));
  const forged = await run('photos', elsewhere);
  await copyFile(path.join(elsewhere, forged), path.join(directory, first));
  await rm(elsewhere, { recursive: true });
  expect(await faults()).toEqual([[second, 'changed-run']]);
});

it('finds a run that was added next to another', async () => {
  await run();
  const kept = await mkdtemp(path.join(tmpdir(), 'keyturn-runs-'));
  for (const name of await readdir(directory)) await copyFile(path.join(directory, name), path.join(kept, name));
  await run();
  const added = await run('photos', kept);
  await copyFile(path.join(kept, added), path.join(directory, added));
  await rm(kept, { recursive: true });
  expect(await faults()).toEqual([[added, 'forked-run']]);
});

it('goes on with one chain where the clock was ahead for one run, and still finds a run that was taken away', async () => {
  const DAY = 86_400_000;
  await run();
  time += 400 * DAY;
  await run();
  time -= 400 * DAY;
  const second = await run();
  const third = await run();
  // The day comes that the wrong clock named, and passes.
  time += 401 * DAY;
  await run();
  expect((await checkEvidence(directory)).faults).toEqual([]);
  await rm(path.join(directory, second));
  expect(await faults()).toEqual([[third, 'missing-run']]);
});

it('follows a run that was killed, by its last whole record', async () => {
  const killed = path.join(directory, await run());
  const lines = (await readFile(killed, 'utf8')).split('\n');
  await writeFile(killed, `${lines[0]}\n{"at":"cut`);
  await run();
  expect((await faults()).map(([, code]) => code)).not.toContain('changed-run');
});

describe('compared with heads that were saved elsewhere', () => {
  it('is sound with all of them, and finds a file that is missing or that was added', async () => {
    await run();
    await run();
    const heads = (await checkEvidence(directory)).files.map((file) => file.head ?? '');
    expect(await faults(heads)).toEqual([]);
    const added = await run('docs');
    expect(await faults(heads)).toEqual([[added, 'unlisted-run']]);
    // No line of a file is to blame for what is compared with the outside.
    expect((await checkEvidence(directory, heads)).faults.map(({ line }) => line)).toEqual([0]);
    const last = (await readdir(directory)).sort().at(1) ?? '';
    await rm(path.join(directory, last));
    expect((await faults(heads)).map(([, code]) => code)).toContain('missing-head');
  });
});

describe('the outcomes of object versions next to a run', () => {
  let file: string;
  let folder: string;

  beforeEach(async () => {
    const evidence = await openEvidence({ directory, command: 'post-apply', rotation: 'photos' });
    file = evidence.file;
    folder = file.replace(/\.ndjson$/, '.outcomes');
    await mkdir(folder);
    const shards = [];
    for (const name of ['photos-000001.ndjson.gz', 'photos-000002.ndjson.gz']) {
      await writeFile(path.join(folder, name), name);
      const sha256 = createHash('sha256').update(name).digest('hex');
      shards.push({ file: path.join('/somewhere/else', name), sha256, lines: 1 });
    }
    await evidence.record('outcome', 're-encrypt', { passes: [{ bucket: 'photos', evidence: shards }] });
    await evidence.close('finished');
  });

  it('are found, wherever the run was made', async () => {
    expect(await faults()).toEqual([]);
  });

  it('are reported when one is removed, changed, or added', async () => {
    await rm(path.join(folder, 'photos-000001.ndjson.gz'));
    await writeFile(path.join(folder, 'photos-000002.ndjson.gz'), 'photos-000002.ndjson.gy');
    await writeFile(path.join(folder, 'photos-000003.ndjson.gz'), '');
    expect((await faults()).map(([, code]) => code)).toEqual([
      'missing-outcomes',
      'changed-outcomes',
      'unlisted-outcomes',
    ]);
  });
});

it('excludes a concurrent run from the chain, on both ends', async () => {
  const first = await openEvidence({ directory, command: 'post-apply', rotation: 'photos' });
  const concurrent = await openEvidence({ directory, command: 'job-pause', rotation: 'photos', concurrentRun: true });
  await concurrent.close('finished');
  await first.close('finished');
  await run();
  const check = await checkEvidence(directory);
  expect(check.faults).toEqual([]);
  expect(check.beginnings).toBe(1);
  expect(check.files.map((file) => [file.concurrentRun, file.follows?.file])).toContainEqual([true, undefined]);
  expect(check.files.map((file) => file.follows?.file)).toContain(path.basename(first.file));
});

it('bundles the files of one rotation, including a killed run, but not a concurrent one that is still active', async () => {
  await run('docs');
  const whole = await run();
  const killed = await openEvidence({ directory, command: 'rotate', rotation: 'photos' });
  const growing = await openEvidence({ directory, command: 'job-pause', rotation: 'photos', concurrentRun: true });
  await writeFile(path.join(directory, 'notes.ndjson'), 'no evidence\n');
  const outcomes = whole.replace('.ndjson', '.outcomes');
  await mkdir(path.join(directory, outcomes));
  await writeFile(path.join(directory, outcomes, 'bucket-000001.ndjson.gz'), 'x');
  const names = async () => (await bundleFiles(directory, 'photos')).map(({ name }) => name);
  const expected = [whole, `${outcomes}/bucket-000001.ndjson.gz`, path.basename(killed.file)].sort();
  expect((await names()).sort()).toEqual(expected);
  await growing.close('finished');
  expect((await names()).sort()).toEqual([...expected, path.basename(growing.file)].sort());
  expect(await bundleFiles(path.join(directory, 'nowhere'), 'photos')).toEqual([]);
  await killed.close('finished');
});

describe('a first record in no known form', () => {
  it('is found, and not taken for a run that nobody had to sign', async () => {
    const signer = { keyArn: 'x' } as unknown as string;
    const evidence = await openEvidence({ directory, command: 'rotate', rotation: 'photos', signer });
    await evidence.close('finished');
    expect(await faults()).toEqual([[path.basename(evidence.file), 'not-opened']]);
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['null as the previous run', { previousRun: null }],
    ['a name as the previous run', { previousRun: 'run.ndjson' }],
    ['a previous run without its head', { previousRun: { file: 'run.ndjson' } }],
    ['a head that is a number', { previousRun: { file: 'run.ndjson', head: 1 } }],
    ['a text for a concurrent run', { concurrentRun: 'true' }],
    ['a list of signers', { signer: ['arn'] }],
  ])('is %s', (_, data) => {
    expect(isOpening(data)).toBe(false);
    expect(isOpening({})).toBe(true);
  });
});
