import { KeyturnError, throwIfInterrupted } from '../errors';
import { RunStopped } from '../s3/fault-policy';
import type { ObjectStore } from '../s3/store';
import type { BucketVerification, VerifyRequest } from './bucket-verification';
import { VersionScanner } from './version-scanner';

/**
 * Inspects every object version of a bucket, by a listing of its own. It uses nothing from a re-encryption: what that
 * run assumed, recorded or skipped does not matter here. A version that was deleted meanwhile is not unknown; one
 * that could not be inspected is.
 *
 * @throws interrupted, aws-access-denied, aws-failed, verification-stopped: the result is whole or there is none
 */
export async function verifyBucket(store: ObjectStore, request: VerifyRequest): Promise<BucketVerification> {
  try {
    const scanner = new VersionScanner(store, request);
    const start = await scanner.begin();
    const listed = await scanner.scanListing(() => 'every version');
    return await scanner.report(start, listed, 'every-key', EVERY_VERSION);
  } catch (error) {
    throw verificationFault(error, request);
  }
}

/** A verification that inspects each version itself. */
export const EVERY_VERSION = {
  generated: [],
  because: undefined,
  disagreements: [],
  disagreementsTotal: 0,
} as const;

/** What a verification rejects with, whatever ended it. */
export function verificationFault(error: unknown, { bucket, signal }: VerifyRequest): unknown {
  if (error instanceof KeyturnError) return error;
  throwIfInterrupted(signal, 'verification');
  if (!(error instanceof RunStopped)) return error;
  return new KeyturnError('verification-stopped', { bucket, detail: error.stopped.detail }, error);
}
