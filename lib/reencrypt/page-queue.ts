import type { ListedVersion, PageMarker, VersionPage } from '../s3/object-version';
import type { VersionOutcome } from './outcome';
import type { UnprovenMove } from './rewrap';

/** The outcomes of one version of a page. */
export interface PageResult {
  readonly version: ListedVersion;
  readonly outcomes: readonly VersionOutcome[];
  /** S3 says that it moved the version, and nobody has looked yet: it has no outcome before that. */
  readonly unproven?: UnprovenMove | undefined;
}

export interface CompletedPage {
  readonly next: PageMarker | undefined;
  /** Versions on the page, inspected or not. */
  readonly listed: number;
  readonly deleteMarkers: number;
  /** The latest LastModified of its versions, milliseconds since the epoch; 0 where it has none. */
  readonly newest: number;
  readonly results: readonly PageResult[];
  /** The keys of the page; absent where it begins or ends in the middle of one. */
  readonly range?: KeyRange | undefined;
}

/** Keys behind one, up to and with another; from the first one, or to the last, where absent. */
export interface KeyRange {
  readonly behind: string | undefined;
  readonly to: string | undefined;
}

interface PendingPage extends CompletedPage {
  readonly results: PageResult[];
  open: number;
  /** With the outcomes that were not proven; absent as long as a version is in progress. */
  proven?: Promise<CompletedPage>;
}

/** Pages that may wait for a slow version before them: memory is bounded by them. */
const MAX_WAITING = 16;

/**
 * Puts pages back into the order of the listing, whatever order their versions end in. A page whose versions are done is proven; several
 * pages may be at once. It hands a page on once that page and all before it are proven. Behind what was handed on, nothing is in
 * progress.
 */
export class PageQueue {
  readonly #pages: PendingPage[] = [];
  readonly #commit: (page: CompletedPage) => Promise<void>;
  readonly #prove: (page: CompletedPage) => Promise<CompletedPage>;
  #unwritten = 0;
  #isReleased = false;
  #writing: Promise<void> = Promise.resolve();
  #waiting: (() => void) | undefined;

  constructor(
    commit: (page: CompletedPage) => Promise<void>,
    prove: (page: CompletedPage) => Promise<CompletedPage> = async (page) => page,
  ) {
    this.#commit = commit;
    this.#prove = prove;
  }

  /** Resolves when there is room for a page; undefined: there is. For one listing, which adds them one by one. */
  room(): Promise<void> | undefined {
    if (this.#unwritten < MAX_WAITING || this.#isReleased) return undefined;
    return new Promise((go) => {
      this.#waiting = go;
    });
  }

  /** Announces a page, of which `inspected` versions will be reported. Returns what each of them reports to. */
  add(page: VersionPage, inspected: number, range?: KeyRange): (result: PageResult) => void {
    const { next, deleteMarkers, versions } = page;
    const newest = versions.reduce((latest, one) => Math.max(latest, one.lastModified), 0);
    const counts = { listed: versions.length, deleteMarkers: deleteMarkers.length, newest };
    const pending: PendingPage = { next, ...counts, results: [], range, open: inspected };
    this.#pages.push(pending);
    this.#unwritten += 1;
    if (inspected === 0) this.#done(pending);
    return (result) => {
      pending.results.push(result);
      pending.open -= 1;
      if (pending.open === 0) this.#done(pending);
    };
  }

  /** Unblocks whoever waits for room: the pages that are open will never be committed. */
  release(): void {
    this.#isReleased = true;
    this.#waiting?.();
  }

  /** Resolves when every page is written; also when one cannot be, or after `release`, as some never will be. */
  async drained(): Promise<void> {
    while (this.#unwritten > 0 && !this.#isReleased) {
      await new Promise<void>((go) => {
        this.#waiting = go;
      });
    }
  }

  /** Resolves when all that was handed on is written; rejects with the first failure to. */
  flushed(): Promise<void> {
    return this.#writing;
  }

  #done(page: PendingPage): void {
    page.proven = this.#prove(page);
    // It is awaited in its turn.
    page.proven.catch(() => undefined);
    this.#advance();
  }

  #advance(): void {
    while (this.#pages[0]?.proven) {
      const { proven } = this.#pages.shift() ?? {};
      if (proven) this.#writing = this.#writing.then(async () => this.#write(await proven));
    }
    // It is awaited at the end of the pass; until then a failure must not count as unhandled.
    this.#writing.catch(() => this.release());
  }

  async #write(page: CompletedPage): Promise<void> {
    await this.#commit(page);
    this.#unwritten -= 1;
    this.#waiting?.();
    this.#waiting = undefined;
  }
}
