import type { ListedVersion } from '../../s3/view';
import type { Task } from '../state/job';
import type { EncryptionFilter, ObjectFilter } from '../wire/generator-request';

/** Whether generated manifests list current versions only; AWS does not say. */
export type GeneratedVersions = 'current' | 'all-versions';

/** The objects of a bucket that match, in listing order; never a delete marker. */
export function generateTasks(
  bucket: { readonly name: string; readonly versioned: boolean; readonly versions: Iterable<ListedVersion> },
  filter: ObjectFilter | undefined,
  which: GeneratedVersions,
): readonly Task[] {
  const tasks: Task[] = [];
  for (const version of bucket.versions) {
    if (version.deleteMarker || (which === 'current' && !version.current)) continue;
    if (filter !== undefined && !matches(filter, version)) continue;
    tasks.push({ bucket: bucket.name, key: version.key, versionId: bucket.versioned ? version.versionId : undefined });
  }
  return tasks;
}

function matches(filter: ObjectFilter, version: ListedVersion): boolean {
  const { CreatedAfter, CreatedBefore, ObjectSizeGreaterThanBytes: above, ObjectSizeLessThanBytes: below } = filter;
  if (CreatedAfter !== undefined && version.modified <= CreatedAfter) return false;
  if (CreatedBefore !== undefined && version.modified >= CreatedBefore) return false;
  if (above !== undefined && version.size <= above) return false;
  if (below !== undefined && version.size >= below) return false;
  const classes = filter.MatchAnyStorageClass;
  if (classes !== undefined && !classes.some((name) => name === version.storageClass)) return false;
  const kinds = filter.MatchAnyObjectEncryption;
  return (kinds === undefined || kinds.some((kind) => isEncrypted(kind, version))) && namesMatch(filter, version.key);
}

function namesMatch({ KeyNameConstraint: names }: ObjectFilter, key: string): boolean {
  const any = (fragments: readonly string[] | undefined, holds: (fragment: string) => boolean): boolean =>
    fragments === undefined || fragments.some(holds);
  return (
    any(names?.MatchAnyPrefix, (fragment) => key.startsWith(fragment)) &&
    any(names?.MatchAnySuffix, (fragment) => key.endsWith(fragment)) &&
    any(names?.MatchAnySubstring, (fragment) => key.includes(fragment))
  );
}

/** Nothing here is stored without encryption, so `NOT-SSE` matches nothing. */
function isEncrypted(filter: EncryptionFilter, { encryption }: ListedVersion): boolean {
  if (filter['SSE-S3'] !== undefined) return encryption.kind === 'AES256';
  if (filter['SSE-C'] !== undefined) return encryption.kind === 'SSE-C';
  const [kms, dual] = [filter['SSE-KMS'], filter['DSSE-KMS']];
  if (kms !== undefined) {
    const { KmsKeyArn, BucketKeyEnabled } = kms;
    return (
      encryption.kind === 'aws:kms' &&
      (KmsKeyArn ?? encryption.keyArn) === encryption.keyArn &&
      (BucketKeyEnabled ?? encryption.bucketKey) === encryption.bucketKey
    );
  }
  return (
    dual !== undefined &&
    encryption.kind === 'aws:kms:dsse' &&
    (dual.KmsKeyArn ?? encryption.keyArn) === encryption.keyArn
  );
}
