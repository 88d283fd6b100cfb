import type { Assumptions } from '../lib/forecast/assumptions';
import { S3_PER_PREFIX } from '../lib/forecast/service-limits';
import { Queue, SimulatedTime, SimulatedWindow, seededRandom, TokenBucket } from './simulation-clock';

/**
 * A phase of a run, simulated request by request: listings that feed it, workers, one CPU, a token bucket a prefix for reads
 * and one for writes, the KMS quota, SlowDown and what the engine does about it. It knows nothing of the closed formulas of
 * `lib/forecast`, which are checked against it.
 */
export interface SimulatedPhase {
  readonly versions: number;
  /** What is asked about each version, one after the other; empty: it is only listed. */
  readonly requests: readonly ('read' | 'write')[];
  /** Seconds that a write takes longer than a read. */
  readonly writeSeconds: number;
  readonly kmsEach: number;
  readonly prefixes: number;
  readonly kmsPerSecond: number;
  /** Absent: a job of S3 itself, which takes versions in no order and has CPU enough. */
  readonly listings: number | undefined;
  /** CPU seconds a version beside its requests. */
  readonly cpuEach: number;
  /** Tasks a second at most; a process has no such limit. */
  readonly tasksPerSecond: number;
}

/** Versions that are simulated of a phase with more: enough for a steady pace. */
const SLICE = 40_000;
/** Prefixes that are simulated of a job with more; all shared limits are scaled with them. */
const PREFIXES = 4;
/** Concurrent tasks of a simulated job at most. */
const JOB_WINDOW = 1_000;

/** Seconds that a phase takes. Large phases simulate a sample and extrapolate its steady pace. */
export function simulatePhase(phase: SimulatedPhase, assumptions: Assumptions): number {
  if (phase.versions === 0) return 0;
  const scaled = phase.listings === undefined ? Math.max(1, phase.prefixes / PREFIXES) : 1;
  const versions = Math.ceil(phase.versions / scaled);
  const slice = Math.min(versions, phase.requests.length === 0 ? 4_000_000 : SLICE);
  const part = {
    ...phase,
    versions: slice,
    prefixes: Math.min(phase.prefixes, Math.round(phase.prefixes / scaled)),
    kmsPerSecond: phase.kmsPerSecond / scaled,
    tasksPerSecond: phase.tasksPerSecond / scaled,
  };
  const { seconds, perSecond } = steadyPace(part, assumptions);
  return seconds + (versions - slice) / perSecond;
}

const kept = new Map<string, { seconds: number; perSecond: number }>();

function steadyPace(part: SimulatedPhase, assumptions: Assumptions): { seconds: number; perSecond: number } {
  const id = JSON.stringify([part, assumptions]);
  const known = kept.get(id);
  if (known) return known;
  const found =
    part.requests.length === 0
      ? new ListingSimulation(part, assumptions).run()
      : new RequestSimulation(part, assumptions).run();
  kept.set(id, found);
  return found;
}

/** Pages that come one after the other in each listing, and one CPU that reads them. */
class ListingSimulation {
  readonly #part: SimulatedPhase;
  readonly #assumptions: Assumptions;
  readonly #time = new SimulatedTime();
  #cpuFree = 0;
  #pages: number;

  constructor(part: SimulatedPhase, assumptions: Assumptions) {
    this.#part = part;
    this.#assumptions = assumptions;
    this.#pages = Math.ceil(part.versions / 1000);
  }

