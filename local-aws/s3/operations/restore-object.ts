import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import { s3Fault } from '../fault';
import type { ObjectVersion } from '../state/object-version';
import { readableVersion } from '../state/versions';
import { emptyAnswer } from '../wire/answer';
import { proveBody } from '../wire/integrity';
import { integer, maybe, one, oneOf, readBody, shape, text } from '../wire/xml-shape';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The longest that S3 says a retrieval takes, by class and tier. */
const RETRIEVAL: Readonly<Record<string, Readonly<Record<Tier, number | undefined>>>> = {
  GLACIER: { Expedited: 5 * MINUTE, Standard: 5 * HOUR, Bulk: 12 * HOUR },
  DEEP_ARCHIVE: { Expedited: undefined, Standard: 12 * HOUR, Bulk: 48 * HOUR },
};

type Tier = 'Expedited' | 'Standard' | 'Bulk';
const tier = oneOf('Expedited', 'Standard', 'Bulk');
const request = shape({
  Days: one(integer),
  Tier: maybe(tier),
  Description: maybe(text),
  GlacierJobParameters: maybe(shape({ Tier: one(tier) })),
});

/**
 * RestoreObject: 202 when a retrieval begins, 200 when a restored copy is kept longer. The copy becomes readable as the
 * clock passes the retrieval time, and is archived again when it has expired.
 */
export function restoreObject(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveBody(call);
  const version = readableVersion(bucket, call.key, call.query.get('versionId'));
  const wanted = readBody(call.request.body, 'RestoreRequest', request);
  if (wanted.Days < 1) throw s3Fault('InvalidArgument', 'Days must be a positive integer');
  const takes = retrievalTime(version, wanted.GlacierJobParameters?.Tier ?? wanted.Tier ?? 'Standard');
  const { restore } = version;
  if (restore !== undefined && call.now < restore.readyAt) throw s3Fault('RestoreAlreadyInProgress');
  if (restore !== undefined && call.now < restore.expiresAt) {
    version.restore = { ...restore, expiresAt: expiry(call.now, wanted.Days) };
    return emptyAnswer(200);
  }
  const readyAt = call.now + takes;
  version.restore = { readyAt, expiresAt: expiry(readyAt, wanted.Days) };
  return emptyAnswer(202);
}

function retrievalTime(version: ObjectVersion, wanted: Tier): number {
  const tiers = RETRIEVAL[version.storageClass];
  if (tiers === undefined) {
    throw s3Fault('InvalidObjectState', "Restore is not allowed for the object's current storage class", {
      details: { StorageClass: version.storageClass },
    });
  }
  const takes = tiers[wanted];
  if (takes === undefined) {
    throw s3Fault('InvalidArgument', `Retrieval option is not supported by this storage class: ${wanted}`);
  }
  return takes;
}

/** Whole days, up to the next midnight UTC. */
function expiry(from: number, days: number): number {
  return Math.ceil((from + days * DAY) / DAY) * DAY;
}
