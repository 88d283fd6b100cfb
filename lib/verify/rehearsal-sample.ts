import type { ObjectHead, VersionRef } from '../s3/object-version';
import type { Versioning } from '../s3/store';
import { RandomSample } from './random-sample';
import { isArchived } from './read-sample';

/** A version that a dress rehearsal is to read. */
export interface VersionToRead {
  readonly key: string;
  /** Absent in a bucket that never had versioning. */
  readonly versionId: string | undefined;
  /** Bytes. */
  readonly size: number;
}

/** What a dress rehearsal of the disable reads of a bucket, chosen at random from what its verification inspected. */
export interface ToRehearse {
  readonly versioning: Versioning;
  readonly underActive: readonly VersionToRead[];
  /** Under other keys, SSE-S3, …: what HEAD names them. */
  readonly outOfScope: readonly VersionToRead[];
  /** Versions that nobody can read before they are restored. */
  readonly archived: number;
  /** Versions under SSE-C, which only its owner can read. */
  readonly customerKey: number;
}

/** Versions of the first kind to one of the second. */
const SHARE = 5;

/** Collects {@link ToRehearse} while a bucket is verified. */
export class RehearsalSample {
  readonly #underActive: RandomSample<VersionToRead>;
  readonly #outOfScope: RandomSample<VersionToRead>;
  #archived = 0;
  #customerKey = 0;

  /** @param size - versions under the active key at most; 0: none is wanted */
  constructor(size: number) {
    this.#underActive = new RandomSample(size);
    this.#outOfScope = new RandomSample(Math.ceil(size / SHARE));
  }

  offer({ key, versionId }: VersionRef, head: ObjectHead, place: 'underActive' | 'outOfScope'): void {
    if (isArchived(head)) this.#archived += 1;
    else (place === 'underActive' ? this.#underActive : this.#outOfScope).offer({ key, versionId, size: head.size });
  }

  /** Counts what nobody can read anew. @returns as {@link RandomSample.staleLater} */
  staleLater(): (isStale: (version: VersionToRead) => boolean) => void {
    [this.#archived, this.#customerKey] = [0, 0];
    const drops = [this.#underActive.staleLater(), this.#outOfScope.staleLater()];
    return (isStale) => {
      for (const drop of drops) drop(isStale);
    };
  }

  customerKey(): void {
    this.#customerKey += 1;
  }

  chosen(versioning: Versioning): ToRehearse {
    return {
      versioning,
      underActive: this.#underActive.chosen,
      outOfScope: this.#outOfScope.chosen,
      archived: this.#archived,
      customerKey: this.#customerKey,
    };
  }
}
