import { RunStopped } from './fault-policy';
import type { ListedVersion, VersionRef } from './object-version';
import type { Versioning } from './store';

/**
 * How requests name a listed version: without an id in a bucket that never had versioning, where each key has one object.
 *
 * @throws RunStopped where the bucket is said to have no versioning and the listing has version ids: every version of a key would
 *   be taken for its current one. GetBucketVersioning may lag behind by 15 minutes after versioning was enabled.
 */
export function listedRef(
  bucket: string,
  versioning: Versioning,
  { key, versionId }: Pick<ListedVersion, 'key' | 'versionId'>,
): VersionRef {
  if (versioning !== 'unversioned') return { bucket, key, versionId };
  if (versionId === 'null') return { bucket, key, versionId: undefined };
  throw new RunStopped({
    because: 'endpoint',
    detail:
      `GetBucketVersioning answers that ${bucket} has no versioning, but the listing has version ${versionId} of ` +
      `${JSON.stringify(key)}. S3 may take 15 minutes after versioning was enabled: run the same command again then`,
  });
}
