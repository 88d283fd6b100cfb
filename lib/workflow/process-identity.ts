import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/**
 * Tells a process from every other one that has had its id, here or in another boot or container. On Linux it is the
 * boot and the time of its start (`/proc`), elsewhere the date of its start (`ps`). A zombie has an identity that no
 * living process has.
 *
 * @param proc - Default `/proc`
 * @returns undefined where neither is to be had, as on Windows, or the process is gone
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export async function processIdentity(pid: number, proc = '/proc'): Promise<string | undefined> {
  return (await procIdentity(pid, proc)) ?? (await psIdentity(pid));
}

async function procIdentity(pid: number, proc: string): Promise<string | undefined> {
  const stat = await readFile(path.join(proc, String(pid), 'stat'), 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The command's name stands in parentheses and may hold anything; state is field 3, the start in clock ticks since boot field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  if (started === undefined) return undefined;
  if (state === 'Z' || state === 'X') return 'zombie';
  const boot = await readFile(path.join(proc, 'sys/kernel/random/boot_id'), 'utf8').catch(() => '');
  return `linux ${boot.trim()} ${started}`;
}

async function psIdentity(pid: number): Promise<string | undefined> {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { env });
    const [state, ...started] = stdout.trim().split(/\s+/);
    if (state === undefined || started.length === 0) return undefined;
    return state.startsWith('Z') ? 'zombie' : `ps ${started.join(' ')}`;
  } catch {
    return undefined;
  }
}
