import { escapeInvisible } from './escape-invisible';
import type { Finding } from './finding';
import type { Review, ReviewedPlan, Verdict } from './review';
import { listed, type Words } from './review-messages';
import type { PlannedStack, ReviewRule } from './review-rule';
import { reviewRules } from './rules';

/** GitHub allows comments of 65,536 characters; the rest is room for a heading that a pipeline adds. */
export const MARKDOWN_LIMIT = 65_000;
/** A longer value is truncated; the JSON holds all of it. */
const VALUE_LIMIT = 400;
/** Room for the line that counts the omitted lines. */
const CLOSING = 200;

const TITLES: Readonly<Record<PlannedStack, string>> = {
  keys: 'The keys stack',
  storage: 'The storage stack',
  both: 'Both stacks in one plan',
  none: 'A plan without resources',
};

const HEADINGS: Readonly<Record<Verdict, string>> = {
  clean: 'nothing to decide',
  decide: 'a person must decide',
  refused: 'refused',
};

/**
 * The review for a pull request comment or a job summary, never longer than {@link MARKDOWN_LIMIT} UTF-16 units.
 * Lines begin with fixed text, and every value from outside is in a code span.
 */
export function reviewMarkdown(review: Review): string {
  const head = [
    `## Plan review of ${code(review.rotation)}: ${HEADINGS[review.verdict]}`,
    '',
    counts(review),
    '',
    origin(review),
    ...review.plans.flatMap(({ name, stack, effects, unseen, ...made }) => [
      '',
      `### ${TITLES[stack]} (${code(name)})`,
      '',
      ...madeFrom(made),
      ...(effects.length === 0 ? ['- changes nothing'] : effects.map((effect) => `- ${sentence(effect)}`)),
      ...unseen.map((one) => `- *not checked:* ${sentence(one)}`),
    ]),
  ];
  const file = [
    '',
    '### The key versions',
    '',
    ...review.binding.map((one) => `- ${sentence(one)}`),
    '',
    '### The rotation file',
    '',
    ...fileLines(review),
    '',
    '### Other files of the change',
    '',
    ...otherFileLines(review),
  ];
  const findings = review.findings.length === 0 ? [] : ['', '### Findings', ''];
  const waived = review.waived.map(
    (one) =>
      `- ~~${one.rule}~~ ${place(one)}${sentence(one.message)}: waived until ${code(one.waiver.until)}, ${code(one.waiver.reason)}`,
  );
  return fitted([
    ...head,
    ...file,
    ...findings,
    ...groups(review.findings).flatMap(([rule, found]) => [
      ruleLine(rule),
      ...found.map((one) => `  - ${place(one)}${sentence(one.message)}`),
    ]),
    ...(waived.length === 0 ? [] : ['', '### Waived', '', ...waived]),
  ]);
}

const CLASSES = { free: 'free', decide: '**to decide**', refused: '**refused**' } as const;

function fileLines({ fileChanges, rotationFile }: Review): readonly string[] {
  if (fileChanges === undefined)
    return [`- *not compared:* ${code(rotationFile)} with its base; pass \`--base\` with a file or a git revision`];
  if (fileChanges.length === 0) return ['- is as in its base'];
  return fileChanges.map(({ verdict, message }) => `- ${CLASSES[verdict]}: ${sentence(message)}`);
}

/** The findings name what is refused or to decide, so a line a class is enough. */
function otherFileLines({ otherFiles }: Review): readonly string[] {
  if (otherFiles === undefined)
    return ['- *not compared:* the other files of the change; pass `--base` with a git revision'];
  if (otherFiles.length === 0) return ['- there are none'];
  return (['refused', 'decide', 'free'] as const).flatMap((verdict) => {
    const paths = otherFiles.filter((one) => one.verdict === verdict).map((one) => one.path);
    return paths.length === 0 ? [] : [`- ${CLASSES[verdict]}: ${sentence(listed(paths, 10))}`];
  });
}

/** Where the change applies, and what was reviewed. */
function origin({ account, region, commit }: Review): string {
  const parts = [
    `Account ${account === undefined ? 'not given' : code(account)}`,
    `Region ${code(region)}`,
    `commit ${commit === undefined ? 'not known' : code(commit)}`,
  ];
  return `- ${parts.join(' · ')}`;
}

function madeFrom({
  terraformVersion,
  providerVersion,
  sha256,
}: Pick<ReviewedPlan, 'terraformVersion' | 'providerVersion' | 'sha256'>): readonly string[] {
  const known = (what: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [`${what} ${code(value)}`];
  const parts = [
    ...known('Terraform', terraformVersion),
    ...known('AWS provider', providerVersion),
    ...known('SHA-256 of the plan file', sha256.planFile),
    ...known('SHA-256 of the JSON', sha256.json),
    ...known('SHA-256 of the stack', sha256.stackFile),
  ];
  return parts.length === 0 ? [] : [`- *made with* ${parts.join(' · ')}`];
}

function counts({ findings, waived }: Review): string {
  const of = (severity: Finding['severity']) => findings.filter((one) => one.severity === severity).length;
  return `${of('error')} refused · ${of('warning')} to decide · ${waived.length} waived`;
}

function groups(findings: readonly Finding[]): readonly (readonly [ReviewRule, readonly Finding[]])[] {
  return reviewRules
    .map((rule) => [rule, findings.filter((one) => one.rule === rule.id)] as const)
    .filter(([, found]) => found.length > 0)
    .sort(([left], [right]) => (left.severity === right.severity ? 0 : left.severity === 'error' ? -1 : 1));
}

const ruleLine = ({ id, title, severity, why, next }: ReviewRule): string =>
  `- **${severity === 'error' ? 'refused' : 'to decide'}** ${id} ${title}. ${why} *Fix:* ${next}`;

const place = ({ address }: Finding): string => (address === undefined ? '' : `${code(address)}: `);

const sentence = (words: Words): string =>
  words.map((part) => (typeof part === 'string' ? part : code(part.value))).join('');

/**
 * The only place that escapes for Markdown: a code span, in which neither Markdown, HTML, mentions nor links work.
 * Its fence is longer than any run of backticks in the value.
 */
function code(value: string): string {
  const shown = escapeInvisible(value);
  const cut = shown.length > VALUE_LIMIT ? `${shown.slice(0, VALUE_LIMIT)}… (${shown.length} characters)` : shown;
  const whole = escapeInvisible(cut);
  if (whole.trim() === '') return '(empty)';
  const longest = Math.max(0, ...(whole.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence} ${whole} ${fence}`.replace(/^` (?! )(.*\S) `$/, (span, inner: string) =>
    /^`|`$/.test(inner) ? span : `\`${inner}\``,
  );
}

function fitted(lines: readonly string[]): string {
  let length = 0;
  const shown: string[] = [];
  for (const line of lines) {
    length += line.length + 1;
    if (length > MARKDOWN_LIMIT - CLOSING) {
      return `${shown.join('\n')}\n\n**${lines.length - shown.length} more lines do not fit here**; \`--format json\` has all of them.\n`;
    }
    shown.push(line);
  }
  return `${shown.join('\n')}\n`;
}
