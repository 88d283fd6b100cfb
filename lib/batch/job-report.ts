import { createHash } from 'node:crypto';
import { z } from 'zod';

import { RETRY_POLICY } from '../aws/retry-policy';
import { KeyturnError } from '../errors';
import type { JobRecord, ReportFile } from '../reencrypt/job-record';
import { csvRecords } from './csv';
import { isAbsent, type JobFiles } from './job-files';
import type { JobState } from './job-state';
import { decodeKey, manifestRow } from './manifest-row';
import { RowDigest } from './row-digest';

/** The result of one task. */
export interface ReportRow {
  /** The key; where two can be meant, both. */
  readonly keys: readonly [string, ...string[]];
  /** As it was in the report, URL-encoded. */
  readonly encodedKey: string;
  readonly versionId: string | undefined;
  readonly ok: boolean;
  /** S3's error code; `''` where it succeeded. */
  readonly code: string;
  /** HTTP status; 0 where the report has none. */
  readonly status: number;
  readonly message: string;
}

export interface ReportRequest {
  readonly files: JobFiles;
  readonly job: JobState;
  /** The bucket that every row must be of. */
  readonly bucket: string;
  /** Given: the digest of its rows is taken as those of a manifest that Keyturn uploaded, with version ids or without. */
  readonly digestOf?: { readonly withVersionIds: boolean } | undefined;
  /** Called now and then with the number of rows checked so far. */
  readonly onRows?: ((rows: number) => void) | undefined;
}

export interface CheckedReport {
  readonly record: NonNullable<JobRecord['report']>;
  readonly succeeded: number;
  readonly failed: number;
  /** Failed transiently: throttling, faults of S3. */
  readonly transient: number;
  /** {@link RowDigest} of its rows; undefined where it was not asked for, or where a key may stand for two. */
  readonly digest: string | undefined;
  /** A failed row for each of the first error codes. */
  readonly examples: readonly ReportRow[];
  /** What each file had when it was checked; it is read again only like that. */
  readonly etags: Readonly<Record<string, string>>;
}

const listing = z.object({
  Format: z.string(),
  Results: z.array(
    z.object({
      TaskExecutionStatus: z.string(),
      Bucket: z.string(),
      MD5Checksum: z.string(),
      Key: z.string(),
    }),
  ),
});

const EXAMPLES = 20;
const PROGRESS_EVERY = 10_000;
const RETRIED: { readonly codes: RegExp; readonly statuses: readonly number[] } = RETRY_POLICY['job task'];

/** True for a task that may succeed when another job tries it again. */
export function failedTransiently({ ok, code, status }: ReportRow): boolean {
  return !ok && (RETRIED.codes.test(code) || RETRIED.statuses.includes(status));
}

/**
 * Reads all of a job's report and checks it. Each file that its manifest.json names is held against its MD5, each row
 * against form and bucket, all rows against the counts of the job. Nothing of it is used before.
 *
 * @throws job-report-invalid for a report that is missing, cut short, changed, or of another bucket
 */
export async function checkReport(request: ReportRequest): Promise<CheckedReport> {
  const { files, job } = request;
  const manifestKey = reportManifestKey(job);
  const text = await files.text(manifestKey);
  if (text === undefined) throw invalid(request, manifestKey, 'it is missing');
  const { Results } = listingOf(request, manifestKey, text);
  const sum = { succeeded: 0, failed: 0, transient: 0 };
  const errors: Record<string, number> = {};
  const examples: ReportRow[] = [];
  const etags: Record<string, string> = {};
  const digest = new RowDigest();
  let isPlain = request.digestOf !== undefined;
  const read: ReportFile[] = [];
  for (const one of Results) {
    const status = one.TaskExecutionStatus.toLowerCase() === 'succeeded' ? 'succeeded' : 'failed';
    if (one.Bucket !== files.bucket) throw invalid(request, manifestKey, `it names a file in the bucket ${one.Bucket}`);
    let rows = 0;
    const hash = createHash('md5');
    etags[one.Key] = await eachRow(request, one.Key, undefined, hash, (row) => {
      rows += 1;
      if (request.digestOf) digest.add(rowText(request, row));
      isPlain &&= row.keys.length === 1;
      sum[row.ok ? 'succeeded' : 'failed'] += 1;
      if (rows % PROGRESS_EVERY === 0) request.onRows?.(sum.succeeded + sum.failed);
      if (row.ok) return;
      if (failedTransiently(row)) sum.transient += 1;
      const isNew = errors[row.code] === undefined;
      errors[row.code] = (errors[row.code] ?? 0) + 1;
      if (isNew && examples.length < EXAMPLES) examples.push(row);
    });
    const [hex, base64] = digests(hash);
    if (one.MD5Checksum.toLowerCase() !== hex && one.MD5Checksum !== base64) {
      throw invalid(request, one.Key, `its MD5 is ${hex}, and manifest.json states ${one.MD5Checksum}`);
    }
    read.push({ key: one.Key, md5: hex, rows, status });
  }
  if (sum.succeeded < job.succeeded || sum.failed < job.failed) {
    const found = `${sum.succeeded} succeeded and ${sum.failed} failed task(s), where the job counts ${job.succeeded} and ${job.failed}`;
    throw invalid(request, manifestKey, found);
  }
  const manifestSha256 = createHash('sha256').update(text).digest('hex');
  return {
    record: { manifestKey, manifestSha256, files: read, errors },
    ...sum,
    digest: isPlain ? digest.hex : undefined,
    examples,
    etags,
  };
}

