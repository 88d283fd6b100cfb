import { KmsFault } from '../message';
import type { Call } from './call';
import { unsupported } from './faults';
import * as members from './members';
import { checkGrantTokens } from './operations/grants';

/** The members that every cryptographic request may carry. */
export const sharedMembers = { GrantTokens: members.grantTokens, DryRun: members.dryRun };

interface SharedInput {
  readonly GrantTokens?: readonly string[];
  readonly DryRun?: boolean;
}

/** The last checks of a cryptographic operation; a dry run ends here. */
export function finishChecks(call: Call, { GrantTokens = [], DryRun = false }: SharedInput): void {
  checkGrantTokens(call, GrantTokens);
  if (DryRun) {
    throw new KmsFault(
      'DryRunOperationException',
      'The request would have succeeded, but the DryRun option is set.',
      412,
    );
  }
}

export function requireSymmetric(algorithm: string | undefined): void {
  if (algorithm !== undefined && algorithm !== 'SYMMETRIC_DEFAULT') {
    throw new KmsFault(
      'InvalidKeyUsageException',
      `Algorithm ${algorithm} and key spec SYMMETRIC_DEFAULT are incompatible.`,
    );
  }
}

export function refuseEnclave(recipient: object | undefined): void {
  if (recipient !== undefined)
    throw unsupported('Recipient is not supported by this endpoint: it attests no enclaves.');
}
