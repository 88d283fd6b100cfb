import type { KeyDescription } from './describe-key';

const DAY = 24 * 60 * 60 * 1000;

/** Days before the end at which a person is told, the first one first. */
export const EXPIRY_WARNING_DAYS: readonly number[] = [60, 30, 7];

export interface Expiry {
  readonly validTo: Date;
  /** Whole days that are left; 0 on the last day, negative once it has passed. */
  readonly daysLeft: number;
  /** The smallest of the warning days that has been reached; undefined while there is time. */
  readonly warning: number | undefined;
  /** KMS has deleted the material: only the same bytes from custody bring the key back. */
  readonly expired: boolean;
}

/**
 * When the key's material expires, and whether it is time to say so; undefined for material that does not expire and for
 * a key that KMS names no date of.
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
