import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Segment, WHOLE } from '../s3/listing-segments';
import type { PageMarker } from '../s3/object-version';
import { type MoveSources, sourcesId } from '../s3/version-scope';
import type { FailedEntry, JournalHead, JournalPage, Resumed, ResumedStart, RunCounts } from './journal-entry';
import type { BlockedVersion } from './outcome';

/** Milliseconds after which a journal is not resumed: too much may have happened behind its frontier. */
const MAX_AGE = 7 * 86_400_000;
/** Failures beyond which resuming is no cheaper than a new run. */
const MAX_FAILED = 100_000;

type Line =
  | { readonly type: 'begin'; readonly schemaVersion: 1 | 2; readonly head: JournalHead }
  | { readonly type: 'failed'; readonly entry: FailedEntry }
  | { readonly type: 'blocked'; readonly entry: BlockedVersion }
  | { readonly type: 'segments'; readonly firstTo: string | null; readonly segments: readonly Segment[] }
  /** Since version 2: an earlier Keyturn would take the segment for done without its rest. */
  | { readonly type: 'split'; readonly segment: number; readonly at: string; readonly rest: number }
  | {
      readonly type: 'page';
      readonly pass: number;
      readonly segment: number;
      readonly next: PageMarker | null;
      readonly counts: RunCounts;
    }
  | { readonly type: 'end' };

/**
 * What a run over one bucket records, so that it can resume after a crash: the listing's frontier and every failure,
 * not every object. It is NDJSON, with one write and one fsync a page. The page's own line comes last: a torn end is a
 * page that was not committed. The journal may be lost: S3 holds the truth, and a run without it inspects every version
 * again.
 */
export class Journal {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Begins a journal, in the place of any that was there, with what a resumed run has behind it and before it. */
  static async begin(file: string, head: JournalHead, resumed?: ResumedStart): Promise<Journal> {
    await mkdir(path.dirname(file), { recursive: true });
    const fresh = `${file}.new`;
    await rm(fresh, { force: true });
    const handle = await open(fresh, 'ax', 0o600);
    const behind: readonly Line[] = resumed
      ? [
          { type: 'segments', firstTo: null, segments: resumed.remaining },
          ...linesOf({ ...resumed, pass: 1, segment: 0, next: undefined }),
        ]
      : [];
    await handle.write(text([{ type: 'begin', schemaVersion: 2, head }, ...behind]));
    await handle.datasync();
    await rename(fresh, file);
    return new Journal(handle);
  }

  async page(page: JournalPage): Promise<void> {
    await this.#file.write(text(linesOf(page)));
    await this.#file.datasync();
  }

  /** Segment 0 of the first listing ends with the key `firstTo`; the rest continues in these segments, numbered from 1. */
  async segments(firstTo: string, segments: readonly Segment[]): Promise<void> {
    await this.#file.write(text([{ type: 'segments', firstTo, segments }]));
    await this.#file.datasync();
  }

  /** What is left of a segment ends with the key `at`; what comes behind that key is the segment numbered `rest`. */
  async split(segment: number, at: string, rest: number): Promise<void> {
    await this.#file.write(text([{ type: 'split', segment, at, rest }]));
    await this.#file.datasync();
  }

  /** The run is over: there is nothing to resume. */
  async end(): Promise<void> {
    await this.#file.write(text([{ type: 'end' }]));
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * What the journal of an interrupted run of the same kind holds; undefined where there is none, it is over a week old, or
 * there is nothing to resume. `now`: milliseconds since the epoch by the endpoint's clock.
 */
export async function readJournal(
  file: string,
  expected: Pick<JournalHead, 'bucket' | 'targetKeyArn' | 'method' | 'switchId'> & {
    readonly sources: MoveSources;
    readonly only?: { readonly label: string } | undefined;
  },
  now: number,
): Promise<Resumed | undefined> {
  const lines = parsed(await readFile(file, 'utf8').catch(() => ''));
  const [first, ...rest] = lines;
  const isKnown = first?.type === 'begin' && (first.schemaVersion === 1 || first.schemaVersion === 2);
  if (!isKnown || rest.some((line) => line.type === 'end')) return undefined;
  const { head } = first;
  const isSame =
    head.bucket === expected.bucket &&
    head.targetKeyArn === expected.targetKeyArn &&
    head.method === expected.method &&
    head.sources === sourcesId(expected.sources) &&
    head.switchId === expected.switchId &&
    head.only === expected.only?.label;
  return isSame && now - head.startedAt < MAX_AGE ? resumedOf(head, rest) : undefined;
}

function resumedOf(head: JournalHead, lines: readonly Line[]): Resumed | undefined {
  const failed = new Map<string, FailedEntry>();
  const blocked: BlockedVersion[] = [];
  const segments = new Map<number, Segment | 'done'>([[0, WHOLE]]);
  let counts: RunCounts | undefined;
  // Failures stand before the line of their page: those behind the last such line belong to a page that was not committed.
  const isWhole = ({ type }: Line) => type === 'page' || type === 'segments' || type === 'split';
  for (const line of lines.slice(0, lines.findLastIndex(isWhole) + 1)) {
    if (line.type === 'failed') failed.set(`${line.entry.version.versionId} ${line.entry.version.key}`, line.entry);
    if (line.type === 'blocked') blocked.push(line.entry);
    if (line.type === 'segments') cutFirst(segments, line);
    if (line.type === 'split') cutInTwo(segments, line);
    if (line.type !== 'page') continue;
    counts = line.counts;
    if (line.pass > 1) continue;
    const segment = segments.get(line.segment);
    if (segment === undefined || segment === 'done') continue;
    segments.set(line.segment, line.next ? { after: line.next, to: segment.to } : 'done');
  }
  const remaining = [...segments.values()].filter((one) => one !== 'done');
  if (failed.size > MAX_FAILED) return undefined;
  return { head, remaining, counts, failed: [...failed.values()], blocked };
}

function cutFirst(segments: Map<number, Segment | 'done'>, line: Extract<Line, { type: 'segments' }>): void {
  const first = segments.get(0);
  if (first !== undefined && first !== 'done') segments.set(0, cutAt(first, line.firstTo ?? undefined));
  line.segments.forEach((one, at) => {
    segments.set(at + 1, one);
  });
}

function cutInTwo(segments: Map<number, Segment | 'done'>, line: Extract<Line, { type: 'split' }>): void {
  const whole = segments.get(line.segment);
  if (whole === undefined || whole === 'done') return;
  segments.set(line.segment, cutAt(whole, line.at));
  segments.set(line.rest, { after: { key: line.at, versionId: undefined }, to: whole.to });
}

/** A segment up to a key; done when all of that key was committed. */
function cutAt({ after }: Segment, to: string | undefined): Segment | 'done' {
  const isOver = after !== undefined && after.versionId === undefined && after.key === to;
  return isOver ? 'done' : { after, to };
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

function linesOf({ pass, segment, next, counts, failed, blocked }: JournalPage): readonly Line[] {
  return [
    ...failed.map((entry): Line => ({ type: 'failed', entry })),
    ...blocked.map((entry): Line => ({ type: 'blocked', entry })),
    { type: 'page', pass, segment, next: next ?? null, counts },
  ];
}

function text(lines: readonly Line[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
