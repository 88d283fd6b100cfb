import { notImplemented, s3Fault } from '../fault';
import type { ObjectVersion } from '../state/object-version';

type Headers = Readonly<Record<string, string | undefined>>;

/**
 * Read preconditions of GET and HEAD, in the order RFC 9110 gives them.
 *
 * @returns true when the answer is 304.
 * @throws S3Fault `PreconditionFailed`.
 */
export function notModified(headers: Headers, version: ObjectVersion, now: number): boolean {
  checkMatch(headers['if-match'], headers['if-unmodified-since'], version, ['If-Match', 'If-Unmodified-Since']);
  return unchanged(headers['if-none-match'], headers['if-modified-since'], version, now);
}

/** Preconditions on a copy's source: all of them answer 412. */
export function checkCopySource(headers: Headers, version: ObjectVersion, now: number): void {
  checkMatch(headers['x-amz-copy-source-if-match'], headers['x-amz-copy-source-if-unmodified-since'], version, [
    'x-amz-copy-source-If-Match',
    'x-amz-copy-source-If-Unmodified-Since',
  ]);
  const since = headers['x-amz-copy-source-if-modified-since'];
  if (unchanged(headers['x-amz-copy-source-if-none-match'], since, version, now)) {
    throw failed('x-amz-copy-source-If-None-Match');
  }
}

/**
 * If-Match and If-None-Match of a write, against the current version: a delete marker counts as nothing.
 *
 * @throws S3Fault `PreconditionFailed`, `NoSuchKey` for If-Match on nothing, `NotImplemented` for other If-None-Match than `*`, and
 * for If-Match `*`.
 */
export function checkWrite(headers: Headers, current: ObjectVersion | undefined, key: string): void {
  const existing = current?.deleteMarker === true ? undefined : current;
  const none = headers['if-none-match'];
  if (none !== undefined) {
    if (none !== '*') throw notImplemented('If-None-Match', 'header');
    if (existing !== undefined) throw failed('If-None-Match');
  }
  const match = headers['if-match'];
  if (match === undefined) return;
  if (match === '*') throw notImplemented('If-Match', 'header');
  if (existing === undefined) throw s3Fault('NoSuchKey', undefined, { details: { Key: key } });
  if (!listed(match, existing.etag)) throw failed('If-Match');
}

function checkMatch(
  match: string | undefined,
  unmodifiedSince: string | undefined,
  version: ObjectVersion,
  names: readonly [string, string],
): void {
  if (match !== undefined) {
    if (!listed(match, version.etag)) throw failed(names[0]);
    return;
  }
  const since = seconds(unmodifiedSince);
  if (since !== undefined && version.modified > since) throw failed(names[1]);
}

/** @param now - milliseconds since the epoch: S3 ignores a date in the future */
function unchanged(
  noneMatch: string | undefined,
  modifiedSince: string | undefined,
  version: ObjectVersion,
  now: number,
): boolean {
  if (noneMatch !== undefined) return listed(noneMatch, version.etag);
  const since = seconds(modifiedSince);
  return since !== undefined && since * 1000 <= now && version.modified <= since;
}

/** A list of entity tags, quoted or not, or `*`. */
function listed(list: string, etag: string): boolean {
  return list.split(',').some((item) => {
    const tag = item.trim().replace(/^W\//, '');
    return tag === '*' || tag === etag || tag === `"${etag}"`;
  });
}

/** An HTTP date; one that cannot be read is as good as absent. */
function seconds(date: string | undefined): number | undefined {
  const parsed = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(parsed) ? undefined : Math.floor(parsed / 1000);
}

function failed(condition: string) {
  return s3Fault('PreconditionFailed', undefined, { details: { Condition: condition } });
}
