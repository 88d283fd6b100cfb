import { s3Fault } from '../fault';
import type { Bucket } from './bucket';
import { NO_ENCRYPTION } from './encryption';
import { ObjectVersion } from './object-version';
import { checkVersionId, findVersion, isLocked, NULL_VERSION, nextVersionId, putVersion } from './versions';

/** What a delete did. */
export interface Deletion {
  /** The version it removed by its ID, or the delete marker it created; undefined if the response names no version. */
  readonly versionId: string | undefined;
  /** True when it made a delete marker, or removed one. */
  readonly marker: boolean;
}

/**
 * Deletes one version for good. One that does not exist is no error.
 *
 * @throws S3Fault `AccessDenied` for a version under retention or legal hold.
 */
export function deleteNamedVersion(
  bucket: Bucket,
  key: string,
  versionId: string,
  options: { readonly now: number; readonly bypassGovernance: boolean },
): Deletion {
  checkVersionId(versionId);
  const found = findVersion(bucket, key, versionId);
  if (found === undefined) return { versionId, marker: false };
  const { entry, version } = found;
  if (isLocked(version, options.now, options.bypassGovernance)) {
    throw s3Fault('AccessDenied', 'Access Denied because object protected by object lock.');
  }
  bucket.keys.remove(entry, version);
  return { versionId, marker: version.deleteMarker };
}

/** Deletes the current object: for good where versioning never was, behind a delete marker elsewhere. */
export function deleteCurrent(bucket: Bucket, key: string, now: number): Deletion {
  if (bucket.versioning === 'Off') {
    const found = findVersion(bucket, key, NULL_VERSION);
    if (found !== undefined) bucket.keys.remove(found.entry, found.version);
    return { versionId: undefined, marker: false };
  }
  const marker = deleteMarker(nextVersionId(bucket), now);
  putVersion(bucket, key, marker);
  return { versionId: marker.id, marker: true };
}

function deleteMarker(id: string, now: number): ObjectVersion {
  return new ObjectVersion({
    id,
    deleteMarker: true,
    now,
    size: 0,
    etag: '',
    attributes: { headers: {}, metadata: {} },
    parts: [],
    multipart: false,
    checksum: undefined,
    storageClass: 'STANDARD',
    redirect: undefined,
    encryption: NO_ENCRYPTION,
    tags: undefined,
    acl: undefined,
    retention: undefined,
    legalHold: undefined,
  });
}
