import { createHmac, randomBytes, randomFillSync } from 'node:crypto';
import { invalidArgument, s3Fault } from '../fault';
import type { Bucket } from './bucket';
import type { KeyEntry } from './key-index';
import type { ObjectVersion } from './object-version';

/** The ID of the one version that a bucket without versioning, or with it suspended, writes. */
export const NULL_VERSION = 'null';
const VERSION_ID = /^[A-Za-z0-9._]{32}$/;

/** Archived classes, which cannot be read before a restore. */
const ARCHIVED = new Set(['GLACIER', 'DEEP_ARCHIVE']);

/** A fresh ID for the next write: 32 characters where versioning is on. */
export function nextVersionId(bucket: Bucket): string {
  if (bucket.versioning !== 'Enabled') return NULL_VERSION;
  const bytes = Buffer.alloc(ID_BYTES);
  randomFillSync(bytes, 0, TAG_AT);
  latest += 1;
  bytes.writeUIntBE(latest, SEQUENCE_AT, SEQUENCE_BYTES);
  tagOf(bytes).copy(bytes, TAG_AT);
  mask(bytes);
  return bytes.toString('base64').replaceAll('+', '.').replaceAll('/', '_');
}

/**
 * True when the version was written before the one with the other ID. An ID looks random and hides its place in the
 * order of all writes, so that a listing can go on after a version that was deleted meanwhile.
 */
export function isOlder(id: string, other: string): boolean {
  return sequenceOf(unmasked(id)) < sequenceOf(unmasked(other));
}

/** 12 random bytes, 6 that prove that this endpoint made the ID, 6 with its place in the order of all writes. */
const ID_BYTES = 24;
const TAG_AT = 12;
const SEQUENCE_AT = 18;
const SEQUENCE_BYTES = 6;
const SECRET = randomBytes(32);
let latest = 0;

/** Whether this endpoint made the ID, for a version that may be gone by now. */
function isMade(id: string): boolean {
  const bytes = unmasked(id);
  return tagOf(bytes).equals(bytes.subarray(TAG_AT, SEQUENCE_AT));
}

function tagOf(bytes: Buffer): Buffer {
  const hmac = createHmac('sha256', SECRET).update(bytes.subarray(0, TAG_AT)).update(bytes.subarray(SEQUENCE_AT));
  return hmac.digest().subarray(0, SEQUENCE_AT - TAG_AT);
}

function sequenceOf(bytes: Buffer): number {
  return bytes.readUIntBE(SEQUENCE_AT, SEQUENCE_BYTES);
}

function unmasked(id: string): Buffer {
  const bytes = Buffer.from(id.replaceAll('.', '+').replaceAll('_', '/'), 'base64');
  mask(bytes);
  return bytes;
}

function mask(bytes: Buffer): void {
  for (let at = 0; at < SEQUENCE_BYTES; at += 1) {
    bytes[SEQUENCE_AT + at] = (bytes[SEQUENCE_AT + at] ?? 0) ^ (bytes[at] ?? 0) ^ (bytes[at + SEQUENCE_BYTES] ?? 0);
  }
}

/** Puts a version (or delete marker) on top of its key. A null version replaces the null version before it. */
export function putVersion(bucket: Bucket, key: string, version: ObjectVersion): void {
  if (version.id === NULL_VERSION) {
    const entry = bucket.keys.get(key);
    const before = entry?.versions.find(({ id }) => id === NULL_VERSION);
    if (entry !== undefined && before !== undefined) bucket.keys.remove(entry, before);
  }
  bucket.keys.push(key, version);
}

/** The newest version, which may be a delete marker. */
export function currentVersion(bucket: Bucket, key: string): ObjectVersion | undefined {
  const versions = bucket.keys.get(key)?.versions;
  return versions?.[versions.length - 1];
}

/** @throws S3Fault `InvalidArgument` for what S3 never made as a version ID. */
export function checkVersionId(id: string): void {
  if (id === '') throw invalidArgument('Version id cannot be the empty string', 'versionId', id);
  if (id !== NULL_VERSION && !(VERSION_ID.test(id) && isMade(id))) {
    throw invalidArgument('Invalid version id specified', 'versionId', id);
  }
}

/** A version with its place among those of its key, newest searched first. */
export function findVersion(
  bucket: Bucket,
  key: string,
  versionId: string,
): { readonly entry: KeyEntry; readonly version: ObjectVersion } | undefined {
  const entry = bucket.keys.get(key);
  if (entry === undefined) return undefined;
  for (let at = entry.versions.length - 1; at >= 0; at -= 1) {
    const version = entry.versions[at];
    if (version?.id === versionId) return { entry, version };
  }
  return undefined;
}

/**
 * The object that a request with or without `versionId` reads.
 *
 * @throws S3Fault `NoSuchKey`, `NoSuchVersion`, and `MethodNotAllowed` for a delete marker named by its ID.
 */
export function readableVersion(bucket: Bucket, key: string, versionId: string | undefined): ObjectVersion {
  if (versionId === undefined) {
    const current = currentVersion(bucket, key);
    if (current === undefined) throw s3Fault('NoSuchKey', undefined, { details: { Key: key } });
    if (current.deleteMarker) {
      throw s3Fault('NoSuchKey', undefined, { details: { Key: key }, headers: markerHeaders(current) });
    }
    return current;
  }
  checkVersionId(versionId);
  const found = findVersion(bucket, key, versionId)?.version;
  if (found === undefined) {
    throw s3Fault('NoSuchVersion', undefined, { details: { Key: key, VersionId: versionId } });
  }
  if (found.deleteMarker) {
    throw s3Fault('MethodNotAllowed', undefined, {
      details: { Method: 'GET', ResourceType: 'DeleteMarker' },
      headers: {
        ...markerHeaders(found),
        allow: 'DELETE',
        'last-modified': new Date(found.modified * 1000).toUTCString(),
      },
    });
  }
  return found;
}

function markerHeaders(marker: ObjectVersion): Record<string, string> {
  return { 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker.id };
}

/** True while an archived object has no restored copy. */
export function isArchived(version: ObjectVersion, now: number): boolean {
  if (!ARCHIVED.has(version.storageClass)) return false;
  const { restore } = version;
  return restore === undefined || now < restore.readyAt || now >= restore.expiresAt;
}

/** True while retention or a legal hold keeps a version from being deleted. */
export function isLocked(version: ObjectVersion, now: number, bypassGovernance: boolean): boolean {
  if (version.legalHold === 'ON') return true;
  const { retention } = version;
  if (retention === undefined || now >= retention.until) return false;
  return retention.mode === 'COMPLIANCE' || !bypassGovernance;
}
