import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isCode } from '../../../lib/errors';
import { lockRotation } from '../../../lib/workflow/run-lock';

let directory: string;
const lockFile = () => path.join(directory, '.keyturn', 'ledger.lock');

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'keyturn-lock-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('refuses a second run while the first one lives, and says which process it is', async () => {
  const first = await lockRotation(directory, 'ledger');
  const refusal = await lockRotation(directory, 'ledger').catch((error: unknown) => error);
  expect(isCode(refusal, 'run-locked') && refusal.facts.pid).toBe(process.pid);
  await first.release();
  await (await lockRotation(directory, 'ledger')).release();
});

it('keeps two rotations in one folder apart from each other only', async () => {
  const ledger = await lockRotation(directory, 'ledger');
  const photos = await lockRotation(directory, 'photos');
  await Promise.all([ledger.release(), photos.release()]);
});

it.each([
  ['names a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, since: '2026-01-01T00:00:00.000Z' })],
  ['was cut short by a crash', '{"pid":'],
])('takes over a lock that %s', async (_title, content) => {
  await (await lockRotation(directory, 'ledger')).release();
  writeFileSync(lockFile(), content);
  const taken = await lockRotation(directory, 'ledger');
  expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid });
  await taken.release();
  expect(readdirSync(path.dirname(lockFile()))).toEqual([]);
});

it('lets exactly one of many runs take over a dead lock', async () => {
  await (await lockRotation(directory, 'ledger')).release();
  writeFileSync(lockFile(), JSON.stringify({ pid: 2 ** 22 + 1, since: '2026-01-01T00:00:00.000Z' }));
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockRotation(directory, 'ledger')));
  expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
});