  run(): { seconds: number; perSecond: number } {
    const { listings = 1, versions } = this.#part;
    for (let at = 0; at < Math.min(listings, this.#pages); at += 1) this.#next();
    this.#time.run();
    const seconds = Math.max(this.#time.now, this.#cpuFree);
    return { seconds, perSecond: versions / seconds };
  }

  #next(): void {
    if (this.#pages === 0) return;
    this.#pages -= 1;
    this.#time.after(this.#part.listings === Number.POSITIVE_INFINITY ? 0 : this.#assumptions.pageSeconds, () => {
      const { now } = this.#time;
      this.#cpuFree = Math.max(now, this.#cpuFree) + 1000 * this.#part.cpuEach;
      // The page ahead is asked for while this one is read, and not before.
      this.#time.after(Math.max(0, this.#cpuFree - now - this.#assumptions.pageSeconds), () => this.#next());
    });
  }
}

/** Requests that wait for the same window. */
interface Lane {
  readonly window: SimulatedWindow;
  readonly reads: Queue<() => void>;
  readonly writes: Queue<() => void>;
}

interface Feed {
  next: number;
  readonly end: number;
  /** Up to which the versions are listed. */
  known: number;
  isListing: boolean;
}

class RequestSimulation {
  readonly #part: SimulatedPhase;
  readonly #assumptions: Assumptions;
  readonly #time = new SimulatedTime();
  readonly #random = seededRandom(7);
  readonly #reads: TokenBucket[] = [];
  readonly #writes: TokenBucket[] = [];
  readonly #kms: TokenBucket;
  readonly #tasks: TokenBucket;
  readonly #lanes: Lane[] = [];
  readonly #kmsWindow: SimulatedWindow;
  readonly #feeds: Feed[] = [];
  #turn = 0;
  #slots: number;
  #cpuFree = 0;
  #done = 0;
  readonly #marks = { from: 0, to: 0 };

  constructor(part: SimulatedPhase, assumptions: Assumptions) {
    this.#part = part;
    this.#assumptions = assumptions;
    for (let at = 0; at < part.prefixes; at += 1) {
      this.#reads.push(new TokenBucket(S3_PER_PREFIX.reads));
      this.#writes.push(new TokenBucket(S3_PER_PREFIX.writes));
    }
    this.#kms = new TokenBucket(part.kmsPerSecond);
    this.#tasks = new TokenBucket(Math.min(part.tasksPerSecond, 1e9));
    this.#slots = part.listings === undefined ? JOB_WINDOW : assumptions.inFlight;
    // S3 paces its own job where a prefix is busy; a process is asked to slow down, and does so everywhere.
    const lanes = part.listings === undefined ? part.prefixes : 1;
    for (let at = 0; at < lanes; at += 1) {
      this.#lanes.push({ window: new SimulatedWindow(this.#slots), reads: new Queue(), writes: new Queue() });
    }
    this.#kmsWindow = new SimulatedWindow(this.#slots);
    const feeds = part.listings ?? 1;
    for (let at = 0; at < feeds; at += 1) {
      const [next, end] = [Math.floor((at * part.versions) / feeds), Math.floor(((at + 1) * part.versions) / feeds)];
      this.#feeds.push({ next, end, known: part.listings === undefined ? end : next, isListing: false });
    }
  }

  run(): { seconds: number; perSecond: number } {
    this.#feed();
    this.#time.run();
    const { versions } = this.#part;
    if (this.#done !== versions) throw new Error(`${this.#done} of ${versions} versions were simulated`);
    // Neither the beginning, when the window grows, nor the end, when there is less and less to do.
    const perSecond = (0.5 * versions) / (this.#marks.to - this.#marks.from);
    return { seconds: this.#time.now, perSecond };
  }

  #feed(): void {
    const { listings } = this.#part;
    for (const feed of this.#feeds) {
      if (listings === undefined || feed.isListing || feed.known >= feed.end || feed.known - feed.next > 1000) continue;
      feed.isListing = true;
      this.#time.after(this.#assumptions.pageSeconds, () => {
        feed.isListing = false;
        feed.known = Math.min(feed.end, feed.known + 1000);
        this.#feed();
      });
    }
    while (this.#slots > 0) {
      const feed = this.#nextFeed();
      if (!feed) return;
      const version = feed.next;
      feed.next += 1;
      this.#slots -= 1;
      this.#work(this.#prefixOf(version), 0);
    }
  }

