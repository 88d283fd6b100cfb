import { driftFindings } from './drift';
import type { DriftFinding, DriftInput } from './drift-finding';
import { lastDrilled, lastLeft, lastVerified, refusedCopies } from './evidence-queries';
import { evidenceDirectory, type Observation } from './observe';
import { type CustodyObserving, custodyWasHere, observeCustody } from './observed-custody';

/** Reads custody and evidence beside the rotation file, and reports what has moved. Reads only. */
export async function observeDrift(
  run: CustodyObserving,
  seen: Observation,
  now: Date,
  { verdicts, materials }: Pick<DriftInput, 'verdicts' | 'materials'>,
): Promise<readonly DriftFinding[]> {
  const { rotation } = run;
  const evidence = evidenceDirectory(rotation);
  return driftFindings({
    rotation,
    seen,
    now,
    custody: await observeCustody(run),
    custodyWasHere: await custodyWasHere(rotation),
    drilled: await lastDrilled(evidence, rotation.name),
    refused: await refusedCopies(evidence, rotation.name),
    verifiedAt: await lastVerified(evidence, rotation.name),
    left: await lastLeft(evidence, rotation.name),
    verdicts,
    materials,
  });
}
