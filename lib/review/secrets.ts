import type { Words } from './review-messages';

/** What a text may hold that has no business in a plan. The borders keep longer runs, such as other hashes, out. */
const KINDS = [
  ['an age identity', /AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{20,}/gi],
  ['a private key', /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s]*/g],
  ['32 bytes in base64', /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43}=(?![A-Za-z0-9+/_=-])/g],
  ['a text of 64 hex digits', /(?<![0-9A-Za-z])(?:[0-9a-f]{64}|[0-9A-F]{64})(?![0-9A-Za-z])/g],
] as const;

export type SecretKind = (typeof KINDS)[number][0];

/** Nothing shorter than the first line of a private key is looked at. */
const SHORTEST = '-----BEGIN PRIVATE KEY-----'.length;

/** What looks like key material, its SHA-256 or a private key in a text; undefined: nothing. */
export function secretIn(text: string): SecretKind | undefined {
  if (text.length < SHORTEST) return undefined;
  return KINDS.find(([, pattern]) => text.search(pattern) >= 0)?.[0];
}

/** The text with such a thing named instead of shown. */
export function concealed(text: string): string {
  if (text.length < SHORTEST) return text;
  return KINDS.reduce((shown, [kind, pattern]) => shown.replace(pattern, `(hidden: ${kind})`), text);
}

/** The sentence with such things named instead of shown: no finding repeats what it is about. */
export function concealedWords(sentence: Words): Words {
  return sentence.map((part) => (typeof part === 'string' ? part : { value: concealed(part.value) }));
}
