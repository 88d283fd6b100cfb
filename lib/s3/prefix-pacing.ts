import { PrefixLanes } from './prefix-lanes';
import type { RequestLane } from './request-lane';

/** The requests of one caller about the objects of a bucket, in lanes that others who call the same bucket may share. */
export class PrefixPacing {
  /** Requests that were sent. */
  sent = 0;
  readonly #lanes: PrefixLanes;
  #isOpen = false;

  constructor(lanes = new PrefixLanes()) {
    this.#lanes = lanes;
  }

  /** Why requests wait; undefined: S3 has refused none. */
  get because(): string | undefined {
    return this.#lanes.because;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The lane of a request about a key. */
  lane(kind: 'reads' | 'writes', key: string): RequestLane {
    return this.#lanes.lane(kind, key);
  }

  /** Resolves when a request in the lane may leave; undefined: at once. */
  enter(lane: RequestLane): Promise<void> | undefined {
    return this.#isOpen ? undefined : this.#lanes.enter(lane);
  }

  /** Resolves when another object version under the key's prefix may be started; undefined: now. */
  room(key: string): Promise<void> | undefined {
    return this.#isOpen ? undefined : this.#lanes.room(key);
  }

  accepted(lane: RequestLane): void {
    this.#lanes.accepted(lane);
  }

  refused(lane: RequestLane): void {
    this.#lanes.refused(lane);
  }

  /** Lets everything that waits go at once: the caller ends, and sends none of it. What of others waits in the same lanes goes early. */
  open(): void {
    this.#isOpen = true;
    this.#lanes.open();
  }
}
