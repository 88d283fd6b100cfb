import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface ProcessWatch {
  /** Arguments and environment of every process that was seen, by its number and command line. */
  readonly seen: ReadonlyMap<string, string>;
  stop(): void;
}

/** Notes, again and again, what processes of this user run. Those that run already are noted once. */
export function watchProcesses(): ProcessWatch {
  const seen = new Map<string, string>();
  let before = processes();
  for (const pid of before) noteProcess(pid, seen);
  const watch = setInterval(() => {
    const now = processes();
    // A number that is free again may be given to a new process.
    before = new Set([...before].filter((pid) => now.has(pid)));
    for (const pid of now) if (!before.has(pid)) noteProcess(pid, seen);
  }, 25);
  return { seen, stop: () => clearInterval(watch) };
}

function processes(): Set<string> {
  return new Set(readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)));
}

function noteProcess(pid: string, seen: Map<string, string>): void {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    seen.set(`${pid} ${command}`, command + readFileSync(`/proc/${pid}/environ`, 'latin1'));
  } catch {
    // The process ended between the listing and the look, or belongs to somebody else.
  }
}

export function everyFile(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
