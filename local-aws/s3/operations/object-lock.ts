import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import { invalidArgument, notConfigured, s3Fault } from '../fault';
import type { Bucket, LockRule } from '../state/bucket';
import type { ObjectVersion, Retention } from '../state/object-version';
import { readableVersion } from '../state/versions';
import { emptyAnswer, xmlAnswer } from '../wire/answer';
import { proveRequiredBody } from '../wire/integrity';
import { integer, maybe, one, oneOf, readBody, shape, time } from '../wire/xml-shape';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';

const mode = oneOf('GOVERNANCE', 'COMPLIANCE');
const defaultRetention = shape({ Mode: one(mode), Days: maybe(integer), Years: maybe(integer) });
const configuration = shape({
  ObjectLockEnabled: maybe(oneOf('Enabled')),
  Rule: maybe(shape({ DefaultRetention: one(defaultRetention) })),
});

/** PutObjectLockConfiguration: on a bucket with versioning; it can be changed afterwards but not taken away. */
export function putObjectLockConfiguration(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveRequiredBody(call);
  const wanted = readBody(call.request.body, 'ObjectLockConfiguration', configuration);
  if (wanted.ObjectLockEnabled === undefined) throw s3Fault('MalformedXML');
  if (bucket.versioning !== 'Enabled') {
    throw s3Fault(
      'InvalidBucketState',
      "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    );
  }
  bucket.objectLock = { rule: wanted.Rule === undefined ? undefined : ruleOf(wanted.Rule.DefaultRetention) };
  return emptyAnswer(200);
}

function ruleOf(wanted: ReturnType<typeof defaultRetention>): LockRule {
  const { Mode, Days: days, Years: years } = wanted;
  if ((days === undefined) === (years === undefined)) throw s3Fault('MalformedXML');
  if ((days ?? years ?? 0) < 1) {
    throw s3Fault('InvalidArgument', 'Default retention period must be a positive integer value.');
  }
  return { mode: Mode, days, years };
}

/** GetObjectLockConfiguration. */
export function getObjectLockConfiguration(call: Call): AwsResponse {
  const lock = openBucket(call).objectLock;
  if (lock === undefined) throw notConfigured(call, 'ObjectLockConfigurationNotFoundError');
  const { rule } = lock;
  const ruleXml =
    rule === undefined
      ? ''
      : branch(
          'Rule',
          branch('DefaultRetention', leaf('Mode', rule.mode), leaf('Days', rule.days), leaf('Years', rule.years)),
        );
  return xmlAnswer(xmlDocument('ObjectLockConfiguration', leaf('ObjectLockEnabled', 'Enabled'), ruleXml));
}

function openLocked(call: Call): { readonly bucket: Bucket; readonly version: ObjectVersion } {
  const bucket = openBucket(call);
  if (bucket.objectLock === undefined) {
    throw s3Fault('InvalidRequest', 'Bucket is missing Object Lock Configuration');
  }
  return { bucket, version: readableVersion(bucket, call.key, call.query.get('versionId')) };
}

/** GetObjectRetention. */
export function getObjectRetention(call: Call): AwsResponse {
  const { retention } = openLocked(call).version;
  if (retention === undefined) throw s3Fault('NoSuchObjectLockConfiguration');
  const until = new Date(retention.until).toISOString();
  return xmlAnswer(xmlDocument('Retention', leaf('Mode', retention.mode), leaf('RetainUntilDate', until)));
}

const retentionDocument = shape({ Mode: maybe(mode), RetainUntilDate: maybe(time) });

/**
 * PutObjectRetention. Compliance can only be lengthened; governance is weakened only with the bypass header. An empty
 * document takes governance retention away.
 */
export function putObjectRetention(call: Call): AwsResponse {
  const { version } = openLocked(call);
  proveRequiredBody(call);
  const { Mode, RetainUntilDate } = readBody(call.request.body, 'Retention', retentionDocument);
  if ((Mode === undefined) !== (RetainUntilDate === undefined)) throw s3Fault('MalformedXML');
  const wanted =
    Mode === undefined || RetainUntilDate === undefined ? undefined : { mode: Mode, until: RetainUntilDate };
  if (wanted !== undefined && wanted.until <= call.now) {
    throw invalidArgument(
      'The retain until date must be in the future!',
      'RetainUntilDate',
      new Date(wanted.until).toISOString(),
    );
  }
  const bypass = call.headers['x-amz-bypass-governance-retention']?.toLowerCase() === 'true';
  if (weakens(version.retention, wanted, call.now, bypass)) {
    throw s3Fault('AccessDenied', 'Access Denied because object protected by object lock.');
  }
  version.retention = wanted;
  return emptyAnswer(200);
}

function weakens(before: Retention | undefined, wanted: Retention | undefined, now: number, bypass: boolean): boolean {
  if (before === undefined || now >= before.until) return false;
  const kept = wanted !== undefined && wanted.until >= before.until;
  if (before.mode === 'COMPLIANCE') return !kept || wanted.mode !== 'COMPLIANCE';
  return !kept && !bypass;
}

/** GetObjectLegalHold. */
export function getObjectLegalHold(call: Call): AwsResponse {
  const { legalHold } = openLocked(call).version;
  if (legalHold === undefined) throw s3Fault('NoSuchObjectLockConfiguration');
  return xmlAnswer(xmlDocument('LegalHold', leaf('Status', legalHold)));
}

const legalHoldDocument = shape({ Status: one(oneOf('ON', 'OFF')) });

/** PutObjectLegalHold. */
export function putObjectLegalHold(call: Call): AwsResponse {
  const { version } = openLocked(call);
  proveRequiredBody(call);
  version.legalHold = readBody(call.request.body, 'LegalHold', legalHoldDocument).Status;
  return emptyAnswer(200);
}
