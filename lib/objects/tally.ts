import {
  type BlockedVersion,
  BoundedList,
  type BucketReencryption,
  type FailedVersion,
  type Stopped,
  type VersionOutcome,
} from './outcome';

/** Adds up what came of each version of a bucket. */
export class Tally {
  readonly #blocked = new BoundedList<BlockedVersion>();
  readonly #failed = new BoundedList<FailedVersion>();
  alreadyThere = 0;
  moved = 0;
  movedBytes = 0;
  gone = 0;
  /** Versions dealt with, whatever came of them. */
  settled = 0;
  objectVersions = 0;
  deleteMarkers = 0;
  passes = 0;

  get failedTotal(): number {
    return this.#failed.total;
  }

  add(outcome: VersionOutcome): void {
    if (this.passes > 1 && outcome.outcome !== 'failed') this.#failed.remove(outcome);
    switch (outcome.outcome) {
      case 'already-there':
        // Later passes find what the first one moved: only the first tells what was there before.
        if (this.passes === 1) this.alreadyThere += 1;
        return;
      case 'moved':
      case 'would-move':
        this.moved += 1;
        this.movedBytes += outcome.size;
        return;
      case 'gone':
        this.gone += 1;
        return;
      case 'blocked':
        this.#blocked.add(outcome.blocked);
        return;
      case 'failed':
        this.#failed.add(outcome.failed);
        return;
    }
  }

  report(end: {
    bucket: string;
    method: 'rewrap' | 'rewrite';
    requests: number;
    finished: boolean;
    stopped: Stopped | undefined;
  }): BucketReencryption {
    const { finished, ...rest } = end;
    return {
      ...rest,
      objectVersions: this.objectVersions,
      deleteMarkers: this.deleteMarkers,
      alreadyThere: this.alreadyThere,
      moved: this.moved,
      movedBytes: this.movedBytes,
      gone: this.gone,
      blocked: this.#blocked.first,
      blockedTotal: this.#blocked.total,
      failed: this.#failed.first,
      failedTotal: this.#failed.total,
      passes: this.passes,
      complete: finished && end.stopped === undefined && this.#failed.total === 0,
    };
  }

  /** One line for people. */
  text(method: 'rewrap' | 'rewrite'): string {
    const verb = method === 'rewrap' ? 'rewrapped' : 'rewritten';
    const trouble = this.#blocked.total + this.#failed.total;
    const tail = trouble === 0 ? '' : `, ${this.#blocked.total} blocked, ${this.#failed.total} failed`;
    return `${this.settled} looked at, ${this.moved} ${verb}, ${this.alreadyThere} there already${tail}`;
  }
}
