import { type Values, values } from '../plan-values';

/** A value of a resource that a plan changes. */
export interface AttributeChange {
  /** `versioning_configuration.status`; a list of one block needs no index. */
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
  /** True: it is known only after the apply. */
  readonly unknown: boolean;
}

/** Values that nest deeper are compared as a whole. */
const DEEPEST = 12;
/** With what the provider adds to it. */
const ALL_TAGS = 'tags_all';
/** An empty tag is a tag. */
const TAGS: readonly (string | undefined)[] = ['tags', ALL_TAGS];

interface Side {
  readonly before: unknown;
  readonly after: unknown;
  readonly unknown: unknown;
}

/** Every value that differs, in the order of its name. What is unset on both sides is none. */
export function attributeChanges(before: Values | undefined, after: Values | undefined, unknown: Values) {
  const found: AttributeChange[] = [];
  visit({ before, after, unknown }, [], found);
  return found.filter((one) => !isRepeated(one, found)).sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** `tags_all` repeats `tags`; only the provider's default tags are there alone. */
function isRepeated(one: AttributeChange, all: readonly AttributeChange[]): boolean {
  if (one.name === ALL_TAGS) return one.unknown || one.after === null;
  if (!one.name.startsWith(`${ALL_TAGS}.`)) return false;
  const twin = all.find(({ name }) => name === one.name.replace(ALL_TAGS, 'tags'));
  return twin !== undefined && twin.before === one.before && twin.after === one.after;
}

function visit(side: Side, path: readonly string[], found: AttributeChange[]): void {
  const { before, after, unknown } = side;
  const branch = [before, after].some(isBranch) && ![before, after].some(isPlain) && unknown !== true;
  if (!branch || path.length >= DEEPEST) {
    if (unknown === true || (TAGS.includes(path[0]) ? before !== after : text(before) !== text(after)))
      found.push({ name: path.join('.'), before: before ?? null, after: after ?? null, unknown: unknown === true });
    return;
  }
  for (const name of namesOf(side)) {
    const inner = { before: at(before, name), after: at(after, name), unknown: at(unknown, name) };
    visit(inner, isOnlyBlock(side) ? path : [...path, name], found);
  }
}

/** An object, or a list of objects; a list of lists is compared as a whole. */
const isBranch = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (!Array.isArray(value) || value.some(isObject));
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const isPlain = (value: unknown): boolean =>
  value !== null && value !== undefined && !isBranch(value) && !isEmpty(value);
const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
const isOnlyBlock = ({ before, after }: Side): boolean =>
  [before, after].every((one) => one === null || one === undefined || (Array.isArray(one) && one.length <= 1));

function namesOf({ before, after, unknown }: Side): ReadonlySet<string> {
  const names = [before, after, unknown].filter((one) => typeof one === 'object' && one !== null);
  return new Set(names.flatMap((one) => Object.keys(one as object)));
}

function at(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value[Number(name)];
  const found = values(value);
  return Object.hasOwn(found, name) ? found[name] : undefined;
}

/** What is unset is written in several ways. */
function text(value: unknown): string {
  if (value === undefined || value === null || value === '' || isEmpty(value)) return '';
  try {
    return JSON.stringify(value);
  } catch {
    return '(nested too deeply to show)';
  }
}
