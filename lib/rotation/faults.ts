/** Faults of a rotation file: how Keyturn prints a place, a value and a likely misspelling. */
import type { FileFault } from '../errors';
import type { FieldPath } from './field-messages';

const SHOWN_LENGTH = 80;
const MESSAGE_LENGTH = 200;

/** Control characters, line separators and bidirectional overrides: a value must stay text on a terminal. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const escaped = (text: string): string =>
  text.replace(UNSAFE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);

/** True for text that holds an age identity: secret, and likely pasted where a recipient was asked for. */
export const isIdentity = (text: string): boolean => /AGE-SECRET-KEY-/i.test(text);

/** A string as a fault shows it: quoted, cut, on one line, and never an age identity that was pasted by mistake. */
export function shownText(text: string): string {
  if (isIdentity(text)) return 'an age identity, which is secret and is not shown';
  const cut = text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}… (${text.length} characters)` : text;
  return `"${escaped(cut)}"`;
}

/** A message of the YAML reader, which may quote the file: by the same rules, but without quotes of its own. */
export function shownMessage(message: string): string {
  if (isIdentity(message)) return 'at an age identity, which is secret and is not shown';
  return escaped(message.length > MESSAGE_LENGTH ? `${message.slice(0, MESSAGE_LENGTH)}…` : message);
}

/** Any value of the file as a fault shows it; mappings and lists by kind only. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return shownText(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') return 'a mapping';
  return String(value);
}

/** `keyVersions[1].name`; keys other than plain words are quoted. */
export function pathText(path: FieldPath): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const word = /^[A-Za-z_]\w*$/.test(step);
      if (!word) return `[${shownText(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

/** Edit distance between short words, with swaps of neighboring letters. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, swapped));
    }
  }
  return at(a.length, b.length);
}

/** The candidate that a person most likely meant, compared without case; undefined if none is close. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > SHOWN_LENGTH) return undefined;
  const ranked = candidates
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const best = ranked[0];
  return best && best.far <= Math.max(1, Math.floor(Math.min(word.length, best.candidate.length) / 3))
    ? best.candidate
    : undefined;
}

/** Faults in the order of the file, without duplicates. */
export function inReadingOrder(faults: readonly FileFault[]): readonly FileFault[] {
  const seen = new Map(faults.map((fault) => [JSON.stringify(fault), fault]));
  return [...seen.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}
