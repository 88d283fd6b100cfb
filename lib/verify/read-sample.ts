import type { ObjectHead, VersionRef } from '../s3/object-version';

/** A version that is to be read: HEAD tells its key without using it, only a read proves that the key opens it. */
export interface SampledRead {
  readonly ref: VersionRef;
  readonly head: ObjectHead;
  /** False: one byte, which opens its data key as well as all of them do. */
  readonly whole: boolean;
}

/** Bytes up to which a sampled version is read whole. */
const WHOLE_MAX = 64 * 1024 ** 2;

/** A fair sample of readable versions out of a stream of unknown length (reservoir sampling, memory of its size). */
export class ReadSample {
  readonly #size: number;
  readonly chosen: SampledRead[] = [];
  #offered = 0;

  constructor(size: number) {
    this.#size = size;
  }

  offer(ref: VersionRef, head: ObjectHead): void {
    if (this.#size === 0 || isArchived(head)) return;
    this.#offered += 1;
    const one = { ref, head, whole: head.size <= WHOLE_MAX };
    if (this.chosen.length < this.#size) {
      this.chosen.push(one);
      return;
    }
    const at = Math.floor(Math.random() * this.#offered);
    if (at < this.#size) this.chosen[at] = one;
  }
}

/** Archived and not restored: S3 reads it to nobody. */
function isArchived({ storageClass, archiveStatus, restore }: ObjectHead): boolean {
  const archived = storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE' || archiveStatus !== undefined;
  return archived && restore !== 'restored';
}
