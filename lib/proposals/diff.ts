/** Unified diffs of small edits, in the format of `git apply`. */

const CONTEXT = 3;

/** Maximum number of changed lines for the shortest diff, because its cost is quadratic. */
const MOST_CHANGED = 1000;

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/**
 * The unified diff between two texts; empty if they are equal.
 *
 * @param file - path for both sides, with `/`.
 */
export function unifiedDiff(before: string, after: string, file: string): string {
  if (before === after) return '';
  const lines = compare(linesOf(before), linesOf(after));
  const hunks = hunksOf(lines).map((hunk) => hunkText(lines, hunk));
  return [`--- a/${file}\n`, `+++ b/${file}\n`, ...hunks].join('');
}

/** Lines with their line ends; the last one has none if the text does not end in a newline. */
const linesOf = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/**
 * The shortest edit script between two lists of lines (Myers, greedy), without their common beginning and end. Its
 * cost grows with the number of different lines, not with the length of the file.
 */
function compare(before: readonly string[], after: readonly string[]): readonly Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const room = Math.min(before.length, after.length) - start;
  while (end < room && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  return [
    ...before.slice(0, start).map(kept),
    ...shortestEdit(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(kept),
  ];
}

const kept = (text: string): Line => ({ sign: ' ', text });

function shortestEdit(a: readonly string[], b: readonly string[]): readonly Line[] {
  const rows: Map<number, number>[] = [];
  let reach = new Map<number, number>([[1, 0]]);
  const at = (row: ReadonlyMap<number, number>, k: number): number => row.get(k) ?? Number.NEGATIVE_INFINITY;
  for (let d = 0; d <= Math.min(MOST_CHANGED, a.length + b.length); d += 1) {
    const row = new Map<number, number>();
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && at(reach, k - 1) < at(reach, k + 1)) ? at(reach, k + 1) : at(reach, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      row.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, [...rows, row]);
    }
    rows.push(row);
    reach = row;
  }
  return [...a.map((text): Line => ({ sign: '-', text })), ...b.map((text): Line => ({ sign: '+', text }))];
}

function walkBack(a: readonly string[], b: readonly string[], rows: readonly ReadonlyMap<number, number>[]): Line[] {
  const lines: Line[] = [];
  let [x, y] = [a.length, b.length];
  const at = (d: number, k: number): number => rows[d]?.get(k) ?? Number.NEGATIVE_INFINITY;
  for (let d = rows.length - 1; d >= 0; d -= 1) {
    const k = x - y;
    const down = k === -d || (k !== d && at(d - 1, k - 1) < at(d - 1, k + 1));
    const fromX = d === 0 ? 0 : down ? at(d - 1, k + 1) : at(d - 1, k - 1);
    const fromY = d === 0 ? 0 : fromX - (down ? k + 1 : k - 1);
    while (x > fromX && y > fromY && a[x - 1] === b[y - 1]) {
      x -= 1;
      y -= 1;
      lines.push(kept(a[x] ?? ''));
    }
    if (d === 0) break;
    if (down) lines.push({ sign: '+', text: b[--y] ?? '' });
    else lines.push({ sign: '-', text: a[--x] ?? '' });
  }
  return lines.reverse();
}

interface Hunk {
  readonly from: number;
  readonly to: number;
}

function hunksOf(lines: readonly Line[]): readonly Hunk[] {
  const hunks: { from: number; to: number }[] = [];
  lines.forEach((line, index) => {
    if (line.sign === ' ') return;
    const [from, to] = [Math.max(0, index - CONTEXT), Math.min(lines.length, index + CONTEXT + 1)];
    const last = hunks.at(-1);
    if (last && from <= last.to) last.to = to;
    else hunks.push({ from, to });
  });
  return hunks;
}

function hunkText(lines: readonly Line[], { from, to }: Hunk): string {
  const earlier = lines.slice(0, from);
  const shown = lines.slice(from, to);
  const side = (sign: '-' | '+'): string => {
    const mine = (line: Line): boolean => line.sign === ' ' || line.sign === sign;
    const count = shown.filter(mine).length;
    return `${earlier.filter(mine).length + (count === 0 ? 0 : 1)},${count}`;
  };
  const body = shown.map(
    ({ sign, text }) => `${sign}${text}${text.endsWith('\n') ? '' : '\n\\ No newline at end of file\n'}`,
  );
  return `@@ -${side('-')} +${side('+')} @@\n${body.join('')}`;
}
