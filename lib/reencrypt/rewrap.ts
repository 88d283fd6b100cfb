import { inspectVersion } from '../s3/inspect-version';
import type { Encryption, ObjectHead, VersionRef } from '../s3/object-version';
import { holdingKey, isKey } from '../s3/object-version';
import type { Caller } from '../s3/pacing-and-retry';
import type { ObjectStore } from '../s3/store';
import { StoreFault } from '../s3/store-fault';

/** What moving one version needs to know of the run. */
export interface MoveContext {
  readonly store: ObjectStore;
  readonly call: Caller;
  readonly targetKeyArn: string;
  /** The bucket key setting of versions that had none because no KMS key held them. */
  readonly bucketKeyDefault: boolean;
  readonly copySizes: CopySizes;
}

/** Sizes in bytes that decide how a rewrite copies. */
export interface CopySizes {
  /** Objects above it are copied in parts. At most 5 GiB, which is what one CopyObject accepts. */
  readonly multipartAbove: number;
  /** The smallest part; parts grow with the object so that 10,000 are enough. At least 5 MiB. */
  readonly minPart: number;
}

/** A rewrap that S3 answered with 200, and of which nobody has looked at the result. */
export interface UnprovenMove {
  readonly end: 'unproven';
  readonly ref: VersionRef;
  /** Absent: nobody looked before either. */
  readonly from: Encryption | undefined;
  /** The bucket key setting that was sent. */
  readonly bucketKey: boolean;
}

/** What a version must have kept. */
export type Kept = Pick<ObjectHead, 'etag' | 'size' | 'storageClass'>;

/** How a move ended. `changed`: the version was replaced meanwhile and must be decided again. */
export type Moved =
  | { readonly end: 'moved'; readonly head: ObjectHead; readonly versionId: string | undefined }
  | { readonly end: 'changed' }
  | { readonly end: 'gone' }
  | { readonly end: 'damaged'; readonly difference: string };

/**
 * Moves the data key of one version under the target key; no data moves. S3 accepts no precondition here, so the same
 * version is inspected again and compared: key, ETag, size and class. The bucket key setting is always sent, because S3
 * would otherwise turn it off.
 *
 * @throws StoreFault
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_UpdateObjectEncryption.html
 */
export async function rewrap(context: MoveContext, ref: VersionRef, before: ObjectHead): Promise<Moved> {
  return proveByHead(context, await rewrapUnproven(context, ref, before), before);
}

/** Rewraps a version and leaves it to others to look at it again. @throws StoreFault */
export async function rewrapUnproven(
  { store, call, targetKeyArn, bucketKeyDefault }: MoveContext,
  ref: VersionRef,
  before: Pick<ObjectHead, 'encryption'> | undefined,
): Promise<UnprovenMove> {
  const bucketKey = before ? carriedBucketKey(before, bucketKeyDefault) : bucketKeyDefault;
  await call('kms', () => store.updateEncryption(ref, { keyArn: targetKeyArn, bucketKey }), ref.key);
  return { end: 'unproven', ref, from: before?.encryption, bucketKey };
}

/** Inspects a version that was rewrapped, and compares. @throws StoreFault when it cannot be inspected */
export async function proveByHead(context: MoveContext, unproven: UnprovenMove, before: Kept): Promise<Moved> {
  const { ref } = unproven;
  const after = await headAfter(context, ref, before.size);
  if (after === 'gone') return { end: 'gone' };
  // Only a null version can be overwritten: that is another object now.
  if (after.etag !== before.etag && (ref.versionId ?? 'null') === 'null') return { end: 'changed' };
  const difference = differenceOf(before, after, { targetKeyArn: context.targetKeyArn, bucketKey: unproven.bucketKey });
  return difference === undefined
    ? { end: 'moved', head: after, versionId: ref.versionId }
    : { end: 'damaged', difference };
}

/** @throws StoreFault when the version cannot be inspected, though it was a moment ago */
export async function headAfter(
  { store, call }: MoveContext,
  ref: VersionRef,
  size: number,
): Promise<ObjectHead | 'gone'> {
  const inspection = await inspectVersion(store, call, ref, size);
  if (inspection.found === 'head') return inspection.head;
  if (inspection.found === 'gone') return 'gone';
  if (inspection.found === 'fault') throw inspection.fault;
  throw new StoreFault({
    operation: 'HeadObject',
    status: 409,
    code: 'OperationAborted',
    message: 'it is under SSE-C now',
  });
}

/** The object's own setting; the bucket's where the object had no KMS key and so no setting. */
export function carriedBucketKey({ encryption }: Pick<ObjectHead, 'encryption'>, bucketKeyDefault: boolean): boolean {
  return encryption.kind === 'sse-kms' ? encryption.bucketKey : bucketKeyDefault;
}

/** What a version lost by a rewrap, or that it did not move; undefined: it is as it was, under the target key. */
export function differenceOf(
  before: Kept,
  after: ObjectHead,
  target: { targetKeyArn: string; bucketKey: boolean },
): string | undefined {
  const key = holdingKey(after.encryption);
  if (key === undefined || !isKey(key, target.targetKeyArn))
    return `it is under ${key ?? after.encryption.kind} afterwards`;
  if (after.encryption.kind === 'sse-kms' && after.encryption.bucketKey !== target.bucketKey) {
    return `its bucket key setting is ${after.encryption.bucketKey} afterwards`;
  }
  if (after.etag !== before.etag) return `its ETag went from ${before.etag} to ${after.etag}`;
  if (after.size !== before.size) return `its size went from ${before.size} to ${after.size}`;
  if (after.storageClass !== before.storageClass)
    return `its class went from ${before.storageClass} to ${after.storageClass}`;
  return undefined;
}
