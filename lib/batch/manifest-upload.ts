import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { KeyturnError } from '../errors';
import type { BucketCall } from '../s3/bucket-call';
import type { ListedVersion } from '../s3/object-version';
import { listVersionsInParallel } from '../s3/parallel-listing';
import type { ObjectStore } from '../s3/store';

import { type FileUpload, uploadFile } from './file-upload';
import type { JobFiles } from './job-files';
import type { ManifestEntry } from './manifest-entries';
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
  /** Versions that were left alone, by how they are encrypted. */
  outOfScope: z.record(z.string(), z.number()).default({}),
  /** Versions that were under the active key already. */
  there: z.number().default(0),
  /** Versions of either kind that the local engine inspects again, and counts. */
  again: z.number().default(0),
  /** Keys of versions that the local engine has to decide about; null: too many to name. */
  undecided: z.array(z.string()).nullable().default([]),
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

/** Keys that a summary names at most. */
const MAX_UNDECIDED = 10_000;

/** What a manifest counts while it is written. */
class EntryCounts {
  rows = 0;
  there = 0;
  again = 0;
  readonly leftOut: Record<string, number> = {};
  readonly outOfScope: Record<string, number> = {};
  undecided: string[] | null = [];
  readonly digest = new RowDigest();

  /** @returns true where the entry has no row */
  skips(entry: ManifestEntry): entry is Exclude<ManifestEntry, { readonly row: string }> {
    if ('row' in entry) return false;
    if ('leftOut' in entry) this.leftOut[entry.leftOut] = (this.leftOut[entry.leftOut] ?? 0) + 1;
    else if ('outOfScope' in entry) this.outOfScope[entry.outOfScope] = (this.outOfScope[entry.outOfScope] ?? 0) + 1;
    else if ('there' in entry) this.there += 1;
    else if ('again' in entry) this.again += 1;
    else if (this.undecided && this.undecided.length < MAX_UNDECIDED) this.undecided.push(entry.undecided);
    else this.undecided = null;
    return true;
  }
}

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
  const counting = new EntryCounts();
  const target = { ...request.upload, bucket: files.bucket, key, metadata: { started: startedAt } };
  const etag = await uploadFile(target, rowsOf(request, counting));
  if (etag === undefined) return undefined;
  const { rows, there, again, leftOut, outOfScope, undecided, digest } = counting;
  return { key, etag, rows, digest: digest.hex, leftOut, outOfScope, there, again, undecided };
}

const besides = (name: string): string => `${name}-${randomUUID()}`;

/** The summary of a manifest; undefined: it is not whole. @throws aws-failed for one that Keyturn did not write */
export async function readSummary(files: JobFiles, name: string): Promise<UploadedManifest | undefined> {
  const text = await files.text(`${name}.json`);
  if (text === undefined) return undefined;
  const read = summary.safeParse(jsonOf(text));
  if (read.success) return read.data;
  const facts = { awsCode: 'Malformed', awsMessage: 'it is not what Keyturn wrote', requestId: undefined };
  const resource = `s3://${files.bucket}/${name}.json`;
  throw new KeyturnError('aws-failed', { action: 's3:GetObject', resource, ...facts });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function* rowsOf(
  { rows, name }: ManifestRequest,
  counting: EntryCounts,
): AsyncGenerator<string, void, undefined> {
  for await (const entry of rows()) {
    if (counting.skips(entry)) continue;
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
  /** Decides about a version that is not left out; absent: it gets its row. */
  readonly entryOf?: ((version: ListedVersion, row: string) => Promise<ManifestEntry>) | undefined;
  /** Called with the number of versions listed so far. */
  readonly onListed?: ((listed: number) => void) | undefined;
}

/** The whole bucket as rows of a manifest, a page at a time. */
export async function* listedRows(request: ListingRequest): AsyncGenerator<ManifestEntry, void, undefined> {
  const { store, call, bucket, withVersionIds, leaveOut, entryOf, onListed } = request;
  let listed = 0;
  for await (const page of listVersionsInParallel(store, { bucket, listing: call })) {
    const entries = page.versions.map(async (version): Promise<ManifestEntry> => {
      const leftOut = leaveOut(version);
      if (leftOut !== undefined) return { leftOut };
      const row = manifestRow(bucket, version.key, withVersionIds ? version.versionId : undefined);
      return entryOf ? entryOf(version, row) : { row };
    });
    yield* await Promise.all(entries);
    listed += page.versions.length;
    onListed?.(listed);
  }
}
