import { z } from 'zod';
import type { RecordedRun } from '../evidence/report-records';
import type { IntendedImport } from '../key-material/custody/pending-import';
import { recordedRuns } from './recorded-runs';

/** A material that a run imported, or found in custody: what sound evidence says of it. */
export interface MaterialInEvidence {
  readonly version: string;
  readonly keyArn: string;
  /** 64 hex digits. */
  readonly keyMaterialId: string;
  /** Kind of the custodian; `none`: the run was told to keep no copy. */
  readonly kind: string;
  /** Identifies the copy that was imported; undefined: none was kept, or the evidence does not name it. */
  readonly binding: string | undefined;
  /** True where the run itself reached the copy; false: a ceremony's, on another machine, or none was kept. */
  readonly isReached: boolean;
}

/** What the evidence of a rotation says of its material. */
export interface MaterialEvidence {
  readonly materials: readonly MaterialInEvidence[];
  readonly intended: readonly IntendedImport[];
}

const IMPORTED = z.object({
  version: z.string(),
  keyArn: z.string(),
  keyMaterialId: z.string(),
  custody: z
    .object({ kind: z.string(), binding: z.string().optional(), location: z.string().nullable().optional() })
    .optional(),
});

const INTENDED = z.object({
  version: z.string(),
  keyArn: z.string(),
  binding: z.string(),
  wrappedSha256: z.string(),
  publicKeySha256: z.string(),
  recipients: z.array(z.string()),
});

/** A run that was killed, and the one that asks, are not closed: what they recorded before counts. */
const OPEN = new Set(['not-closed', 'cut-line']);

/**
 * Reads evidence whose chain holds; a file with any other fault says nothing. No evidence at all is no error.
 *
 * @param directory - of the evidence
 * @param rotation - name of the rotation; evidence of others is left out
 */
export async function materialEvidence(directory: string, rotation: string): Promise<MaterialEvidence> {
  const records = (await recordedRuns(directory))
    .filter(({ faults }) => faults.every(({ code }) => OPEN.has(code)))
    .filter((run) => rotationOf(run) === rotation)
    .flatMap((run) => run.records);
  const materials = records.flatMap(({ type, step, data }): readonly MaterialInEvidence[] => {
    if (type === 'outcome' && step === 'import-material') return importedIn(data.imported);
    if (type === 'outcome' && step === 'drill') return data.outcome === 'held' ? importedIn([data]) : [];
    return type === 'outcome' && step === 'ceremony' ? importedIn([data]) : [];
  });
  const intended = records.flatMap(({ type, step, data }) => {
    const read = type === 'intent' && step === 'import-material' ? INTENDED.safeParse(data) : undefined;
    return read?.success ? [read.data] : [];
  });
  return { materials, intended };
}

function importedIn(value: unknown): readonly MaterialInEvidence[] {
  return (Array.isArray(value) ? value : []).flatMap((one) => {
    const read = IMPORTED.safeParse(one);
    if (!read.success) return [];
    const { version, keyArn, keyMaterialId, custody } = read.data;
    const { kind = 'elsewhere', binding, location } = custody ?? {};
    return [{ version, keyArn, keyMaterialId, kind, binding, isReached: typeof location === 'string' }];
  });
}

function rotationOf({ records }: RecordedRun): unknown {
  return records.find((one) => one.type === 'run-opened')?.data.rotation;
}
