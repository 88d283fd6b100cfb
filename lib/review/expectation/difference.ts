import { type Values, values } from '../plan-values';
import { type Words, words } from '../review-messages';

/** A place where what was given is not what was expected. */
export interface Difference {
  readonly path: readonly string[];
  /** JSON values; undefined: there is none. */
  readonly expected: unknown;
  readonly found: unknown;
}

/** Values that nest deeper count as different: no stack of a rotation has them. */
const DEEPEST = 32;

/** Sections of a stack file whose resources are compared one by one, even where one side has none of their type. */
const SECTIONS: ReadonlySet<string> = new Set(['resource', 'data']);
const SECTION_DEPTH = 3;

/** Every place where two JSON values differ, the order of members aside. */
export function differences(expected: unknown, found: unknown): readonly Difference[] {
  const all: Difference[] = [];
  compare(expected, found, [], all);
  return all;
}

function compare(expected: unknown, found: unknown, path: readonly string[], all: Difference[]): void {
  if (Object.is(expected, found)) return;
  const inSection = path.length > 0 && path.length < SECTION_DEPTH && SECTIONS.has(path[0] ?? '');
  const oneByOne = inSection && [expected, found].some((side) => isBranch(side) && Object.keys(side).length > 0);
  const [one, other] = oneByOne ? [expected ?? {}, found ?? {}] : [expected, found];
  const comparable = isBranch(one) && isBranch(other) && Array.isArray(one) === Array.isArray(other);
  if (!comparable || path.length >= DEEPEST) {
    all.push({ path, expected, found });
    return;
  }
  const [left, right] = [members(one), members(other)];
  for (const name of new Set([...left.keys(), ...right.keys()]))
    compare(left.get(name), right.get(name), [...path, name], all);
}

const isBranch = (value: unknown): value is object => typeof value === 'object' && value !== null;
const members = (value: object): ReadonlyMap<string, unknown> => new Map(Object.entries(value));

/** Address of the resource that a path of a stack file leads into; undefined: it leads into none. */
export function addressOf([section, type, name]: readonly string[]): string | undefined {
  if (type === undefined || name === undefined) return undefined;
  if (section === 'resource') return `${type}.${name}`;
  return section === 'data' ? `data.${type}.${name}` : undefined;
}

/** The difference in words, with both values. */
export function differenceMessage({ path, expected, found }: Difference): Words {
  const [left, right] = excerpts(shown(expected), shown(found));
  return words`${pathText(path)} is ${right}, expected ${left}`;
}

function pathText(path: readonly string[]): string {
  if (path.length === 0) return 'the whole';
  return path
    .map((step) =>
      /^\d+$/.test(step) ? `[${step}]` : /^[\w-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`,
    )
    .join('')
    .replace(/^\./, '');
}

function shown(value: unknown): string {
  if (value === undefined) return '(absent)';
  try {
    return JSON.stringify(value);
  } catch {
    return '(nested too deeply to show)';
  }
}

/** Texts up to this length are shown whole. */
const WHOLE = 300;
/** Characters shown before and after what differs in a longer text. */
const AROUND = 80;

/** Two long texts, each cut down to what differs and a little around it. */
function excerpts(left: string, right: string): readonly [string, string] {
  if (left.length <= WHOLE && right.length <= WHOLE) return [left, right];
  const shorter = Math.min(left.length, right.length);
  let start = 0;
  while (start < shorter && left[start] === right[start]) start += 1;
  let end = 0;
  while (end < shorter - start && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const cut = (text: string): string => {
    const [from, to] = [Math.max(0, start - AROUND), Math.min(text.length, text.length - end + AROUND)];
    const middle = text.slice(from, Math.min(to, from + WHOLE));
    return `${from > 0 ? '…' : ''}${middle}${from + middle.length < text.length ? '…' : ''}`;
  };
  return [cut(left), cut(right)];
}

/** The object of a JSON text; undefined for any other text. */
export function parsedObject(text: string): Values | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isBranch(value) && !Array.isArray(value) ? values(value) : undefined;
  } catch {
    return undefined;
  }
}
