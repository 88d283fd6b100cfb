import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { KeyturnError } from '../errors';
import type { BucketCall } from '../s3/bucket-call';
import type { ListedVersion } from '../s3/object-version';
import { listVersionsInParallel } from '../s3/parallel-listing';
import type { ObjectStore } from '../s3/store';

import { type FileUpload, uploadFile } from './file-upload';
import type { JobFiles } from './job-files';
import { manifestRow } from './manifest-row';
import { RowDigest } from './row-digest';

/** The most that one job accepts; see {@link https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops.html}. */
const MAX_ROWS = 20_000_000_000;

const summary = z.object({
  key: z.string(),
  /** As S3 answered it when the upload was completed, without quotes. */
  etag: z.string(),
  rows: z.number(),
  /** {@link RowDigest} of its rows. */
  digest: z.string(),
  /** Versions that were listed and left out, by the reason. */
  leftOut: z.record(z.string(), z.number()),
});

/** A manifest that was uploaded whole. */
export type UploadedManifest = z.infer<typeof summary>;

export interface ManifestRequest {
  readonly files: JobFiles;
  readonly upload: Omit<FileUpload, 'bucket' | 'key' | 'metadata'>;
  /** Name of the summary, and of the CSV where nobody wrote one before, without their endings. */
  readonly name: string;
  /** ISO 8601; kept with the file. */
  readonly startedAt: string;
  readonly rows: () => AsyncIterable<ManifestEntry>;
}

/** A row of a manifest, or why a version has none. */
export type ManifestEntry = { readonly row: string } | { readonly leftOut: string };

/**
 * Uploads a manifest, unless one was uploaded whole: that is used again and never replaced, because a job may already use
 * it. A file without a summary is nobody's: its upload was killed, or somebody else wrote it, so another is uploaded beside
 * it. Of two concurrent runs the first summary counts, and both use its file.
 *
 * @throws job-too-large, and what listing and uploading throw
 */
export async function ensureManifest(request: ManifestRequest): Promise<UploadedManifest> {
  const { files, name } = request;
  const known = await readSummary(files, name);
  if (known) return known;
  const isTaken = (await files.head(`${name}.csv`)) !== undefined;
  const first = isTaken ? undefined : await upload(request, name);
  const other = first ? undefined : await readSummary(files, name);
  if (other) return other;
  const uploaded = first ?? (await upload(request, besides(name)));
  if (!uploaded) {
    const facts = { awsCode: 'NoSuchKey', awsMessage: 'its upload ended, but it is not there', requestId: undefined };
    throw new KeyturnError('aws-failed', {
      action: 's3:PutObject',
      resource: `s3://${files.bucket}/${name}`,
      ...facts,
    });
  }
  const isOurs = await files.create(`${name}.json`, Buffer.from(`${JSON.stringify(uploaded)}\n`));
  return isOurs ? uploaded : ((await readSummary(files, name)) ?? uploaded);
}

async function upload(request: ManifestRequest, name: string): Promise<UploadedManifest | undefined> {
  const { files, startedAt } = request;
  const key = `${name}.csv`;
  const counting = { rows: 0, leftOut: {} as Record<string, number>, digest: new RowDigest() };
  const target = { ...request.upload, bucket: files.bucket, key, metadata: { started: startedAt } };
  const etag = await uploadFile(target, rowsOf(request, counting));
  if (etag === undefined) return undefined;
  return { key, etag, rows: counting.rows, digest: counting.digest.hex, leftOut: counting.leftOut };
}

const besides = (name: string): string => `${name}-${randomUUID()}`;

/** The summary of a manifest; undefined: it is not whole. */
export async function readSummary(files: JobFiles, name: string): Promise<UploadedManifest | undefined> {
  const text = await files.text(`${name}.json`);
  return text === undefined ? undefined : summary.parse(JSON.parse(text));
}

async function* rowsOf(
  { rows, name }: ManifestRequest,
  counting: { rows: number; leftOut: Record<string, number>; readonly digest: RowDigest },
): AsyncGenerator<string, void, undefined> {
  for await (const entry of rows()) {
    if ('leftOut' in entry) {
      counting.leftOut[entry.leftOut] = (counting.leftOut[entry.leftOut] ?? 0) + 1;
      continue;
    }
    counting.rows += 1;
    if (counting.rows > MAX_ROWS)
      throw new KeyturnError('job-too-large', { bucket: name, rows: counting.rows, most: MAX_ROWS });
    counting.digest.add(entry.row);
    yield entry.row;
  }
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
