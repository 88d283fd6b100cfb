import type { Words } from './review-messages';

/** Patterns of secrets that must not be in a plan. The borders exclude longer runs, such as other hashes. */
const KINDS = [
  ['an age identity', /AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{20,}/gi],
  ['a private key', /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s]*/g],
  ['32 bytes in base64', /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43}=(?![A-Za-z0-9+/_=-])/g],
  ['a text of 64 hex digits', /(?<![0-9A-Za-z])(?:[0-9a-f]{64}|[0-9A-F]{64})(?![0-9A-Za-z])/g],
] as const;

export type SecretKind = (typeof KINDS)[number][0];

/** Texts shorter than the first line of a private key are skipped. */
const SHORTEST = '-----BEGIN PRIVATE KEY-----'.length;

/** The kind of secret that a text seems to contain: key material, its SHA-256 or a private key; undefined: none. */
export function secretIn(text: string): SecretKind | undefined {
  if (text.length < SHORTEST) return undefined;
  return KINDS.find(([, pattern]) => text.search(pattern) >= 0)?.[0];
}

/** The text with secrets replaced by their kind. */
export function concealed(text: string): string {
  if (text.length < SHORTEST) return text;
  return KINDS.reduce((shown, [kind, pattern]) => shown.replace(pattern, `(hidden: ${kind})`), text);
}

/** The message with secrets replaced by their kind, so that no finding repeats a secret. */
export function concealedWords(sentence: Words): Words {
  return sentence.map((part) => (typeof part === 'string' ? part : { value: concealed(part.value) }));
}
