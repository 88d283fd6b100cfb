import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isCode } from '../../../lib/errors';
import { processIdentity } from '../../../lib/workflow/process-identity';
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

describe('a lock of a process', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  /** A shell that prints a line when it stands, and that line. */
  async function shell(script: string): Promise<{ pid: number; line: string }> {
    const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    const [line] = await once(child.stdout, 'data');
    return { pid: child.pid ?? 0, line: String(line).trim() };
  }

  async function heldBy(holder: { pid: number; identity?: string | undefined }): Promise<boolean> {
    mkdirSync(path.dirname(lockFile()), { recursive: true });
    writeFileSync(lockFile(), JSON.stringify({ since: '2026-01-01T00:00:00.000Z', ...holder }));
    const taken = await lockRotation(directory, 'ledger').catch((error: unknown) => error);
    if (isCode(taken, 'run-locked')) return true;
    if (taken instanceof Error) throw taken;
    return false;
  }

  const waiting = 'echo up; exec sleep 60';

  it('that lives is respected', async () => {
    const { pid } = await shell(waiting);
    expect(await heldBy({ pid, identity: await processIdentity(pid) })).toBe(true);
  });

  it('that is gone is taken over while another process has its id', async () => {
    const first = await shell(waiting);
    const identity = await processIdentity(first.pid);
    // Ids are given again only after thousands of processes: a living one stands in for the one that got it.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await shell(waiting);
    expect(await heldBy({ pid: second.pid, identity })).toBe(false);
  });

  it('of an earlier container or boot is taken over by the process that has its id, this one', async () => {
    const identity = (await processIdentity(process.pid)) ?? '';
    const [kind, , started] = identity.split(' ');
    expect(kind).toBe('linux');
    expect(await heldBy({ pid: process.pid, identity })).toBe(true);
    expect(await heldBy({ pid: process.pid, identity: `linux ${'0'.repeat(36)} ${started}` })).toBe(false);
    expect(await heldBy({ pid: process.pid, identity: identity.replace(/\d+$/, '1') })).toBe(false);
  });

  it('that was killed and that nobody has waited for is taken over', async () => {
    const { pid: parent, line } = await shell('sleep 60 & echo $!; exec sleep 60');
    const pid = Number(line);
    const identity = await processIdentity(pid);
    const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
    // Until it is replaced, the shell waits for its child, and nothing is left of it.
    while (readFileSync(`/proc/${parent}/comm`, 'utf8').trim() !== 'sleep') await pause();
    process.kill(pid, 'SIGKILL');
    while ((await processIdentity(pid)) !== 'zombie') await pause();
    expect(await heldBy({ pid, identity })).toBe(false);
  });

  it('that names no identity is respected while any process has its id', async () => {
    const { pid } = await shell(waiting);
    expect(await heldBy({ pid })).toBe(true);
  });

  it('is told by the date of its start where there is no /proc', async () => {
    const noProc = path.join(directory, 'no-proc');
    const { pid, line } = await shell('echo $$; exec sleep 60');
    const identity = await processIdentity(pid, noProc);
    expect(line).toBe(String(pid));
    expect(identity).toMatch(/^ps \w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}$/);
    expect(await processIdentity(pid, noProc)).toBe(identity);
    expect(await processIdentity(2 ** 22 + 1, noProc)).toBeUndefined();
  });
});
