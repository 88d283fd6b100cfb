import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface ProcessWatch {
  /** Arguments and environment of every process that was seen, by its number and command line. */
  readonly seen: ReadonlyMap<string, string>;
  stop(): void;
}

/** Notes, again and again, what processes of this user run. */
export function watchProcesses(): ProcessWatch {
  const seen = new Map<string, string>();
  const watch = setInterval(() => noteProcesses(seen), 25);
  return { seen, stop: () => clearInterval(watch) };
}

function noteProcesses(seen: Map<string, string>): void {
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      seen.set(`${pid} ${command}`, command + readFileSync(`/proc/${pid}/environ`, 'latin1'));
    } catch {
      // The process ended between the listing and the look, or belongs to somebody else.
    }
  }
}

export function everyFile(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