/** The rows of a report that was checked, as they were then. @throws job-report-invalid where a file was changed since */
export async function* reportRows(
  request: ReportRequest,
  checked: CheckedReport,
): AsyncGenerator<ReportRow, void, undefined> {
  for (const { key } of checked.record.files) {
    const { chunks } = await contentOf(request, key, checked.etags[key]);
    yield* rowsOf(request, key, chunks);
  }
}

export function reportManifestKey({ jobId, report }: JobState): string {
  const prefix = report?.prefix ?? '';
  return `${prefix === '' ? '' : `${prefix}/`}job-${jobId}/manifest.json`;
}

async function eachRow(
  request: ReportRequest,
  key: string,
  etag: string | undefined,
  hash: ReturnType<typeof createHash>,
  take: (row: ReportRow) => void,
): Promise<string> {
  const content = await contentOf(request, key, etag);
  const hashed = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of content.chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
  for await (const row of rowsOf(request, key, hashed())) take(row);
  return content.etag;
}

async function contentOf(request: ReportRequest, key: string, etag: string | undefined) {
  try {
    return await request.files.content(key, etag);
  } catch (error) {
    if (isAbsent(error)) throw invalid(request, key, 'it is missing', error);
    throw error;
  }
}

async function* rowsOf(
  request: ReportRequest,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ReportRow, void, undefined> {
  let number = 0;
  try {
    for await (const record of csvRecords(chunks)) {
      number += 1;
      yield rowOf(request.bucket, record);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid(request, key, `row ${number}: ${error.message}`, error);
  }
}

/** A row as the manifest that Keyturn uploaded has it. */
function rowText({ bucket, digestOf }: ReportRequest, { keys, versionId }: ReportRow): string {
  return manifestRow(bucket, keys[0], digestOf?.withVersionIds ? (versionId ?? 'null') : undefined);
}

/** The schema that the report names and AWS's own examples differ in the order of status and code: three digits are the status. */
function rowOf(expected: string, record: readonly string[]): ReportRow {
  if (record.length !== 7) throw new RangeError(`it has ${record.length} fields, not 7`);
  const [bucket = '', encodedKey = '', versionId = '', task = '', one = '', other = '', message = ''] = record;
  if (bucket !== expected) throw new RangeError(`it is of the bucket ${JSON.stringify(bucket)}`);
  if (task !== 'succeeded' && task !== 'failed') throw new RangeError(`its task is ${JSON.stringify(task)}`);
  const [status, code] = /^\d{3}$/.test(one) ? [one, other] : [other, one];
  return {
    keys: decodeKey(encodedKey),
    encodedKey,
    versionId: versionId === '' ? undefined : versionId,
    ok: task === 'succeeded',
    code,
    status: Number(status) || 0,
    message,
  };
}

function listingOf(request: ReportRequest, key: string, text: string) {
  try {
    return listing.parse(JSON.parse(text));
  } catch (error) {
    throw invalid(request, key, 'it is no manifest of a report', error);
  }
}

function digests(hash: ReturnType<typeof createHash>): readonly [string, string] {
  const digest = hash.digest();
  return [digest.toString('hex'), digest.toString('base64')];
}

function invalid({ files, job, bucket }: ReportRequest, key: string, found: string, cause?: unknown): KeyturnError {
  const facts = { bucket, jobId: job.jobId, file: `s3://${files.bucket}/${key}`, found };
  return new KeyturnError('job-report-invalid', facts, cause);
}
