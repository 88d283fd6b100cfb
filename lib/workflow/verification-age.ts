import { CLOCK_SLACK } from '../s3/clock-slack';
import type { VerificationRecord } from './flow-facts';

/** Milliseconds: a verification that is older when a key is to be disabled is repeated. */
export const VERIFICATION_FRESH = 15 * 60_000;

/**
 * Whether a verification need not be repeated before a key is disabled. One of the future is not fresh: a clock went wrong since.
 *
 * @param now - milliseconds, by S3's clock
 */
export function isFresh({ asOf }: Pick<VerificationRecord, 'asOf'>, now: number): boolean {
  const age = now - Date.parse(asOf);
  return age >= -CLOCK_SLACK && age <= VERIFICATION_FRESH;
}
