/**
 * The only place that turns text from outside into Markdown: names, messages and diffs must stay text on every forge.
 */

/** Control characters, line separators, bidirectional overrides and lone surrogates are escaped. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const visible = (char: string): string => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;

/**
 * Plain text for a paragraph, a list item or a table cell, without links, images, HTML, mentions, emphasis or
 * workflow commands. Special characters become entities, which every forge shows as the character.
 */
export function mdText(text: string): string {
  return text.replace(UNSAFE, visible).replace(/[^\p{L}\p{N} ,.\-/]/gu, (char) => `&#${char.codePointAt(0)};`);
}

/** A code span; a value with a backtick gets a longer fence. Pipes are escaped for tables. */
export function mdCode(text: string): string {
  const flat = text.replace(UNSAFE, visible).replaceAll('|', '\\|');
  if (flat.trim() === '') return '(empty)';
  const fence = fenceFor(flat, 1);
  const pad = flat.startsWith('`') || flat.endsWith('`') || (flat.startsWith(' ') && flat.endsWith(' ')) ? ' ' : '';
  return `${fence}${pad}${flat}${pad}${fence}`;
}

/** Multi-line text for people: line ends and tabs stay, every other control character is escaped. */
export function harmlessLines(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      line
        .split('\t')
        .map((part) => part.replace(/\r$/, '').replace(UNSAFE, visible))
        .join('\t'),
    )
    .join('\n');
}

/**
 * A code block with unchanged lines except for control characters; the fence is longer than any run of backticks in
 * it.
 */
export function mdBlock(language: string, text: string): string {
  const body = harmlessLines(text).replace(/\n$/, '');
  const fence = fenceFor(body, 3);
  return `${fence}${language}\n${body}\n${fence}`;
}

function fenceFor(text: string, least: number): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  return '`'.repeat(Math.max(least, longest + 1));
}
