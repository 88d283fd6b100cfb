/** Stand for characters that are meant as they are, in a text whose other `*` and `?` are wildcards. */
const literals: Readonly<Record<string, string>> = { '*': '\u{f0000}', '?': '\u{f0001}', $: '\u{f0002}' };
const meant = new Map(Object.entries(literals).map(([char, mark]) => [mark, char]));
const marks = new RegExp([...meant.keys()].join('|'), 'gu');

/** The text with its wildcard characters marked as meant. */
export function literal(text: string): string {
  return text.replace(/[*?$]/g, (char) => literals[char] ?? char);
}

/** The text with the marks of {@link literal} turned back, for comparisons that know no wildcards. */
export function plain(text: string): string {
  return text.replace(marks, (mark) => meant.get(mark) ?? mark);
}

/** IAM's wildcards as a regular expression over the whole text: `*` for any characters, `?` for one. */
export function wildcard(pattern: string, flags = ''): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.')
    .replace(marks, (mark) => `\\${meant.get(mark)}`);
  return new RegExp(`^(?:${source})$`, `su${flags}`);
}

const colons = 5;

/**
 * Whether an ARN fits a pattern, case-sensitively. The parts between the first five colons are compared one by one, so
 * that `*` for a Region is no account. The last part of the pattern is compared with all the rest.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function arnFits(pattern: string, arn: string): boolean {
  const patterns = parts(pattern);
  const given = parts(arn);
  if (patterns.length > given.length) return false;
  const last = patterns.length - 1;
  return patterns.every((part, at) => {
    const text = at < last ? given[at] : given.slice(at).join(':');
    return wildcard(part).test(text ?? '');
  });
}

/** The parts of an ARN, six at most; the last keeps its colons. */
function parts(arn: string): readonly string[] {
  const all = arn.split(':');
  return all.length <= colons ? all : [...all.slice(0, colons), all.slice(colons).join(':')];
}
