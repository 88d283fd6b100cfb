/** The records of checked evidence. */
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { checkEvidence } from './check';
import type { CheckedFile, EvidenceCheck, EvidenceFault } from './checked-evidence';
import type { EvidenceRecord } from './evidence-record';

/** One evidence file: the result of its check, and its readable records. */
export interface RecordedRun {
  readonly checked: CheckedFile;
  /** Empty for a sound file. */
  readonly faults: readonly EvidenceFault[];
  /** Lines with the members of a record, including invalid ones. */
  readonly records: readonly EvidenceRecord[];
}

/**
 * Checks evidence, then reads it. Files that are not sound are read as far as possible; the caller gets the faults
 * and must decide.
 *
 * @throws KeyturnError `evidence-missing` if there is nothing to read
 */
export async function readRuns(
  target: string,
  publicKeys?: readonly KeyObject[],
): Promise<{ readonly check: EvidenceCheck; readonly runs: readonly RecordedRun[] }> {
  const check = await checkEvidence(target, undefined, publicKeys);
  const runs: RecordedRun[] = [];
  for (const checked of check.files) {
    const faults = check.faults.filter((fault) => fault.file === checked.file);
    runs.push({ checked, faults, records: recordsIn(await readFile(checked.file)) });
  }
  return { check, runs };
}

function recordsIn(bytes: Buffer): readonly EvidenceRecord[] {
  const lines = new TextDecoder('utf-8').decode(bytes).split('\n');
  return lines.flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return isRecord(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

function isRecord(value: unknown): value is EvidenceRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { seq, at, type, step, data, hash } = value as Partial<Record<keyof EvidenceRecord, unknown>>;
  const texts = [at, type, step, hash].every((one) => typeof one === 'string');
  return texts && typeof seq === 'number' && typeof data === 'object' && data !== null && !Array.isArray(data);
}
