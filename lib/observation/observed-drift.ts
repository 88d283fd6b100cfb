import { driftFindings } from './drift';
import type { DriftFinding, DriftInput } from './drift-finding';
import { lastDrilled, lastLeft, lastVerified, refusedCopies } from './evidence-queries';
import { materialEvidence } from './material-evidence';
import { evidenceDirectory, evidenceOf, type Observation, type Observing } from './observe';
import { type CustodyObserving, custodyWasHere, observeCustody } from './observed-custody';

async function madeCopies(directory: string, rotation: string): Promise<ReadonlySet<string>> {
  const { intended } = await materialEvidence(directory, rotation);
  return new Set(intended.map(({ version, binding }) => `${version} ${binding}`));
}

/** Reads custody and evidence beside the rotation file, and reports what has moved. Reads only. */
export async function observeDrift(
  run: CustodyObserving & Pick<Observing, 'identity'>,
  seen: Observation,
  now: Date,
  { verdicts, materials }: Pick<DriftInput, 'verdicts' | 'materials'>,
): Promise<readonly DriftFinding[]> {
  const { rotation } = run;
  const evidence = evidenceDirectory(rotation);
  const of = evidenceOf(run);
  return driftFindings({
    rotation,
    seen,
    now,
    custody: await observeCustody(run),
    custodyWasHere: await custodyWasHere(rotation),
    drilled: await lastDrilled(evidence, of, now),
    madeCopies: await madeCopies(evidence, rotation.name),
    refused: await refusedCopies(evidence, of),
    verifiedAt: await lastVerified(evidence, of, now),
    left: await lastLeft(evidence, of),
    verdicts,
    materials,
  });
}
