import { literal } from './patterns';

/** What a request knows of itself, by the names of AWS's condition keys. A key with several values has a list. */
export type RequestContext = Readonly<Record<string, string | readonly string[]>>;

/** The values of a condition key, whose name is compared without regard to case; undefined where it is not known. */
export type Lookup = (key: string) => readonly string[] | undefined;

/** Makes the {@link Lookup} of several contexts; the later ones win. */
export function lookup(...contexts: readonly (RequestContext | undefined)[]): Lookup {
  const known = new Map<string, readonly string[]>();
  for (const context of contexts) {
    for (const [key, value] of Object.entries(context ?? {})) known.set(key.toLowerCase(), [value].flat());
  }
  return (key) => known.get(key.toLowerCase());
}

/**
 * A text with its policy variables (`${aws:PrincipalAccount}`) filled in; undefined where one has no value or several,
 * in which case the element that it stands in fits nothing. What is filled in is no wildcard.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export function substitute(text: string, context: Lookup): string | undefined {
  if (!text.includes('${')) return text;
  let missing = false;
  const filled = text.replace(/\$\{([^}]+)\}/g, (_, name: string) => {
    if (['*', '?', '$'].includes(name)) return literal(name);
    const [key = '', fallback] = name.split(/\s*,\s*/);
    const values = context(key);
    const value = values?.length === 1 ? values[0] : fallback?.replace(/^'(.*)'$/, '$1');
    if (value === undefined) missing = true;
    return literal(value ?? '');
  });
  return missing ? undefined : filled;
}
