import { createHash } from 'node:crypto';
import { BoundedList } from '../s3/bounded-list';
import { csvRecords } from './csv';
import { FailedKeys } from './failed-keys';
import type { JobFiles } from './job-files';
import type { ReportRow } from './job-report';
import { decodeKey } from './manifest-row';
import type { UploadedManifest } from './manifest-upload';

/** A row of a manifest or a report. */
interface NamedRow {
  readonly key: string;
  readonly versionId: string | undefined;
}

/** How the report of a job differs from the manifest that was uploaded for it. */
export interface RowDifferences {
  /** Rows of the report that are not in the manifest. */
  readonly unknown: number;
  /** Rows of the manifest that are not in the report. */
  readonly missing: number;
  /** Rows of the report for a row of the manifest that it names before. */
  readonly twice: number;
  /** The first of each. */
  readonly examples: readonly (NamedRow & { readonly difference: 'unknown' | 'missing' | 'twice' })[];
  /** The keys of all of them: what the report says about them is not known to be true. */
  readonly keys: Pick<FailedKeys, 'has'>;
}

export interface RowComparison {
  readonly files: Pick<JobFiles, 'content'>;
  readonly uploaded: UploadedManifest;
  /** Rows of the report, once for each call. */
  readonly report: () => AsyncIterable<ReportRow>;
  /** How many rows the report has. */
  readonly reportRows: number;
  readonly withVersionIds: boolean;
}

/** Rows that are compared in one pass over both files, which bounds the memory. */
const ROWS_AT_ONCE = 1_000_000;
const EXAMPLES = 20;

/** Compares a report row by row with its manifest. Reads both once for every {@link ROWS_AT_ONCE} rows. */
export async function compareRows(comparison: RowComparison): Promise<RowDifferences> {
  const { uploaded, reportRows } = comparison;
  const passes = Math.max(1, Math.ceil(uploaded.rows / ROWS_AT_ONCE));
  const keys = new FailedKeys(uploaded.rows + reportRows);
  const counts = { unknown: 0, missing: 0, twice: 0 };
  const examples = new BoundedList<RowDifferences['examples'][number]>();
  const differ = (difference: keyof typeof counts, key: string, versionId: string | undefined) => {
    counts[difference] += 1;
    keys.add(key);
    if (examples.first.length < EXAMPLES) examples.add({ difference, key, versionId });
  };
  for (let pass = 0; pass < passes; pass += 1) await comparePass(comparison, { pass, passes }, differ);
  return { ...counts, examples: examples.first, keys };
}

type Differ = (difference: 'unknown' | 'missing' | 'twice', key: string, versionId: string | undefined) => void;

async function comparePass(
  { files, uploaded, report, withVersionIds }: RowComparison,
  { pass, passes }: { readonly pass: number; readonly passes: number },
  differ: Differ,
): Promise<void> {
  const isOfPass = (key: string) => partOf(key, passes) === pass;
  const open = new Map<string, { readonly row: NamedRow; count: number }>();
  for await (const row of manifestRows(files, uploaded)) {
    if (!isOfPass(row.key)) continue;
    const id = idOf(row.key, withVersionIds ? row.versionId : undefined);
    open.set(id, { row, count: (open.get(id)?.count ?? 0) + 1 });
  }
  for await (const { keys, versionId } of report()) {
    if (!isOfPass(keys[0])) continue;
    const version = withVersionIds ? (versionId ?? 'null') : undefined;
    const found = keys.flatMap((key) => open.get(idOf(key, version)) ?? []);
    const matched = found.find(({ count }) => count > 0);
    if (matched) matched.count -= 1;
    else for (const key of keys) differ(found.length > 0 ? 'twice' : 'unknown', key, version);
  }
  for (const { row, count } of open.values()) if (count > 0) differ('missing', row.key, row.versionId);
}

async function* manifestRows(
  files: RowComparison['files'],
  { key, etag }: UploadedManifest,
): AsyncGenerator<NamedRow, void, undefined> {
  const { chunks } = await files.content(key, etag);
  for await (const [, encoded = '', versionId] of csvRecords(chunks)) {
    yield { key: decodeKey(encoded)[0], versionId };
  }
}

/** Both keys that a row may mean are of one part: they differ in blanks and plus signs alone. */
function partOf(key: string, parts: number): number {
  if (parts === 1) return 0;
  return createHash('sha256').update(key.replaceAll('+', ' ')).digest().readUInt32LE(0) % parts;
}

function idOf(key: string, versionId: string | undefined): string {
  return JSON.stringify([key, versionId]);
}
