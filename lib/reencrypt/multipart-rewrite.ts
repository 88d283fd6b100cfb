import type { ObjectHead, VersionRef } from '../s3/object-version';
import type { CopiedPart, Grants, TargetEncryption, Written } from '../s3/store';
import type { CopySizes, MoveContext } from './rewrap';

/** Parts of one upload at most. */
const MAX_PARTS = 10_000;
/** Concurrent parts of one object. */
const PARTS_AT_ONCE = 4;

/** One CopyObject as far as it goes, and parts large enough that requests stay few and small enough that a retry is cheap. */
export const COPY_SIZES: CopySizes = { multipartAbove: 5 * 1024 ** 3, minPart: 256 * 1024 ** 2 };

/** First and last byte of each part, both included. Parts are at most 5 GiB for objects of up to 48.8 TiB. */
export function partRanges(
  size: number,
  minPart: number,
): readonly { readonly first: number; readonly last: number }[] {
  const mebibyte = 1024 ** 2;
  const part = Math.max(minPart, Math.ceil(size / MAX_PARTS / mebibyte) * mebibyte);
  return Array.from({ length: Math.ceil(size / part) }, (_, at) => ({
    first: at * part,
    last: Math.min(size, (at + 1) * part) - 1,
  }));
}

/**
 * Rewrites a version that is too large for one CopyObject. A multipart copy carries neither metadata nor tags nor ACL,
 * so all of it is read and set again. Only its completion is conditional on the destination, which is enough: nothing
 * is visible before. Whatever fails, the upload is aborted, as its parts are billed until then.
 *
 * @throws StoreFault
 */
export async function multipartRewrite(
  context: MoveContext,
  ref: VersionRef,
  before: ObjectHead,
  target: {
    readonly encryption: TargetEncryption;
    readonly grants: Grants;
    readonly tags: Readonly<Record<string, string>>;
  },
): Promise<Written> {
  const { store, call } = context;
  const begin = { ...target, storageClass: before.storageClass, content: before.content };
  const uploadId = await call('kms', () => store.beginMultipart(ref, begin), ref.key);
  try {
    const parts = await copyParts(context, ref, before, uploadId);
    const end = { uploadId, parts, etag: before.etag, checksumType: before.content.checksum?.type };
    return await call('kms', () => store.completeMultipart(ref, end), ref.key);
  } catch (error) {
    await call('s3', () => store.abortMultipart(ref.bucket, ref.key, uploadId)).catch(() => undefined);
    throw error;
  }
}

async function copyParts(
  context: MoveContext,
  ref: VersionRef,
  before: ObjectHead,
  uploadId: string,
): Promise<CopiedPart[]> {
  const ranges = partRanges(before.size, context.copySizes.minPart);
  const parts: CopiedPart[] = [];
  let next = 0;
  let failed = false;
  const worker = async () => {
    for (let at = next++; at < ranges.length && !failed; at = next++) {
      const range = ranges[at];
      if (!range) return;
      const part = { uploadId, partNumber: at + 1, ...range, etag: before.etag };
      try {
        parts[at] = await context.call('kms', () => context.store.copyPart(ref, part), ref.key);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  // All workers end before the caller aborts the upload: a part that lands after the abort would be billed for ever.
  const ends = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, worker));
  const broken = ends.find((end) => end.status === 'rejected');
  if (broken) throw broken.reason;
  return parts;
}
