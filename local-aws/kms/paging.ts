import { KmsFault } from '../message';

/** The page of a listing after `marker`, as KMS answers it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly end: { readonly Truncated: false } | { readonly Truncated: true; readonly NextMarker: string };
}

/** Cuts one page of at most `limit` items out of a listing that is sorted by `nameOf`. Throws `InvalidMarkerException`. */
export function page<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  limit: number,
  marker: string | undefined,
): Page<T> {
  const after = marker === undefined ? undefined : decode(marker);
  const rest = after === undefined ? items : items.filter((item) => nameOf(item) > after);
  const cut = rest.slice(0, limit);
  const last = cut.at(-1);
  if (last === undefined || cut.length === rest.length) return { items: cut, end: { Truncated: false } };
  return {
    items: cut,
    end: { Truncated: true, NextMarker: `${prefix}${Buffer.from(nameOf(last)).toString('base64url')}` },
  };
}

const prefix = 'after-';

function decode(marker: string): string {
  if (!/^after-[A-Za-z0-9_-]+$/.test(marker))
    throw new KmsFault('InvalidMarkerException', `Invalid marker '${marker}'`);
  return Buffer.from(marker.slice(prefix.length), 'base64url').toString();
}
