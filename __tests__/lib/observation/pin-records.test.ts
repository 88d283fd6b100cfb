import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEvidence } from '../../../lib/evidence/evidence';
import { type PinLook, pinLooks, pinnedSince } from '../../../lib/observation/pin-records';

const [bucket, keyArn] = ['photos', 'arn:aws:kms:eu-central-1:111122223333:key/2'];
const OF = { name: 'photos', region: 'eu-central-1', account: '111122223333' };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-pins-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function run(look: Partial<PinLook>, concurrentRun = false): Promise<string> {
  const evidence = await openEvidence({ directory, command: 'post-apply', rotation: 'photos', concurrentRun });
  await evidence.record('run', 'begin', { rotation: 'photos' });
  const pins = [{ bucket, keyArn, inForce: true, at: 0, ...look }];
  await evidence.record('pinned-writers', 'retire', { pins });
  await evidence.close('finished');
  return evidence.file;
}

const since = async () => pinnedSince(await pinLooks(directory, OF), bucket, keyArn);

it('counts from the first look of those that found the pin in force without a break', async () => {
  expect(await since()).toBeUndefined();
  await run({ at: 1_000 });
  await run({ at: 2_000 });
  expect(await since()).toBe(1_000);
  await run({ at: 3_000, bucket: 'another', inForce: false });
  expect(await since()).toBe(1_000);
});

it('begins anew after a look that found it otherwise, whatever the clock says', async () => {
  await run({ at: 1_000 });
  // S3's clock has whole seconds, and the estimate of it can go back.
  await run({ at: 900, inForce: false });
  expect(await since()).toBeUndefined();
  await run({ at: 950 });
  expect(await since()).toBe(950);
  await run({ at: 800, keyArn: `${keyArn}1` });
  await run({ at: 700 });
  expect(await since()).toBe(900);
});

it('never counts from before a look of a run beside others', async () => {
  await run({ at: 1_000 });
  await run({ at: 2_000 });
  await run({ at: 5_000, inForce: false }, true);
  await run({ at: 6_000 });
  expect(await since()).toBe(5_000);
});

it('begins anew after a run whose evidence is not sound', async () => {
  await run({ at: 1_000 });
  await appendFile(await run({ at: 2_000 }), 'cut off');
  await run({ at: 3_000 });
  expect(await since()).toBe(3_000);
});
