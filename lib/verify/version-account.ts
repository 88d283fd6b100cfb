import { KeyturnError } from '../errors';

/** Where a verification accounts for a listed version: each is in exactly one. */
export const PLACES = ['underActive', 'left', 'outOfScope', 'unknown', 'gone', 'notInspected'] as const;
export type Place = (typeof PLACES)[number];

/** Numbers of object versions, not negative. */
export type VersionCounts = Readonly<Record<'listed' | Place, number>>;

declare const isAccounted: unique symbol;

/**
 * Every listed version, in exactly one place:
 * - `underActive`: under the active key
 * - `left`: under a key that this rotation empties
 * - `outOfScope`: under a key, or an encryption, that the rotation file does not name
 * - `unknown`: its key is not known, or not proven
 * - `gone`: S3 answered twice that it is not there, and a new listing of its place does not hold it
 * - `notInspected`: only manifests that S3 generated account for it
 *
 * {@link accountOf} alone makes one, so that none has a wrong sum.
 */
export type VersionAccount = VersionCounts & { readonly [isAccounted]: true };

/** @throws verification-stopped for counts that do not add up */
export function accountOf(bucket: string, counts: VersionCounts): VersionAccount {
  const fault = sumFault(counts);
  if (fault === undefined) return { ...counts } as VersionAccount;
  throw new KeyturnError('verification-stopped', { bucket, detail: fault });
}

/** Why counts are no account of what was listed; undefined: they are one. */
export function sumFault(counts: VersionCounts): string | undefined {
  const wrong = (['listed', ...PLACES] as const).find(
    (name) => !Number.isSafeInteger(counts[name]) || counts[name] < 0,
  );
  if (wrong !== undefined) return `${wrong} is ${counts[wrong]}, which is no count`;
  const sum = PLACES.reduce((total, place) => total + counts[place], 0);
  return sum === counts.listed ? undefined : `its counts do not add up: ${accountText(counts)}, which is ${sum}`;
}

const WORDS: Readonly<Record<Place, string>> = {
  underActive: 'under the active key',
  left: 'left under another key of this rotation',
  outOfScope: 'out of scope',
  unknown: 'unknown',
  gone: 'confirmed gone',
  notInspected: 'not inspected',
};

/** One line for people, with every member. `notInspected` is named only where there is any: it needs generated manifests. */
export function accountText(counts: VersionCounts): string {
  const shown = PLACES.filter((place) => place !== 'notInspected' || counts[place] > 0);
  return `${counts.listed} listed = ${shown.map((place) => `${counts[place]} ${WORDS[place]}`).join(' + ')}`;
}

/** Counts up an account. */
export class AccountInMaking {
  readonly #counts: Record<'listed' | Place, number> = {
    listed: 0,
    underActive: 0,
    left: 0,
    outOfScope: 0,
    unknown: 0,
    gone: 0,
    notInspected: 0,
  };

  /** A version was listed. It must be settled before the account is made. */
  listed(versions: number): void {
    this.#counts.listed += versions;
  }

  settle(place: Place): void {
    this.#counts[place] += 1;
  }

  /** A version that was settled is to be settled again. */
  unsettle(place: Place): void {
    this.#counts[place] -= 1;
  }

  /** A version that was settled turned out to belong elsewhere. */
  move(from: Place, to: Place): void {
    this.#counts[from] -= 1;
    this.#counts[to] += 1;
  }

  /** Versions that were listed and not inspected now belong where they were found before. */
  carry(to: Place, versions: number): void {
    this.#counts.notInspected -= versions;
    this.#counts[to] += versions;
  }

  /** Another listing of a part of the bucket, which is settled by it, holds so many versions more; fewer where negative. */
  relist(more: number): void {
    this.#counts.listed += more;
    this.#counts.notInspected += more;
  }

  count(name: 'listed' | Place): number {
    return this.#counts[name];
  }

  /** @throws verification-stopped where a listed version is not settled, or settled twice */
  account(bucket: string): VersionAccount {
    return accountOf(bucket, this.#counts);
  }
}
