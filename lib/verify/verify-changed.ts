import type { ObjectStore } from '../s3/store';
import type { BucketVerification, InspectionReason, VerifyRequest } from './bucket-verification';
import { verificationFault } from './verify-bucket';
import { VersionScanner } from './version-scanner';

/** What changed in a bucket after a verification of it. */
export interface ChangedRequest extends Omit<VerifyRequest, 'read'> {
  /** Milliseconds since the epoch: versions that S3 dates at or after it are inspected, and those without a date. */
  readonly since: number;
}

/**
 * Lists a bucket again and inspects only what S3 dates since a moment, and what is listed with an old date and was not before, such as a
 * replica. It covers no key by itself: together with the verification before that moment it does. Both clients list: a stale answer to one
 * of them would hide what changed. A rewrap by somebody else keeps date and place of the version, so that it is not seen.
 *
 * @throws as a verification does: the result is whole or there is none
 */
export async function verifyChanged(store: ObjectStore, request: ChangedRequest): Promise<BucketVerification> {
  try {
    const scanner = new VersionScanner(store, { ...request, read: 0, byBoth: true });
    const start = await scanner.begin();
    const pick: InspectionReason = ({ lastModified }) =>
      lastModified > 0 && lastModified < request.since ? undefined : 'changed since the verification';
    const listed = await scanner.scanListing(pick);
    if (request.listedBy)
      await scanner.scanDifferences(request.listedBy, pick, 'among versions that were not listed alike');
    const sources = { generated: [], because: undefined, disagreements: [], disagreementsTotal: 0 };
    return await scanner.report(start, listed, [], sources);
  } catch (error) {
    throw verificationFault(error, request);
  }
}
