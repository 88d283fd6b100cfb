/**
 * Sentences that carry names from outside. A plan, an alias or a tag may hold Markdown, HTML, ANSI codes or a
 * workflow's commands: the words are ours, the values never are, and each output format escapes values in one place.
 */

/** A name or value from outside, to be shown and never obeyed. */
export interface Value {
  readonly value: string;
}

/** A sentence in parts: words of ours, and values from outside. */
export type Words = readonly (string | Value)[];

/** What may stand in a {@link words} template: values from outside, numbers, or sentences made by it before. */
export type Part = string | number | Words;

/** A sentence; whatever is interpolated is a value from outside, unless it is itself a sentence. */
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

/** Values in a row, `a, b and 3 more`. */
export function listed(values: readonly string[], most = 5): Words {
  const shown = values.slice(0, most).flatMap((value, index) => [...(index > 0 ? [', '] : []), { value }]);
  return values.length > most ? [...shown, ` and ${values.length - most} more`] : shown;
}

/** The sentence as text, values as they are. Whoever prints it escapes it. */
export function plain(sentence: Words): string {
  return sentence.map((part) => (typeof part === 'string' ? part : part.value)).join('');
}
