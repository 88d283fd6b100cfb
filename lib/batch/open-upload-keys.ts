import type { BucketCall } from '../s3/bucket-call';
import type { ObjectStore } from '../s3/store';

/** Keys of open uploads that are kept in mind; of more than these only the oldest date is. */
const MOST_UPLOADS = 10_000;

/** Multipart uploads that are open at a time. */
export interface OpenUploads {
  readonly keys: readonly string[];
  /** Milliseconds since the epoch when the oldest of those beyond {@link keys} was begun. */
  readonly oldestOther: number | undefined;
}

/** What comes of an open upload bears the date it was begun: older than a listing that it is not in. */
export async function uploadsNow(store: ObjectStore, call: BucketCall, bucket: string): Promise<OpenUploads> {
  const keys: string[] = [];
  let oldestOther: number | undefined;
  let after: { key: string; uploadId: string } | undefined;
  do {
    const marker = after;
    const page = await call(() => store.listUploads({ bucket, after: marker }));
    for (const { key, initiated } of page.uploads) {
      if (keys.length < MOST_UPLOADS) keys.push(key);
      else oldestOther = Math.min(oldestOther ?? initiated, initiated);
    }
    after = page.next;
  } while (after);
  return { keys, oldestOther };
}
