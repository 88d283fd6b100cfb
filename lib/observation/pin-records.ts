import { z } from 'zod';
import { type EvidenceOf, runsOf } from './evidence-queries';
import { inChainOrder } from './recorded-runs';

/** A look at the pin of a bucket, as evidence holds it. */
export interface PinLook {
  readonly bucket: string;
  /** ARN of the active key. */
  readonly keyArn: string;
  /** Whether both the pin and the bucket's default named that key. */
  readonly inForce: boolean;
  /** Milliseconds by S3's clock. */
  readonly at: number;
}

const LOOKS = z.object({
  pins: z.array(z.object({ bucket: z.string(), keyArn: z.string(), inForce: z.boolean(), at: z.number() })),
});

/**
 * Every look at a pin that evidence of a rotation holds, in the order of its runs; of a run whose evidence is not sound, each counts as
 * one that found nothing in force. Clocks do not order them: S3's has whole
 * seconds, and two runs can follow each other faster.
 */
export async function pinLooks(directory: string, of: EvidenceOf): Promise<readonly PinLook[]> {
  return inChainOrder(await runsOf(directory, of)).flatMap(({ records, faults }) =>
    records
      .filter(({ type, step }) => type === 'pinned-writers' && step === 'retire')
      .flatMap(({ data }) => LOOKS.safeParse(data).data?.pins ?? [])
      .map((look) => ({ ...look, inForce: look.inForce && faults.length === 0 })),
  );
}

/**
 * Since when the writers of a bucket are known to be pinned to a key: the first of the looks up to now that all found it so, and never
 * before a look that found it otherwise, or another key. Undefined: the last look did not find it in force.
 */
export function pinnedSince(looks: readonly PinLook[], bucket: string, keyArn: string): number | undefined {
  const ofBucket = looks.filter((one) => one.bucket === bucket);
  const isBroken = (look: PinLook): boolean => !look.inForce || look.keyArn !== keyArn;
  const first = ofBucket[ofBucket.findLastIndex(isBroken) + 1];
  // Of a run beside another, the chain does not say when it was: its time does.
  return first && Math.max(first.at, ...ofBucket.filter(isBroken).map(({ at }) => at));
}
