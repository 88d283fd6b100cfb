import type { BucketCall } from '../s3/bucket-call';
import type { ObjectStore } from '../s3/store';

/** Keys of open uploads that are recorded; of the others only the oldest date is. */
const MAX_UPLOADS = 10_000;

/** Multipart uploads that are open at a time. */
export interface OpenUploads {
  readonly keys: readonly string[];
  /** Milliseconds since the epoch when the oldest of those beyond {@link keys} was started. */
  readonly oldestOther: number | undefined;
}

/** The object of an open upload bears the date the upload was started: older than a listing that it is not in. */
export async function uploadsNow(store: ObjectStore, call: BucketCall, bucket: string): Promise<OpenUploads> {
  const keys: string[] = [];
  let oldestOther: number | undefined;
  let after: { key: string; uploadId: string } | undefined;
  do {
    const marker = after;
    const page = await call(() => store.listUploads({ bucket, after: marker }));
    for (const { key, initiated } of page.uploads) {
      if (keys.length < MAX_UPLOADS) keys.push(key);
      else oldestOther = Math.min(oldestOther ?? initiated, initiated);
    }
    after = page.next;
  } while (after);
  return { keys, oldestOther };
}
