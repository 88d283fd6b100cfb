import type { KeyDescription } from './describe-key';

const DAY = 24 * 60 * 60 * 1000;

/** Days before the expiry on which Keyturn warns, the earliest first. */
export const EXPIRY_WARNING_DAYS: readonly number[] = [60, 30, 7];

export interface Expiry {
  readonly validTo: Date;
  /** Whole days left; 0 on the last day, negative afterwards. */
  readonly daysLeft: number;
  /** The smallest warning day that has been reached; undefined before the first one. */
  readonly warning: number | undefined;
  /** KMS has deleted the material: only the same bytes from custody restore the key. */
  readonly expired: boolean;
}

/**
 * The expiry of the key's material and the warning that is due; undefined for material that does not expire and for a
 * key without a date in KMS.
 *
 * @param warningDays - days before the end, in any order; default {@link EXPIRY_WARNING_DAYS}
 */
export function expiryOf(
  key: Pick<KeyDescription, 'validTo' | 'expirationModel'>,
  now: Date,
  warningDays: readonly number[] = EXPIRY_WARNING_DAYS,
): Expiry | undefined {
  if (!key.validTo || key.expirationModel === 'KEY_MATERIAL_DOES_NOT_EXPIRE') return undefined;
  const left = key.validTo.getTime() - now.getTime();
  const reached = warningDays.filter((days) => left <= days * DAY);
  return {
    validTo: key.validTo,
    daysLeft: Math.floor(left / DAY),
    warning: reached.length > 0 ? Math.min(...reached) : undefined,
    expired: left <= 0,
  };
}