  #nextFeed(): Feed | undefined {
    for (let tried = 0; tried < this.#feeds.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#feeds.length;
      const feed = this.#feeds[this.#turn];
      if (feed && feed.next < feed.known) return feed;
    }
    return undefined;
  }

  /** Listings go by key, so that they stand in one prefix for a while; a job's tasks are in no order. */
  #prefixOf(version: number): number {
    const { prefixes, versions, listings } = this.#part;
    if (listings === undefined) return Math.floor(this.#random() * prefixes);
    return Math.floor((version / versions) * prefixes);
  }

  #work(prefix: number, at: number): void {
    const kind = this.#part.requests[at];
    if (kind) this.#ask(prefix, at, kind === 'write', 1);
    else this.#finish();
  }

  #finish(): void {
    this.#done += 1;
    const { versions } = this.#part;
    if (this.#done === Math.floor(0.4 * versions)) this.#marks.from = this.#time.now;
    if (this.#done === Math.floor(0.9 * versions)) this.#marks.to = this.#time.now;
    this.#slots += 1;
    this.#feed();
  }

  #ask(prefix: number, at: number, isWrite: boolean, attempt: number): void {
    const lane = this.#laneOf(prefix);
    lane[isWrite ? 'writes' : 'reads'].add(() => this.#send(prefix, at, isWrite, attempt));
    this.#drain(lane);
  }

  #laneOf(prefix: number): Lane {
    const lane = this.#lanes[this.#lanes.length === 1 ? 0 : prefix];
    if (!lane) throw new Error(`there is no prefix ${prefix}`);
    return lane;
  }

  /** What KMS holds back does not hold back what needs no KMS. */
  #drain({ window, reads, writes }: Lane): void {
    while (window.isOpen) {
      const write = this.#kmsWindow.isOpen ? writes.take() : undefined;
      const send = write ?? reads.take();
      if (!send) return;
      window.underWay += 1;
      if (write) this.#kmsWindow.underWay += 1;
      send();
    }
  }

  #send(prefix: number, at: number, isWrite: boolean, attempt: number): void {
    const { cpuEach, writeSeconds, listings } = this.#part;
    const cpu = listings === undefined ? 0 : this.#assumptions.cpuPerRequest + (at === 0 ? cpuEach : 0);
    const { now } = this.#time;
    this.#cpuFree = Math.max(now, this.#cpuFree) + cpu;
    const leaves = this.#cpuFree - now;
    this.#time.after(leaves + this.#assumptions.requestSeconds / 2, () => {
      const refusedBy = this.#refused(prefix, isWrite);
      const answer = this.#assumptions.requestSeconds / 2 + (refusedBy || !isWrite ? 0 : writeSeconds);
      this.#time.after(answer, () => {
        this.#leave(prefix, isWrite, refusedBy);
        if (!refusedBy) this.#work(prefix, at + 1);
        else {
          const wait = this.#random() * Math.min(20, 0.05 * 2 ** attempt);
          this.#time.after(wait, () => this.#ask(prefix, at, isWrite, attempt + 1));
        }
        for (const lane of this.#lanes) this.#drain(lane);
      });
    });
  }

  #refused(prefix: number, isWrite: boolean): 's3' | 'kms' | undefined {
    const { now } = this.#time;
    const tokens = (isWrite ? this.#writes : this.#reads)[prefix];
    if (!tokens?.take(now, 1)) return 's3';
    if (isWrite && this.#part.listings === undefined && !this.#tasks.take(now, 1)) return 's3';
    return isWrite && !this.#kms.take(now, this.#part.kmsEach) ? 'kms' : undefined;
  }

  #leave(prefix: number, isWrite: boolean, refusedBy: 's3' | 'kms' | undefined): void {
    const { now } = this.#time;
    const { window } = this.#laneOf(prefix);
    if (refusedBy === 's3') window.slowed(now);
    else window.answered();
    if (!isWrite) return;
    if (refusedBy === 'kms') this.#kmsWindow.slowed(now);
    else this.#kmsWindow.answered();
  }
}
