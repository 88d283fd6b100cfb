/** The records of checked evidence, for those who read on after the check. */
import { readFile } from 'node:fs/promises';
import { checkEvidence } from './check';
import type { CheckedFile, EvidenceCheck, EvidenceFault } from './checked-evidence';
import type { EvidenceRecord } from './evidence-record';

/** One evidence file: what the check says of it, and the records that could be read. */
export interface RecordedRun {
  readonly checked: CheckedFile;
  /** Empty for a file that is sound. */
  readonly faults: readonly EvidenceFault[];
  /** Lines that have the members of a record, whatever else is wrong with them. */
  readonly records: readonly EvidenceRecord[];
}

/**
 * Checks evidence, then reads it. A file that is not sound is read too, as far as it goes: what may be made of it is for
 * the caller, who has the faults.
 *
 * @throws KeyturnError `evidence-missing` where there is nothing to read
 */
export async function readRuns(
  target: string,
): Promise<{ readonly check: EvidenceCheck; readonly runs: readonly RecordedRun[] }> {
  const check = await checkEvidence(target);
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
