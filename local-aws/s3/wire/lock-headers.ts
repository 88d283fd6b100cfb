import type { Call } from '../call';
import { invalidArgument, s3Fault } from '../fault';
import type { Bucket } from '../state/bucket';
import type { LegalHold, Retention } from '../state/object-version';

const DAY = 86_400_000;
const MODE = 'x-amz-object-lock-mode';
const UNTIL = 'x-amz-object-lock-retain-until-date';
const HOLD = 'x-amz-object-lock-legal-hold';

export interface WrittenLock {
  readonly retention: Retention | undefined;
  readonly legalHold: LegalHold | undefined;
}

/**
 * Retention and legal hold of a write: its headers, else the bucket's default retention.
 *
 * @throws S3Fault `InvalidRequest` on a bucket without Object Lock, `InvalidArgument` for headers that do not go together.
 */
export function writtenLock(call: Call, bucket: Bucket): WrittenLock {
  const mode = call.headers[MODE];
  const until = call.headers[UNTIL];
  const hold = call.headers[HOLD];
  if (mode === undefined && until === undefined && hold === undefined) {
    return { retention: defaultRetention(bucket, call.now), legalHold: undefined };
  }
  if (bucket.objectLock === undefined) {
    throw s3Fault('InvalidRequest', 'Bucket is missing Object Lock Configuration');
  }
  if (hold !== undefined && hold !== 'ON' && hold !== 'OFF') {
    throw invalidArgument('Legal Hold must be either of ON or OFF', HOLD, hold);
  }
  const retention = headerRetention(mode, until, call.now) ?? defaultRetention(bucket, call.now);
  return { retention, legalHold: hold };
}

/** @throws S3Fault `InvalidRequest` for a body under retention or legal hold that nothing proves. */
export function requireProofForLock(call: Call, lock: WrittenLock, proved: boolean): void {
  const locks = lock.retention !== undefined || lock.legalHold !== undefined;
  if (locks && !proved && call.headers['content-md5'] === undefined) {
    throw s3Fault(
      'InvalidRequest',
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
    );
  }
}

function headerRetention(mode: string | undefined, until: string | undefined, now: number): Retention | undefined {
  if (mode === undefined && until === undefined) return undefined;
  if (mode === undefined || until === undefined) {
    throw s3Fault(
      'InvalidArgument',
      'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied',
    );
  }
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw invalidArgument('Unknown wormMode directive.', MODE, mode);
  const time = Date.parse(until);
  if (Number.isNaN(time))
    throw invalidArgument('The retain until date must be provided in ISO 8601 format', UNTIL, until);
  if (time <= now) throw invalidArgument('The retain until date must be in the future!', UNTIL, until);
  return { mode, until: time };
}

function defaultRetention(bucket: Bucket, now: number): Retention | undefined {
  const rule = bucket.objectLock?.rule;
  if (rule === undefined) return undefined;
  const days = rule.days ?? (rule.years ?? 0) * 365;
  return { mode: rule.mode, until: now + days * DAY };
}
