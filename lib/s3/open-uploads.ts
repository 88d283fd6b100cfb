import { KeyturnError } from '../errors';
import { REPORT_LIMIT } from './bounded-list';
import { FaultPolicy, RunStopped } from './fault-policy';
import type { OpenUpload } from './object-version';
import type { Caller } from './pacing-and-retry';
import type { ObjectStore } from './store';
import { asFault } from './store-fault';

/** A multipart upload that is not finished. It will be under the key that was the default when it was started. */
export interface OpenUploadFound {
  readonly key: string;
  readonly uploadId: string;
  /** ISO 8601. */
  readonly initiated: string;
  /** S3 reports it nowhere before the upload is finished. */
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
    for (const { key, uploadId, initiated } of uploads.slice(0, REPORT_LIMIT - first.length)) {
      first.push({ key, uploadId, initiated: new Date(initiated).toISOString(), keyArn: undefined });
    }
  }
  return { total, first };
}

export interface AbortRequest {
  readonly bucket: string;
  /** Uploads started before it are aborted; milliseconds since the epoch. */
  readonly before: number;
  readonly dryRun: boolean;
}

/**
 * Aborts the uploads that were started before a time: they would end under the key of that time. What was uploaded of them
 * is lost, so a person must have asked.
 *
 * @returns those that were, or with `dryRun` would be, aborted
 * @throws aws-access-denied, aws-failed, re-encryption-stopped when S3 cannot be reached
 */
export async function abortUploads(
  store: ObjectStore,
  call: Caller,
  request: AbortRequest,
): Promise<readonly OpenUpload[]> {
  const { bucket, dryRun } = request;
  const ofBucket = bucketCaller(call, bucket);
  const found = await uploadsBegunBefore(store, ofBucket, bucket, request.before);
  for (const { key, uploadId } of dryRun ? [] : found) {
    await ofBucket('s3', () => store.abortMultipart(bucket, key, uploadId)).catch(toleratingGone);
  }
  return found;
}

/** The open uploads that were started before a time, in milliseconds since the epoch. */
export async function uploadsBegunBefore(
  store: ObjectStore,
  call: Caller,
  bucket: string,
  before: number,
): Promise<readonly OpenUpload[]> {
  const found: OpenUpload[] = [];
  for await (const uploads of uploadPages(store, call, bucket)) {
    found.push(...uploads.filter(({ initiated }) => initiated < before));
  }
  return found;
}

/** Every fault of a request about a bucket's uploads is about the bucket, or about what may be done there. */
export function bucketCaller(call: Caller, bucket: string): Caller {
  const faultPolicy = new FaultPolicy('');
  return async (bound, send) => {
    try {
      return await call(bound, send);
    } catch (error) {
      const fault = asFault(error);
      if (!fault || fault.code === 'NoSuchUpload') throw error;
      const stopped = faultPolicy.bucketFault(fault, bucket);
      if (!(stopped instanceof RunStopped)) throw stopped;
      throw new KeyturnError('re-encryption-stopped', { bucket, detail: stopped.stopped.detail }, fault);
    }
  };
}

/** Somebody else completed or aborted it first. */
function toleratingGone(error: unknown): void {
  if (asFault(error)?.code !== 'NoSuchUpload') throw error;
}

/** Every open upload of a bucket, a page at a time. */
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
