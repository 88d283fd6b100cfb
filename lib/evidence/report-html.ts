/** The only place that turns values into HTML. Every value from outside is escaped. */

/** HTML from {@link html}; its values are already escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlValue = string | number | Html | readonly HtmlValue[] | undefined;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/**
 * Control characters, line separators, bidirectional overrides and lone surrogates: escaped, so that no name looks
 * like another.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text for an element's content or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replace(UNSAFE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(/[&<>"'`]/g, (char) => ENTITIES[char] ?? '');
}

/** Builds HTML; everything except {@link Html} is escaped, undefined is omitted. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(parts.map((part, at) => part + written(values[at])).join(''));
}

function written(value: HtmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(written).join('');
  return escapeHtml(String(value));
}

/** A name, an ARN or a hash, isolated from the text direction around it. */
export const code = (value: string | number | undefined): Html => html`<code>${value ?? '–'}</code>`;

/** `2026-11-24 10:11:12 UTC`, with the exact time for machines; other text stays text. */
export function time(at: string | undefined): Html {
  if (at === undefined) return html`–`;
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/.test(at)) return html`${at}`;
  return html`<time datetime="${at}">${at.slice(0, 10)} ${at.slice(11, 19)} UTC</time>`;
}

/** `12,345` */
export const count = (value: number): string => value.toLocaleString('en-US');

export interface Table {
  readonly caption: string;
  readonly head: readonly string[];
  /** The first cell of each row is its head. */
  readonly rows: readonly (readonly HtmlValue[])[];
  /** Columns of numbers, from 0. */
  readonly numeric?: readonly number[];
}

/** A table that can be scrolled by keyboard; nothing if it has no rows. */
export function table({ caption, head, rows, numeric = [] }: Table): Html | undefined {
  if (rows.length === 0) return undefined;
  const kind = (column: number) => (numeric.includes(column) ? html` class="n"` : undefined);
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${head.map((title, column) => html`<th scope="col"${kind(column)}>${title}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first, ...rest]) =>
      html`<tr><th scope="row"${kind(0)}>${first}</th>${rest.map((cell, at) => html`<td${kind(at + 1)} data-label="${head[at + 1]}">${cell}</td>`)}</tr>
`,
  )}</tbody></table></div>
`;
}
