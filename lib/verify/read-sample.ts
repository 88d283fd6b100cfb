import type { ObjectHead, VersionRef } from '../s3/object-version';
import { RandomSample } from './random-sample';

/** A version that is to be read: HEAD reports its key without using it, only a read proves that the key opens it. */
export interface SampledRead {
  readonly ref: VersionRef;
  readonly head: ObjectHead;
  /** False: one byte, which opens the data key as well as all of them do. */
  readonly whole: boolean;
}

/** Bytes up to which a sampled version is read whole. */
const WHOLE_MAX = 64 * 1024 ** 2;

/** A fair sample of readable versions. */
export class ReadSample {
  readonly #sample: RandomSample<SampledRead>;

  constructor(size: number) {
    this.#sample = new RandomSample(size);
  }

  get chosen(): readonly SampledRead[] {
    return this.#sample.chosen;
  }

  /** As {@link RandomSample.staleLater}. */
  staleLater(): (isStale: (ref: VersionRef) => boolean) => void {
    const drop = this.#sample.staleLater();
    return (isStale) => drop(({ ref }) => isStale(ref));
  }

  offer(ref: VersionRef, head: ObjectHead): void {
    if (!isArchived(head)) this.#sample.offer({ ref, head, whole: head.size <= WHOLE_MAX });
  }
}

/** Archived and not restored: S3 lets nobody read it. */
export function isArchived({ storageClass, archiveStatus, restore }: ObjectHead): boolean {
  const archived = storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE' || archiveStatus !== undefined;
  return archived && restore !== 'restored';
}
