import { holdingKey, isKey, type ObjectHead, type VersionRef } from '../s3/object-version';
import type { TargetEncryption, Written } from '../s3/store';
import { multipartRewrite } from './multipart-rewrite';
import { carriedBucketKey, headAfter, type MoveContext, type Moved } from './rewrap';

/**
 * Copies the current version onto itself: new data key, new ciphertext. Conditional on the ETag of the source and of
 * the destination, so it never overwrites a newer object and never brings back a deleted one. The rewrite
 * re-applies what a copy would drop: class, redirect, ACL, checksum algorithm.
 *
 * @param tags - those of the version, which a copy in parts sets itself
 * @throws StoreFault; a lost race among them
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export async function rewrite(
  context: MoveContext,
  ref: VersionRef,
  before: ObjectHead,
  tags: Readonly<Record<string, string>>,
): Promise<Moved> {
  const { store, call } = context;
  const encryption = targetEncryption(context, before);
  const grants = await call('s3', () => store.grants(ref), ref.key);
  const written: Written =
    before.size > context.copySizes.multipartAbove
      ? await multipartRewrite(context, ref, before, { encryption, grants, tags })
      : await call(
          'kms',
          () =>
            store.copy(ref, {
              etag: before.etag,
              encryption,
              grants,
              storageClass: before.storageClass,
              websiteRedirect: before.content.websiteRedirect,
              checksum: before.content.checksum?.algorithm,
            }),
          ref.key,
        );
  const versionId = ref.versionId === undefined ? undefined : written.versionId;
  const after = await headAfter(context, { ...ref, versionId }, before.size);
  if (after === 'gone') return { end: 'gone' };
  if (after.etag !== written.etag && versionId === undefined) return { end: 'changed' };
  const difference = differenceOf(before, after, encryption);
  return difference === undefined ? { end: 'moved', head: after, versionId } : { end: 'damaged', difference };
}

/** Dual-layer objects stay dual-layer: somebody asked for both layers. */
function targetEncryption({ targetKeyArn, bucketKeyDefault }: MoveContext, before: ObjectHead): TargetEncryption {
  const dualLayer = before.encryption.kind === 'dsse-kms';
  return { keyArn: targetKeyArn, bucketKey: !dualLayer && carriedBucketKey(before, bucketKeyDefault), dualLayer };
}

function differenceOf(before: ObjectHead, after: ObjectHead, target: TargetEncryption): string | undefined {
  const key = holdingKey(after.encryption);
  if (key === undefined || !isKey(key, target.keyArn)) return `it is under ${key ?? after.encryption.kind} afterwards`;
  if (after.size !== before.size) return `its size went from ${before.size} to ${after.size}`;
  if (after.storageClass !== before.storageClass)
    return `its class went from ${before.storageClass} to ${after.storageClass}`;
  if (after.tagCount !== before.tagCount) return `its tags went from ${before.tagCount} to ${after.tagCount}`;
  if (after.content.websiteRedirect !== before.content.websiteRedirect) return 'its website redirect was lost';
  return undefined;
}
