import { invalidInput } from './fault';
import { number, text } from './parameters';

/** The parameters that lists are paged by. */
export const paging = { MaxItems: number({ min: 1, max: 1000 }), Marker: text({ min: 1 }) };

interface Asked {
  readonly MaxItems: number | undefined;
  readonly Marker: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly end: { readonly IsTruncated: boolean; readonly Marker?: string };
}

/** A page of a list in the order of its names, 100 unless asked for otherwise. Throws `InvalidInput` for a marker that is none. */
export function page<T>(all: readonly T[], nameOf: (item: T) => string, { MaxItems = 100, Marker }: Asked): Page<T> {
  const after = Marker === undefined ? '' : unmark(Marker);
  const sorted = all.filter((item) => nameOf(item) > after).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const items = sorted.slice(0, MaxItems);
  const last = items.at(-1);
  if (sorted.length <= MaxItems || last === undefined) return { items, end: { IsTruncated: false } };
  return { items, end: { IsTruncated: true, Marker: Buffer.from(`after ${nameOf(last)}`).toString('base64') } };
}

function unmark(marker: string): string {
  const name = /^after (.+)$/s.exec(Buffer.from(marker, 'base64').toString('utf8'))?.[1];
  if (name === undefined) throw invalidInput('Invalid Marker.');
  return name;
}
