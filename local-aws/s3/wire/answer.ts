import type { AwsResponse } from '../../message';
import type { Bucket } from '../state/bucket';
import type { Checksum, ObjectVersion } from '../state/object-version';
import { checksumHeader } from './checksum';
import { encryptionHeaders } from './encryption-headers';
import { encodeMetadata } from './rfc2047';

/** 200 with an XML document. */
export function xmlAnswer(body: string, headers: Readonly<Record<string, string>> = {}): AwsResponse {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body };
}

export function emptyAnswer(status: 200 | 202 | 204, headers: Readonly<Record<string, string>> = {}): AwsResponse {
  return { status, headers };
}

/** `2026-11-23T10:00:00.000Z`: the times in XML, at S3's resolution of a second. */
export function isoTime(seconds: number): string {
  if (lastTime.seconds !== seconds) lastTime = { seconds, text: new Date(seconds * 1000).toISOString() };
  return lastTime.text;
}

/** Neighbours in a listing were mostly written in the same second. */
let lastTime = { seconds: 0, text: '1970-01-01T00:00:00.000Z' };

/** RFC 1123, as in Last-Modified. */
export function httpTime(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** The version header, which buckets that never had versioning do not send. */
export function versionHeader(bucket: Bucket, id: string): Record<string, string> {
  return bucket.versioning === 'Off' ? {} : { 'x-amz-version-id': id };
}

export function checksumHeaders(checksum: Checksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  return { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** What GET and HEAD tell about a version, but its length and checksum. */
export function objectHeaders(bucket: Bucket, version: ObjectVersion, now: number): Record<string, string> {
  const headers: Record<string, string> = {
    'last-modified': httpTime(version.modified),
    etag: quoted(version.etag),
    'accept-ranges': 'bytes',
    ...version.attributes.headers,
  };
  if (bucket.versioning !== 'Off') headers['x-amz-version-id'] = version.id;
  Object.assign(headers, encryptionHeaders(version.encryption));
  const { metadata } = version.attributes;
  for (const name in metadata) headers[`x-amz-meta-${name}`] = encodeMetadata(metadata[name] ?? '');
  if (version.storageClass !== 'STANDARD') headers['x-amz-storage-class'] = version.storageClass;
  if (version.redirect !== undefined) headers['x-amz-website-redirect-location'] = version.redirect;
  if (version.tags !== undefined && version.tags.size > 0) headers['x-amz-tagging-count'] = String(version.tags.size);
  if (version.retention !== undefined) {
    headers['x-amz-object-lock-mode'] = version.retention.mode;
    headers['x-amz-object-lock-retain-until-date'] = new Date(version.retention.until).toISOString();
  }
  if (version.legalHold !== undefined) headers['x-amz-object-lock-legal-hold'] = version.legalHold;
  const restore = restoreHeader(version, now);
  if (restore !== undefined) headers['x-amz-restore'] = restore;
  return headers;
}

function restoreHeader({ restore }: ObjectVersion, now: number): string | undefined {
  if (restore === undefined || now >= restore.expiresAt) return undefined;
  if (now < restore.readyAt) return 'ongoing-request="true"';
  return `ongoing-request="false", expiry-date="${httpTime(Math.floor(restore.expiresAt / 1000))}"`;
}
