import { createHash } from 'node:crypto';
import type { Job, TaskResult } from '../state/job';
import { encodeListedKey, plainCsv } from './csv';

/** What is wrong with the reports that are written; for tests. */
export type ReportFault = 'cut-csv' | 'missing-csv' | 'missing-manifest' | 'foreign-rows' | 'wrong-digest';

/**
 * The order of the two columns in the middle. The schema in a report's manifest names the error code before the HTTP
 * status, the rows in AWS's examples have them the other way round.
 */
export type ReportColumns = 'as-examples' | 'as-schema';

/** An object of a report, ready to be put. */
export interface ReportFile {
  readonly key: string;
  readonly body: Buffer;
  readonly contentType: string;
}

const MOST_ROWS = 10_000;

/**
 * The files of a job's report, results before the manifest that names them. Undefined where no task was invoked or the
 * scope leaves nothing. https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-reports.html
 */
export function reportFiles(
  job: Job,
  now: number,
  { columns, fault }: { readonly columns: ReportColumns; readonly fault: ReportFault | undefined },
): readonly ReportFile[] {
  const { report } = job.request;
  if (!report.Enabled || job.results.length === 0) return [];
  const base = `${report.Prefix === undefined ? '' : `${report.Prefix}/`}job-${job.id}`;
  const bucket = (report.Bucket ?? '').slice((report.Bucket ?? '').indexOf(':::') + 3);
  const succeeded = report.ReportScope === 'AllTasks' ? job.results.filter(({ code }) => code === '') : [];
  const failed = job.results.filter(({ code }) => code !== '');
  const foreign = fault === 'foreign-rows';
  const parts = [
    ...inParts(succeeded).map((rows) => part(base, 'succeeded', rows, columns, foreign)),
    ...inParts(failed).map((rows) => part(base, 'failed', rows, columns, foreign)),
  ];
  const manifest = {
    Format: 'Report_CSV_20180820',
    ReportCreationDate: new Date(now).toISOString(),
    Results: parts.map(({ outcome, key, body }) => ({
      TaskExecutionStatus: outcome,
      Bucket: bucket,
      MD5Checksum: fault === 'wrong-digest' ? md5(Buffer.from('another file')) : md5(body),
      Key: key,
    })),
    ReportSchema: 'Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage',
  };
  return [...parts.flatMap((file, at) => spoiled(file, at, fault)), ...manifestFiles(base, manifest, fault)];
}

interface Part extends ReportFile {
  readonly outcome: 'succeeded' | 'failed';
}

function part(
  base: string,
  outcome: Part['outcome'],
  results: readonly TaskResult[],
  columns: ReportColumns,
  foreign: boolean,
): Part {
  const rows = results.map((result) => row(outcome, result, columns, foreign));
  const body = Buffer.from(rows.map((line) => `${line}\n`).join(''));
  const name = createHash('sha1').update(body).update(outcome).digest('hex');
  return { outcome, key: `${base}/results/${name}.csv`, body, contentType: 'text/csv' };
}

function row(
  outcome: string,
  { task, status, code, message }: TaskResult,
  columns: ReportColumns,
  foreign: boolean,
): string {
  const bucket = foreign ? `${task.bucket}-other` : task.bucket;
  const middle = columns === 'as-examples' ? [String(status), code] : [code, String(status)];
  const said = outcome === 'succeeded' ? 'Successful' : message;
  return plainCsv([bucket, encodeListedKey(task.key), task.versionId ?? '', outcome, ...middle, said]);
}

function inParts(results: readonly TaskResult[]): readonly (readonly TaskResult[])[] {
  const parts: TaskResult[][] = [];
  for (let at = 0; at < results.length; at += MOST_ROWS) parts.push(results.slice(at, at + MOST_ROWS));
  return parts;
}

function spoiled(file: Part, at: number, fault: ReportFault | undefined): readonly ReportFile[] {
  if (at > 0) return [file];
  if (fault === 'missing-csv') return [];
  return fault === 'cut-csv' ? [{ ...file, body: file.body.subarray(0, file.body.length >> 1) }] : [file];
}

function manifestFiles(base: string, manifest: object, fault: ReportFault | undefined): readonly ReportFile[] {
  if (fault === 'missing-manifest') return [];
  const body = Buffer.from(JSON.stringify(manifest, undefined, 2));
  const key = `${base}/manifest.json`;
  return [
    { key, body, contentType: 'application/json' },
    { key: `${key}.md5`, body: Buffer.from(md5(body)), contentType: 'text/plain' },
  ];
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');
