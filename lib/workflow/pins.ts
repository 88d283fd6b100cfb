import { evidenceDirectory, evidenceOf } from '../observation/observe';
import { type PinLook, pinLooks, pinnedSince } from '../observation/pin-records';
import type { BucketDefault } from '../s3/bucket-default';
import { pinnedWriters } from '../s3/pinned-writers';
import type { RetireRun } from './rotation-run';

/** What is known of the writers of a bucket with `pinWriters`. */
export interface Pin {
  readonly bucket: string;
  /** Milliseconds by S3's clock: since then every look found them pinned to the active key. Absent: the last one did not. */
  readonly since: number | undefined;
  /** Why they are not pinned; absent: they are. */
  readonly because: string | undefined;
}

interface Looked {
  readonly activeKeyArn: string;
  readonly defaults: readonly { readonly name: string; readonly default: BucketDefault | undefined }[];
}

/**
 * Looks whether the writers of each bucket with `pinWriters` are pinned to the active key now, and records it. Says
 * since when all looks of this rotation found it so. Both are needed: a write that names no key takes the bucket's
 * default.
 */
export async function observePins(run: RetireRun, { activeKeyArn, defaults }: Looked): Promise<readonly Pin[]> {
  const { rotation, clients, identity, store, evidence } = run;
  const buckets = rotation.buckets.filter(({ pinWriters }) => pinWriters === true);
  if (buckets.length === 0 || activeKeyArn === '') return [];
  const before = await pinLooks(evidenceDirectory(rotation), evidenceOf(run));
  const found: (PinLook & { readonly because: string | undefined })[] = [];
  for (const { name } of buckets) {
    const pinned = await pinnedWriters(clients.s3, { bucket: name, account: identity.account, keyArn: activeKeyArn });
    const isDefault = defaults.find((one) => one.name === name)?.default?.keyArn === activeKeyArn;
    const inForce = pinned.inForce && isDefault;
    const because = pinned.inForce ? `the default of ${name} is not the active key` : pinned.because;
    found.push({
      bucket: name,
      keyArn: activeKeyArn,
      inForce,
      at: store.now(),
      because: inForce ? undefined : because,
    });
  }
  await evidence.record('pinned-writers', 'retire', { pins: found });
  return found.map(({ bucket, because }) => ({
    bucket,
    since: pinnedSince([...before, ...found], bucket, activeKeyArn),
    because,
  }));
}
