import { KeyturnError } from '../errors';
import { csvRecords } from './csv';
import { isAbsent, type JobFiles } from './job-files';

/** One object version as an S3 Metadata table tells it. */
export interface MetadataRow {
  readonly key: string;
  readonly versionId: string | undefined;
  /** Absent where no KMS key holds it. */
  readonly keyArn: string | undefined;
}

/** A result of a query over an S3 Metadata table that somebody put down to be used. */
export interface MetadataFile {
  /** `s3://<bucket>/<key>` */
  readonly file: string;
  readonly etag: string;
  readonly rows: number;
}

type Files = Pick<JobFiles, 'bucket' | 'content'>;

/** Where the result of a query about a bucket is looked for, in the bucket of manifests and reports. */
export function metadataKey(prefix: string, bucket: string): string {
  return `${prefix}manifests/metadata/${bucket}.csv`;
}

/**
 * Reads a result of Athena, a CSV with a line of names. Of its columns `key` and `kms_key_arn` must be there; `bucket` and
 * `version_id` are read where they are, and others left alone.
 *
 * @returns undefined where there is no such file
 * @throws metadata-invalid for a file that is no such result, or of another bucket
 */
export async function metadataRows(
  files: Files,
  { key, bucket }: { readonly key: string; readonly bucket: string },
  onRow: (row: MetadataRow) => void,
): Promise<MetadataFile | undefined> {
  const file = `s3://${files.bucket}/${key}`;
  const content = await files.content(key).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  if (content === undefined) return undefined;
  let columns: Columns | undefined;
  let rows = 0;
  try {
    for await (const record of csvRecords(content.chunks)) {
      if (columns === undefined) {
        columns = columnsOf(record);
        continue;
      }
      rows += 1;
      onRow(rowOf(record, columns, bucket));
    }
    if (columns === undefined) throw new RangeError('it is empty');
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KeyturnError('metadata-invalid', { bucket, file, found: `row ${rows}: ${error.message}` }, error);
  }
  return { file, etag: content.etag, rows };
}

interface Columns {
  readonly count: number;
  readonly key: number;
  readonly keyArn: number;
  /** -1 where there is none. */
  readonly bucket: number;
  /** -1 where there is none. */
  readonly versionId: number;
}

function columnsOf(header: readonly string[]): Columns {
  const at = (name: string) => header.findIndex((one) => one.trim().toLowerCase() === name);
  const columns = { key: at('key'), keyArn: at('kms_key_arn'), bucket: at('bucket'), versionId: at('version_id') };
  if (columns.key < 0 || columns.keyArn < 0) {
    throw new RangeError(`its columns are ${JSON.stringify(header.join(', '))}, without key or kms_key_arn`);
  }
  return { count: header.length, ...columns };
}

function rowOf(record: readonly string[], columns: Columns, bucket: string): MetadataRow {
  if (record.length !== columns.count) throw new RangeError(`it has ${record.length} fields, not ${columns.count}`);
  const of = record[columns.bucket];
  if (of !== undefined && of !== bucket) throw new RangeError(`it is of the bucket ${JSON.stringify(of)}`);
  const { [columns.key]: key = '', [columns.keyArn]: keyArn = '', [columns.versionId]: versionId = '' } = record;
  return { key, versionId: versionId === '' ? undefined : versionId, keyArn: keyArn === '' ? undefined : keyArn };
}
