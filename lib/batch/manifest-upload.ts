import { z } from 'zod';
import { KeyturnError } from '../errors';
import type { BucketCall } from '../s3/bucket-call';
import type { ListedVersion } from '../s3/object-version';
import { listVersionsInParallel } from '../s3/parallel-listing';
import type { ObjectStore } from '../s3/store';

import { type FileUpload, uploadFile } from './file-upload';
import type { JobFiles } from './job-files';
import { manifestRow } from './manifest-row';

/** The most that one job accepts; see {@link https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops.html}. */
const MAX_ROWS = 20_000_000_000;

const summary = z.object({
  etag: z.string(),
  rows: z.number(),
  /** Versions that were listed and left out, by the reason. */
  leftOut: z.record(z.string(), z.number()),
});

/** A manifest that was uploaded whole. */
export type UploadedManifest = z.infer<typeof summary> & { readonly key: string };

export interface ManifestRequest {
  readonly files: JobFiles;
  readonly upload: Omit<FileUpload, 'bucket' | 'key' | 'metadata'>;
  /** Name of the CSV, without `.csv`. */
  readonly name: string;
  /** ISO 8601; kept with the file. */
  readonly startedAt: string;
  readonly rows: () => AsyncIterable<ManifestEntry>;
}

/** A row of a manifest, or why a version has none. */
export type ManifestEntry = { readonly row: string } | { readonly leftOut: string };

/**
 * Uploads a manifest, unless it is there: one that was uploaded whole is used again and never replaced, because a job may
 * already use it. Of two concurrent runs one wins, and both use its file.
 *
 * @throws job-too-large, and what listing and uploading throw
 */
export async function ensureManifest(request: ManifestRequest): Promise<UploadedManifest> {
  const { files, name, upload, startedAt } = request;
  const key = `${name}.csv`;
  const known = await readSummary(files, name);
  if (known) return { ...known, key };
  let counted = { rows: 0, leftOut: {} as Record<string, number> };
  if (!(await files.head(key))) {
    const counting = { rows: 0, leftOut: {} as Record<string, number> };
    const target = { ...upload, bucket: files.bucket, key, metadata: { started: startedAt } };
    if (await uploadFile(target, rowsOf(request, counting))) counted = counting;
  }
  const head = await files.head(key);
  if (!head) {
    const facts = { awsCode: 'NoSuchKey', awsMessage: 'its upload ended, but it is not there', requestId: undefined };
    throw new KeyturnError('aws-failed', { action: 's3:PutObject', resource: `s3://${files.bucket}/${key}`, ...facts });
  }
  // A run that was killed before it wrote the summary, or another run, left the file: then its rows are counted.
  if (counted.rows === 0 && head.size > 0) counted = { rows: await countRows(files, key, head.etag), leftOut: {} };
  const written = { etag: head.etag, ...counted };
  await files.create(`${name}.json`, Buffer.from(`${JSON.stringify(written)}\n`));
  return { ...written, key };
}

/** The summary of a manifest; undefined: it is not whole. */
export async function readSummary(files: JobFiles, name: string): Promise<z.infer<typeof summary> | undefined> {
  const text = await files.text(`${name}.json`);
  return text === undefined ? undefined : summary.parse(JSON.parse(text));
}

async function* rowsOf(
  { rows, name }: ManifestRequest,
  counting: { rows: number; leftOut: Record<string, number> },
): AsyncGenerator<string, void, undefined> {
  for await (const entry of rows()) {
    if ('leftOut' in entry) {
      counting.leftOut[entry.leftOut] = (counting.leftOut[entry.leftOut] ?? 0) + 1;
      continue;
    }
    counting.rows += 1;
    if (counting.rows > MAX_ROWS)
      throw new KeyturnError('job-too-large', { bucket: name, rows: counting.rows, most: MAX_ROWS });
    yield entry.row;
  }
}

async function countRows(files: JobFiles, key: string, etag: string): Promise<number> {
  let rows = 0;
  for await (const chunk of (await files.content(key, etag)).chunks) {
    for (const byte of chunk) if (byte === 0x0a) rows += 1;
  }
  return rows;
}

export interface ListingRequest {
  readonly store: ObjectStore;
  readonly call: BucketCall;
  readonly bucket: string;
  readonly withVersionIds: boolean;
  /** Why a version gets no row; undefined: it gets one. */
  readonly leaveOut: (version: ListedVersion) => string | undefined;
  /** Called with the number of versions listed so far. */
  readonly onListed?: ((listed: number) => void) | undefined;
}

/** The whole bucket as rows of a manifest, a page at a time. */
export async function* listedRows(request: ListingRequest): AsyncGenerator<ManifestEntry, void, undefined> {
  const { store, call, bucket, withVersionIds, leaveOut, onListed } = request;
  let listed = 0;
  for await (const page of listVersionsInParallel(store, { bucket, listing: call })) {
    for (const version of page.versions) {
      const reason = leaveOut(version);
      const versionId = withVersionIds ? version.versionId : undefined;
      yield reason === undefined ? { row: manifestRow(bucket, version.key, versionId) } : { leftOut: reason };
    }
    listed += page.versions.length;
    onListed?.(listed);
  }
}
