import type { VerificationRecord } from './flow-facts';

/** Milliseconds: a verification that is older when a key is to be disabled is repeated. */
export const VERIFICATION_FRESH = 15 * 60_000;

/** Whether a verification must be repeated before a key is disabled. @param now - milliseconds, by S3's clock */
export function isFresh({ asOf }: Pick<VerificationRecord, 'asOf'>, now: number): boolean {
  return now - Date.parse(asOf) <= VERIFICATION_FRESH;
}
