import { z } from 'zod';
import { soundRunsOf } from './evidence-queries';

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

/** Every look at a pin that sound evidence of a rotation holds, the oldest first. */
export async function pinLooks(directory: string, rotation: string): Promise<readonly PinLook[]> {
  const runs = await soundRunsOf(directory, rotation);
  const looks = runs
    .flatMap((run) => run.records)
    .filter(({ type, step }) => type === 'pinned-writers' && step === 'retire')
    .flatMap(({ data }) => LOOKS.safeParse(data).data?.pins ?? []);
  return looks.sort((one, other) => one.at - other.at);
}

/**
 * Since when the writers of a bucket are known to be pinned to a key: the first of the looks up to now that all found it so. A look
 * that found it otherwise, or another key, begins anew. Undefined: the last look did not find it in force.
 */
export function pinnedSince(looks: readonly PinLook[], bucket: string, keyArn: string): number | undefined {
  let since: number | undefined;
  for (const look of looks.filter((one) => one.bucket === bucket)) {
    since = look.inForce && look.keyArn === keyArn ? (since ?? look.at) : undefined;
  }
  return since;
}
