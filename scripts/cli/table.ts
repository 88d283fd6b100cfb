/** Maximum length of the rule under a column: a longer one would wrap. */
const LONGEST_RULE = 60;

/** Columns padded to their widest cell, two spaces apart, a rule under the head. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width, column) =>
    '─'.repeat(column === widths.length - 1 ? Math.min(width, LONGEST_RULE) : width),
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** Text wrapped at `width` characters; a longer word gets a line of its own. */
export function wrapWords(words: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
