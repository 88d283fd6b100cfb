import type { Caller } from './caller';
import type { OpenUpload } from './object-version';
import { KEPT } from './outcome';
import type { ObjectStore } from './store';

/** An object version under a KMS key that is not the active one. */
export interface StragglerVersion {
  readonly key: string;
  readonly versionId: string;
  readonly keyArn: string;
  readonly isLatest: boolean;
  /** ISO 8601. Later than the switch: some writer still names the old key. */
  readonly lastModified: string;
}

/** A multipart upload that is not finished. It will be under the key that was the default when it was begun. */
export interface OpenUploadFound {
  readonly key: string;
  readonly uploadId: string;
  /** ISO 8601. */
  readonly initiated: string;
  /** S3 tells it nowhere before the upload is finished. */
  readonly keyArn: string | undefined;
}

/** All open uploads of a bucket, the first 1,000 listed. */
export async function openUploads(
  store: ObjectStore,
  call: Caller,
  bucket: string,
): Promise<{ readonly total: number; readonly first: readonly OpenUploadFound[] }> {
  const first: OpenUploadFound[] = [];
  let total = 0;
  for await (const uploads of uploadPages(store, call, bucket)) {
    total += uploads.length;
    for (const { key, uploadId, initiated } of uploads.slice(0, KEPT - first.length)) {
      first.push({ key, uploadId, initiated: new Date(initiated).toISOString(), keyArn: undefined });
    }
  }
  return { total, first };
}

export interface AbortRequest {
  readonly bucket: string;
  /** Uploads begun before it are aborted; milliseconds since the epoch. */
  readonly before: number;
  readonly dryRun: boolean;
}

/**
 * Aborts the uploads that were begun before a time. What was uploaded of them is lost, so a person must have asked.
 *
 * @returns those that were, or with `dryRun` would be, aborted
 */
export async function abortUploads(
  store: ObjectStore,
  call: Caller,
  request: AbortRequest,
): Promise<readonly OpenUpload[]> {
  const { bucket, before, dryRun } = request;
  const aborted: OpenUpload[] = [];
  for await (const uploads of uploadPages(store, call, bucket)) {
    for (const upload of uploads.filter(({ initiated }) => initiated < before)) {
      if (!dryRun) await call('s3', () => store.abortMultipart(bucket, upload.key, upload.uploadId));
      aborted.push(upload);
    }
  }
  return aborted;
}

async function* uploadPages(
  store: ObjectStore,
  call: Caller,
  bucket: string,
): AsyncGenerator<readonly OpenUpload[], void, undefined> {
  let after: { key: string; uploadId: string } | undefined;
  do {
    const page = await call('s3', () => store.listUploads({ bucket, after }));
    yield page.uploads;
    after = page.next;
  } while (after);
}
