import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import type { ListedVersion, PageMarker } from './object-version';
import type { BlockedVersion, FailedVersion } from './outcome';
import type { TallyCounts } from './tally';

/** What a journal belongs to; one of another run is not gone on with. */
export interface JournalHead {
  readonly bucket: string;
  readonly targetKeyArn: string;
  readonly method: 'rewrap' | 'rewrite';
  /** When the first pass began, by the endpoint's clock, in milliseconds since the epoch. */
  readonly begun: number;
  /** Keys with a multipart upload open at that time: what comes of it bears the date it was begun. Undefined: too many. */
  readonly uploadKeys: readonly string[] | undefined;
}

/** A version that failed, with all that trying it again takes. */
export interface FailedEntry {
  readonly version: ListedVersion;
  readonly failed: FailedVersion;
}

/** One settled page: every version of it and of the pages before it was dealt with. */
export interface JournalPage {
  readonly pass: number;
  /** Where the listing goes on; absent when the pass is done. */
  readonly next: PageMarker | undefined;
  /** Counts of the whole run so far. */
  readonly counts: TallyCounts;
  readonly failed: readonly FailedEntry[];
  readonly blocked: readonly BlockedVersion[];
}

/** What an interrupted run left. */
export interface Resumed {
  readonly head: JournalHead;
  /** The page that the first pass goes on with; `done` when it was over. */
  readonly frontier: PageMarker | 'start' | 'done';
  readonly counts: TallyCounts | undefined;
  readonly failed: readonly FailedEntry[];
  readonly blocked: readonly BlockedVersion[];
}

/** Failures beyond which going on is no cheaper than beginning anew. */
const MAX_FAILED = 100_000;

type Line =
  | { readonly type: 'begin'; readonly schemaVersion: 1; readonly head: JournalHead }
  | { readonly type: 'failed'; readonly entry: FailedEntry }
  | { readonly type: 'blocked'; readonly entry: BlockedVersion }
  | { readonly type: 'page'; readonly pass: number; readonly next: PageMarker | null; readonly counts: TallyCounts }
  | { readonly type: 'end' };

/**
 * What a run over one bucket writes down to be able to go on after a crash: the listing's frontier and every failure,
 * not every object. NDJSON, one write and one fsync a page, the page's own line last: a torn end is a page not settled.
 * It may be lost: S3 holds the truth, and a run without it looks at every version again.
 */
export class Journal {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Begins a journal, in the place of any that was there, with what a resumed run had left of failures. */
  static async begin(file: string, head: JournalHead, first?: JournalPage): Promise<Journal> {
    await mkdir(path.dirname(file), { recursive: true });
    const fresh = `${file}.new`;
    await rm(fresh, { force: true });
    const handle = await open(fresh, 'ax', 0o600);
    await handle.write(text([{ type: 'begin', schemaVersion: 1, head }, ...(first ? linesOf(first) : [])]));
    await handle.datasync();
    await rename(fresh, file);
    return new Journal(handle);
  }

  async page(page: JournalPage): Promise<void> {
    await this.#file.write(text(linesOf(page)));
    await this.#file.datasync();
  }

  /** The run is over and has nothing to go on with. */
  async end(): Promise<void> {
    await this.#file.write(text([{ type: 'end' }]));
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** What the journal of an interrupted run of the same kind says; undefined where there is none, or nothing to go on with. */
export async function readJournal(
  file: string,
  expected: Pick<JournalHead, 'bucket' | 'targetKeyArn' | 'method'>,
): Promise<Resumed | undefined> {
  const lines = parsed(await readFile(file, 'utf8').catch(() => ''));
  const [first, ...rest] = lines;
  if (first?.type !== 'begin' || first.schemaVersion !== 1 || rest.some((line) => line.type === 'end'))
    return undefined;
  const { head } = first;
  const isSame =
    head.bucket === expected.bucket && head.targetKeyArn === expected.targetKeyArn && head.method === expected.method;
  return isSame ? resumedOf(head, rest) : undefined;
}

function resumedOf(head: JournalHead, lines: readonly Line[]): Resumed | undefined {
  const failed = new Map<string, FailedEntry>();
  const blocked: BlockedVersion[] = [];
  let frontier: Resumed['frontier'] = 'start';
  let counts: TallyCounts | undefined;
  // Failures stand before the line of their page: those behind the last such line belong to a page that was not settled.
  const settled = lines.slice(0, lines.findLastIndex((line) => line.type === 'page') + 1);
  for (const line of settled) {
    if (line.type === 'failed') failed.set(`${line.entry.version.versionId} ${line.entry.version.key}`, line.entry);
    if (line.type === 'blocked') blocked.push(line.entry);
    if (line.type !== 'page') continue;
    counts = line.counts;
    if (line.pass === 1) frontier = line.next ?? 'done';
  }
  if (failed.size > MAX_FAILED) return undefined;
  return { head, frontier, counts, failed: [...failed.values()], blocked };
}

/** Every whole line; a torn one at the end is what a crash in the middle of a write leaves, and is dropped. */
function parsed(content: string): readonly Line[] {
  const lines: Line[] = [];
  for (const line of content.split('\n').slice(0, -1)) {
    try {
      lines.push(JSON.parse(line) as Line);
    } catch {
      return lines;
    }
  }
  return lines;
}

function linesOf({ pass, next, counts, failed, blocked }: JournalPage): readonly Line[] {
  return [
    ...failed.map((entry): Line => ({ type: 'failed', entry })),
    ...blocked.map((entry): Line => ({ type: 'blocked', entry })),
    { type: 'page', pass, next: next ?? null, counts },
  ];
}

function text(lines: readonly Line[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
