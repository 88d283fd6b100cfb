import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEvidence } from '../../../lib/evidence/evidence';
import {
  lastDisablings,
  lastDrilled,
  lastLeft,
  lastVerified,
  refusedCopies,
} from '../../../lib/observation/evidence-queries';

/** What evidence says last, where a clock was a year ahead in one of the runs. */
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/1';
const OF = { name: 'photos', region: 'eu-central-1', account: '111122223333' };
const NOW = new Date('2026-11-24T12:00:00Z');
const daysFromNow = (days: number) => new Date(NOW.getTime() + days * 86_400_000);
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-queries-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

type Recorded = readonly [type: string, step: string, data: Readonly<Record<string, unknown>>];

async function run(days: number, ...records: readonly Recorded[]): Promise<void> {
  const clock = () => daysFromNow(days);
  const evidence = await openEvidence({ directory, command: 'post-apply', rotation: 'photos', clock });
  await evidence.record('run', 'begin', { rotation: 'photos' });
  for (const [type, step, data] of records) await evidence.record(type, step, data);
  await evidence.close('finished');
}

const LOOK: Recorded = ['look', 'retire', { keyArn: KEY, clean: true }];
const BACK: Recorded = ['outcome', 'rollback', { keyArn: KEY }];

it.each([
  ['the look was dated ahead', 365, 0],
  ['the rollback was dated ahead', 0, 365],
  ['no clock was wrong', -1, 0],
])('takes no key for looked at after a rollback when %s', async (_title, look, back) => {
  await run(look, LOOK);
  await run(back, BACK);
  expect((await lastDisablings(directory, OF)).get(KEY)).toBe('enabled-again');
});

it('takes a key for looked at when both orders say so', async () => {
  await run(-2, BACK);
  await run(-1, LOOK);
  expect((await lastDisablings(directory, OF)).get(KEY)).toBe('looked-at');
});

it('takes no drill and no verification that is dated ahead for one', async () => {
  const drilled: Recorded = ['outcome', 'drill', { outcome: 'held', version: 'v1' }];
  const verified: Recorded = ['outcome', 'verify', { outcome: 'unchanged' }];
  await run(365, drilled, verified);
  expect([(await lastDrilled(directory, OF, NOW)).size, await lastVerified(directory, OF, NOW)]).toEqual([
    0,
    undefined,
  ]);
  await run(-3, drilled, verified);
  const times = [(await lastDrilled(directory, OF, NOW)).get('v1'), await lastVerified(directory, OF, NOW)];
  expect(times).toEqual([daysFromNow(-3), daysFromNow(-3)]);
});

it('knows a copy that KMS refused, and what the last run left, whatever the clocks say', async () => {
  const state = (aliasTarget: string): Recorded => ['state', 'begin', { aliasTarget, buckets: [], versions: [] }];
  await run(365, state('before'), ['outcome', 'drill', { outcome: 'held', version: 'v1' }]);
  await run(0, state('after'), ['refused', 'custody', { version: 'v1' }]);
  expect([...(await refusedCopies(directory, OF))]).toEqual(['v1']);
  expect((await lastLeft(directory, OF))?.aliasTarget).toBe('after');
});
