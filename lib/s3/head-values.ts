import type { Encryption, ObjectHead, ObjectLock } from './object-version';

/** What single values of HEAD mean, whichever path they came by. */

export function encryptionOf(
  algorithm: string | undefined,
  keyArn: string | undefined,
  bucketKey: boolean,
  customer: string | undefined,
): Encryption {
  if (customer !== undefined) return { kind: 'sse-c' };
  // A key without an algorithm that uses one is a contradiction: some KMS key may hold the version.
  if (keyArn !== undefined && (algorithm === undefined || algorithm === 'AES256')) {
    return { kind: 'other', algorithm: `${algorithm ?? 'no algorithm'} with the key ${keyArn}` };
  }
  if (algorithm === undefined) return { kind: 'unencrypted' };
  if (algorithm === 'AES256') return { kind: 'sse-s3' };
  if (keyArn !== undefined && algorithm === 'aws:kms') return { kind: 'sse-kms', keyArn, bucketKey };
  if (keyArn !== undefined && algorithm === 'aws:kms:dsse') return { kind: 'dsse-kms', keyArn };
  return { kind: 'other', algorithm };
}

/** `ongoing-request="true"` while S3 fetches an archived object, `"false"` with an expiry once it can be read. */
export function restoreOf(header: string | undefined): ObjectHead['restore'] {
  if (header === undefined) return undefined;
  return header.includes('ongoing-request="true"') ? 'ongoing' : 'restored';
}

export function lockOf(
  mode: string | undefined,
  until: number | undefined,
  legalHold: string | undefined,
  eventHold: string | undefined,
): ObjectLock | undefined {
  if (mode === undefined && legalHold !== 'ON' && eventHold !== 'ON') return undefined;
  const known = mode === undefined || mode === 'GOVERNANCE' || mode === 'COMPLIANCE' ? mode : 'OTHER';
  return { mode: known, until: known && until, legalHold: legalHold === 'ON', eventHold: eventHold === 'ON' };
}
