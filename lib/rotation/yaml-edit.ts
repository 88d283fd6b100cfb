/**
 * Insertions and replacements in YAML text by the offsets of its nodes, so that all other bytes stay: comments,
 * quotes, blank lines, line ends. Printing the changed document would reflow other lines, and a reviewer would see
 * changes that nobody intended.
 */
import { isCollection, isMap, isNode, isPair, isScalar, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';

/** A field to write, in order; booleans are written bare. */
export type NewFields = readonly (readonly [key: string, value: string | boolean])[];

/** The text with one value replaced. */
export function replaceScalar(text: string, node: Node, value: string | boolean): string {
  const [from, to] = rangeOf(node);
  const written = text.slice(from, to);
  const quote = /^["']/.exec(written)?.[0] ?? '';
  const end = /\r?\n$/.exec(written)?.[0] ?? '';
  return (
    text.slice(0, from) +
    (typeof value === 'string' && quote ? quote + value + quote : plain(value)) +
    end +
    text.slice(to)
  );
}

/** The text with one more item at the end of a non-empty list, in the style of its last item. */
export function appendItem(text: string, list: YAMLSeq, fields: NewFields): string {
  const last = list.items.at(-1);
  if (!isNode(last)) throw new RangeError('the list has no item to follow');
  const style = styleOf(text, last);
  const end = contentEnd(last);
  if (list.flow) return appendFlowItem(text, last, end, flowMap(fields, style));
  const dash = ' '.repeat(columnOf(text, rangeOf(list)[0]));
  const lines = style.flow
    ? [`- ${flowMap(fields, style)}`]
    : blockMap(fields, style).map((line, at) => (at === 0 ? '- ' : '  ') + line);
  return insertLines(
    text,
    end,
    lines.map((line) => dash + line),
  );
}

/** The text with fields added at the end of a non-empty mapping. */
export function appendFields(text: string, map: YAMLMap, fields: NewFields): string {
  const first = map.items[0]?.key;
  if (!isNode(first)) throw new RangeError('the mapping has no field to follow');
  const style = styleOf(text, map);
  const end = Math.max(...map.items.map(pairEnd));
  if (map.flow) return `${text.slice(0, end)}, ${flowPairs(fields, style)}${text.slice(end)}`;
  const indent = ' '.repeat(columnOf(text, rangeOf(first)[0]));
  return insertLines(
    text,
    end,
    blockMap(fields, style).map((line) => indent + line),
  );
}

interface Style {
  readonly flow: boolean;
  /** JSON's quotes around keys and strings. */
  readonly quoted: boolean;
  /** A space inside the braces. */
  readonly spaced: boolean;
}

function styleOf(text: string, node: Node): Style {
  if (!isMap(node)) return { flow: false, quoted: false, spaced: false };
  const key = node.items[0]?.key;
  return {
    flow: node.flow === true,
    quoted: isScalar(key) && key.type === 'QUOTE_DOUBLE',
    spaced: text[rangeOf(node)[0] + 1] !== (isNode(key) ? text[rangeOf(key)[0]] : undefined),
  };
}

/** YAML does not read these as text without quotes: `1`, `1e3`, `true`, `null`, `0x1`. */
const NEEDS_QUOTES = /^(?:true|false|null|\d+|\d+e\d+|0x[0-9a-f]+|0o[0-7]+)$/;

const plain = (value: string | boolean): string =>
  typeof value === 'string' && NEEDS_QUOTES.test(value) ? JSON.stringify(value) : String(value);

const written = (value: string | boolean, style: Style): string =>
  style.quoted && typeof value === 'string' ? JSON.stringify(value) : plain(value);

const blockMap = (fields: NewFields, style: Style): string[] =>
  fields.map(([key, value]) => `${written(key, style)}: ${written(value, style)}`);

const flowPairs = (fields: NewFields, style: Style): string => blockMap(fields, style).join(', ');

function flowMap(fields: NewFields, style: Style): string {
  const space = style.spaced ? ' ' : '';
  return `{${space}${flowPairs(fields, style)}${space}}`;
}

/** On a line of its own if the last item has one, otherwise on the same line. */
function appendFlowItem(text: string, last: Node, end: number, item: string): string {
  const [start] = rangeOf(last);
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const indent = text.slice(lineStart, start);
  const ownLine = lineStart > 0 && /^[ \t]*$/.test(indent) && /^,?[ \t]*\r?$/.test(text.slice(end, lineEnd(text, end)));
  return `${text.slice(0, end)},${ownLine ? newline(text, end) + indent : ' '}${item}${text.slice(end)}`;
}

/** Inserts whole lines after the line that holds the offset; a comment at its end stays with it. */
function insertLines(text: string, offset: number, lines: readonly string[]): string {
  const end = lineEnd(text, offset);
  const at = text[end - 1] === '\r' && text[end] === '\n' ? end - 1 : end;
  const eol = newline(text, offset);
  return text.slice(0, at) + lines.map((line) => eol + line).join('') + text.slice(at);
}

function lineEnd(text: string, offset: number): number {
  const found = text.indexOf('\n', offset);
  return found < 0 ? text.length : found;
}

/** The line end of the line at the offset; if it has none, that of the first line. */
function newline(text: string, offset: number): string {
  const here = lineEnd(text, offset);
  const end = here < text.length ? here : text.indexOf('\n');
  return end > 0 && text[end - 1] === '\r' ? '\r\n' : '\n';
}

const columnOf = (text: string, offset: number): number => offset - (text.lastIndexOf('\n', offset - 1) + 1);

function rangeOf(node: Node): readonly [number, number] {
  if (!node.range) throw new RangeError('the node was not read from text');
  return [node.range[0], node.range[1]];
}

/** End of the content of a node; the range of a block collection also covers what follows it. */
function contentEnd(node: Node): number {
  if (isCollection(node) && !node.flow && node.items.length > 0)
    return Math.max(...node.items.map((item) => (isPair(item) ? pairEnd(item) : isNode(item) ? contentEnd(item) : 0)));
  const [from, to] = rangeOf(node);
  const blockScalar = isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED');
  return blockScalar ? Math.max(from, to - 1) : to;
}

const pairEnd = (pair: Pair): number => {
  if (isNode(pair.value)) return contentEnd(pair.value);
  return isNode(pair.key) ? contentEnd(pair.key) : 0;
};
