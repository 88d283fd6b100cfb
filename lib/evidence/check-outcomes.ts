/**
 * The files with the outcome of each object version: `<run>.outcomes/` next to the evidence, which names them by
 * hash.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { EvidenceFault } from './checked-evidence';
import { EVIDENCE_SUFFIX } from './evidence-record';

/** A file name in a record, without the directory on the machine of the run. */
export interface OutcomesFile {
  readonly name: string;
  readonly sha256: string;
  /** Line of the evidence that names it. */
  readonly line: number;
}

/** The files that the outcome record of a re-encryption, or a record of type `outcomes`, names; other data is ignored. */
export function outcomesIn(data: Readonly<Record<string, unknown>>, line: number): readonly OutcomesFile[] {
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  const passes = list(data.passes).flatMap((pass) => list((pass as { evidence?: unknown } | null)?.evidence));
  return [...passes, ...list(data.outcomes)].flatMap((one) => {
    const { file, sha256 } = (one ?? {}) as { file?: unknown; sha256?: unknown };
    return typeof file === 'string' && typeof sha256 === 'string' ? [{ name: baseName(file), sha256, line }] : [];
  });
}

/** The last part of a POSIX or Windows path. */
const baseName = (file: string): string => file.split(/[\\/]/).at(-1) ?? file;

/**
 * Each named file must exist unchanged; in a run that finished or was interrupted there must be no other. A run that
 * failed leaves files that no record names.
 */
export async function outcomeFaults(
  evidenceFile: string,
  named: readonly OutcomesFile[],
  isWhole: boolean,
): Promise<readonly Omit<EvidenceFault, 'file'>[]> {
  const folder = `${evidenceFile.slice(0, -EVIDENCE_SUFFIX.length)}.outcomes`;
  const faults: Omit<EvidenceFault, 'file'>[] = [];
  // One file may be named when it was written and again at the end of its step.
  const once = new Map(named.toReversed().map((one) => [`${one.name} ${one.sha256}`, one]));
  for (const { name, sha256, line } of [...once.values()].toReversed()) {
    const found = await hashOf(path.join(folder, name));
    const shown = JSON.stringify(name);
    if (found === undefined)
      faults.push({ line, code: 'missing-outcomes', problem: `the outcomes file ${shown} is missing` });
    else if (found !== sha256)
      faults.push({ line, code: 'changed-outcomes', problem: `the outcomes file ${shown} was changed` });
  }
  if (!isWhole) return faults;
  const known = new Set(named.map((one) => one.name));
  const others = (await readdir(folder).catch(() => [])).filter((name) => !known.has(name)).sort();
  const problem = (name: string) => `no record names the outcomes file ${JSON.stringify(name)}: it was added`;
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
