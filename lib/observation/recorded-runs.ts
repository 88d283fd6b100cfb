import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isCode } from '../errors';
import { type RecordedRun, readRuns } from '../evidence/report-records';

type Read = { readonly state: string; readonly runs: Promise<readonly RecordedRun[]> };

/** The last reading of a directory. A status asks for its evidence ten times, and years of it take long to check. */
const READ = new Map<string, Read>();

/**
 * Every run in a directory of evidence, with the faults of each; none where there is no evidence. Read and checked again only after a
 * file in it changed in inode, size, or time of change to the nanosecond.
 */
export async function recordedRuns(directory: string): Promise<readonly RecordedRun[]> {
  const state = await stateOf(directory);
  const last = READ.get(directory);
  if (last?.state === state) return last.runs;
  const runs = read(directory);
  READ.clear();
  READ.set(directory, { state, runs });
  return runs;
}

async function read(directory: string): Promise<readonly RecordedRun[]> {
  try {
    return (await readRuns(directory)).runs;
  } catch (error) {
    if (isCode(error, 'evidence-missing')) return [];
    throw error;
  }
}

/** Of the evidence, its signatures and its outcomes files. */
async function stateOf(directory: string): Promise<string> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const states = names.sort().map(async (name) => {
    const found = await stat(path.join(directory, name), { bigint: true }).catch(() => undefined);
    return `${name} ${found?.ino} ${found?.size} ${found?.ctimeNs}`;
  });
  return (await Promise.all(states)).join('\n');
}

/** Each run names the one before it, so a clock that was set back does not change the order of a chain. */
export function inChainOrder(runs: readonly RecordedRun[]): readonly RecordedRun[] {
  const byName = new Map(runs.map((run) => [path.basename(run.checked.file), run]));
  const depths = new Map<string, number>();
  const depthOf = (name: string, seen: ReadonlySet<string>): number => {
    const known = depths.get(name);
    const run = byName.get(name);
    if (known !== undefined || run === undefined || seen.has(name)) return known ?? 0;
    const before = previousOf(run);
    const depth = 1 + (before === undefined ? 0 : depthOf(before, new Set([...seen, name])));
    depths.set(name, depth);
    return depth;
  };
  const placed = [...byName].map(([name, run]) => ({ run, depth: depthOf(name, new Set()), at: startOf(run) }));
  return placed.sort((a, b) => a.depth - b.depth || (a.at < b.at ? -1 : 1)).map(({ run }) => run);
}

const startOf = ({ records }: RecordedRun): string => records[0]?.at ?? '';

function previousOf({ records }: RecordedRun): string | undefined {
  const read = z.object({ previousRun: z.object({ file: z.string() }) }).safeParse(records[0]?.data);
  return read.success ? read.data.previousRun.file : undefined;
}
