/** The files with the outcome of each object version: `<run>.outcomes/` beside the evidence, named in it by their hash. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { EvidenceFault } from './checked-evidence';
import { EVIDENCE_SUFFIX } from './evidence-record';

/** A file as a record names it; the folder it was written to on the machine of the run does not matter. */
export interface OutcomesFile {
  readonly name: string;
  readonly sha256: string;
  /** Line of the evidence that names it. */
  readonly line: number;
}

/** The files that the data of a re-encryption's outcome names; what does not have the form of one is passed over. */
export function outcomesIn(data: Readonly<Record<string, unknown>>, line: number): readonly OutcomesFile[] {
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  const passes = list(data.passes).flatMap((pass) => list((pass as { evidence?: unknown } | null)?.evidence));
  return passes.flatMap((one) => {
    const { file, sha256 } = (one ?? {}) as { file?: unknown; sha256?: unknown };
    return typeof file === 'string' && typeof sha256 === 'string' ? [{ name: baseName(file), sha256, line }] : [];
  });
}

/** Of a path of either kind of machine. */
const baseName = (file: string): string => file.split(/[\\/]/).at(-1) ?? file;

/**
 * Each file that is named must be there, unchanged; and in a run that finished, no other. A run that was stopped leaves files
 * that no record names.
 */
export async function outcomeFaults(
  evidenceFile: string,
  named: readonly OutcomesFile[],
  finished: boolean,
): Promise<readonly Omit<EvidenceFault, 'file'>[]> {
  const folder = `${evidenceFile.slice(0, -EVIDENCE_SUFFIX.length)}.outcomes`;
  const faults: Omit<EvidenceFault, 'file'>[] = [];
  for (const { name, sha256, line } of named) {
    const found = await hashOf(path.join(folder, name));
    const shown = JSON.stringify(name);
    if (found === undefined)
      faults.push({ line, code: 'missing-outcomes', problem: `the outcomes ${shown} that it names are not here` });
    else if (found !== sha256)
      faults.push({ line, code: 'changed-outcomes', problem: `the outcomes ${shown} are not those that it names` });
  }
  if (!finished) return faults;
  const known = new Set(named.map((one) => one.name));
  const others = (await readdir(folder).catch(() => [])).filter((name) => !known.has(name)).sort();
  const problem = (name: string) => `the outcomes ${JSON.stringify(name)} are named by no record: they were put here`;
  return [
    ...faults,
    ...others.map((name) => ({ line: 0, code: 'unlisted-outcomes', problem: problem(name) }) as const),
  ];
}

async function hashOf(file: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk);
  } catch {
    return undefined;
  }
  return hash.digest('hex');
}
