/**
 * Messages that contain values from outside. A plan, an alias or a tag may hold Markdown, HTML, ANSI codes or
 * workflow commands. So a message separates fixed text from values, and each output format escapes the values in one
 * place.
 */

/** A name or value from outside, which output formats must escape. */
export interface Value {
  readonly value: string;
}

/** A message in parts: fixed text, and values from outside. */
export type Words = readonly (string | Value)[];

/** Interpolated values of a {@link words} template: values from outside, numbers, or other messages. */
export type Part = string | number | Words;

/** A message; every interpolated text counts as a value from outside, unless it is itself a message. */
export function words(texts: TemplateStringsArray, ...parts: readonly Part[]): Words {
  const joined: (string | Value)[] = [];
  for (const [index, text] of texts.entries()) {
    if (text !== '') joined.push(text);
    const part = parts[index];
    if (part === undefined) continue;
    if (typeof part === 'number') joined.push(String(part));
    else if (typeof part === 'string') joined.push({ value: part });
    else joined.push(...part);
  }
  return joined;
}

/** A list of values, `a, b and 3 more`. */
export function listed(values: readonly string[], most = 5): Words {
  const shown = values.slice(0, most).flatMap((value, index) => [...(index > 0 ? [', '] : []), { value }]);
  return values.length > most ? [...shown, ` and ${values.length - most} more`] : shown;
}

/** The message as text with unescaped values. The caller must escape it. */
export function plain(sentence: Words): string {
  return sentence.map((part) => (typeof part === 'string' ? part : part.value)).join('');
}
