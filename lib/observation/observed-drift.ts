import { stat } from 'node:fs/promises';
import { readRecord, recordSha256 } from '../key-material/custody/custody-record';
import { nodeFiles } from '../key-material/custody/file-operations';
import { custodyDirectory, type Rotation } from '../rotation/rotation';
import { driftFindings } from './drift';
import type { DriftFinding, DriftInput, ObservedCustody } from './drift-finding';
import { lastLeft, lastVerified } from './evidence-queries';
import { evidenceDirectory, type Observation } from './observe';

/** Reads custody and evidence beside the rotation file, and reports what has moved. Reads only. */
export async function observeDrift(
  rotation: Rotation,
  seen: Observation,
  now: Date,
  { verdicts, materials }: Pick<DriftInput, 'verdicts' | 'materials'>,
): Promise<readonly DriftFinding[]> {
  const evidence = evidenceDirectory(rotation);
  return driftFindings({
    rotation,
    seen,
    now,
    custody: await custodySight(rotation),
    verifiedAt: await lastVerified(evidence, rotation.name),
    left: await lastLeft(evidence, rotation.name),
    verdicts,
    materials,
  });
}

/** @throws custody-damaged for a record that cannot be read */
async function custodySight(rotation: Rotation): Promise<ObservedCustody> {
  const directory = custodyDirectory(rotation.custody);
  const here =
    directory !== undefined &&
    (await stat(directory).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  if (!here) return { here: false };
  const imported = new Map<string, Date>();
  const hashes = new Map<string, string>();
  const ledger = { directory, files: nodeFiles };
  for (const { name } of rotation.keyVersions) {
    const record = await readRecord(ledger, rotation.name, name);
    if (record) imported.set(name, new Date(record.import.importedAt));
    const hash = await recordSha256(ledger, rotation.name, name);
    if (hash !== undefined) hashes.set(name, hash);
  }
  return { here: true, imported, hashes };
}
