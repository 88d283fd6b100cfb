import type { PolicyCondition } from './policy';

/** What a condition comes to. `unknown`: it asks for something that is not known of the request, or not evaluated here. */
export type Truth = 'yes' | 'no' | 'unknown';

/**
 * What is known of a request: the values of a condition key, none for a key that the request surely lacks, undefined for
 * what nobody knows.
 */
export type Known = (key: string) => readonly string[] | undefined;

type Compare = (wanted: string, given: string) => boolean;

const COMPARE: Readonly<Record<string, Compare>> = {
  string: (wanted, given) => wanted === given,
  stringignorecase: (wanted, given) => wanted.toLowerCase() === given.toLowerCase(),
  stringlike: (wanted, given) => fits(wanted, given),
  arn: (wanted, given) => arnFits(wanted, given),
  bool: (wanted, given) => wanted.toLowerCase() === given.toLowerCase(),
};

/** Operator → comparison, and whether it is negated. */
const OPERATORS: Readonly<Record<string, { readonly compare: string; readonly not: boolean }>> = {
  stringequals: { compare: 'string', not: false },
  stringnotequals: { compare: 'string', not: true },
  stringequalsignorecase: { compare: 'stringignorecase', not: false },
  stringnotequalsignorecase: { compare: 'stringignorecase', not: true },
  stringlike: { compare: 'stringlike', not: false },
  stringnotlike: { compare: 'stringlike', not: true },
  arnequals: { compare: 'arn', not: false },
  arnlike: { compare: 'arn', not: false },
  arnnotequals: { compare: 'arn', not: true },
  arnnotlike: { compare: 'arn', not: true },
  bool: { compare: 'bool', not: false },
};

/**
 * Whether a condition holds. Numbers, dates, addresses and policy variables are not evaluated: unknown.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function truthOf({ operator, key, values }: PolicyCondition, known: Known): Truth {
  const [, quantifier, plain = operator] = /^(ForAnyValue|ForAllValues):(.*)$/i.exec(operator) ?? [];
  const given = known(key);
  if (quantifier !== undefined && given !== undefined) {
    const each = given.map((one) => truthOf({ operator: plain, key, values }, () => [one]));
    return quantified(quantifier.toLowerCase() === 'foranyvalue' ? 'yes' : 'no', each);
  }
  const written = operator.toLowerCase();
  if (written === 'null') return given === undefined ? 'unknown' : isNull(values, given.length === 0);
  const ifExists = written.endsWith('ifexists');
  const rule = OPERATORS[ifExists ? written.slice(0, -'ifexists'.length) : written];
  const compare = rule && COMPARE[rule.compare];
  if (rule === undefined || compare === undefined || values.some((value) => value.includes('${'))) return 'unknown';
  if (given === undefined || given.length > 1) return 'unknown';
  const [value] = given;
  if (value === undefined) return ifExists || rule.not ? 'yes' : 'no';
  // AWS does not say what comparing a text that is no ARN as an ARN comes to.
  if (rule.compare === 'arn' && [value, ...values].some((one) => parts(one) === undefined)) return 'unknown';
  return values.some((wanted) => compare(wanted, value)) === rule.not ? 'no' : 'yes';
}

/** `ForAnyValue` is decided by one yes, `ForAllValues` by one no; without a value the first is no, the second yes. */
function quantified(decides: 'yes' | 'no', each: readonly Truth[]): Truth {
  if (each.includes(decides)) return decides;
  if (each.includes('unknown')) return 'unknown';
  return decides === 'yes' ? 'no' : 'yes';
}

const isNull = (values: readonly string[], absent: boolean): Truth =>
  values.some((value) => value.toLowerCase() === String(absent)) ? 'yes' : 'no';

/** True if a pattern of IAM (`*` any characters, `?` one) matches a text. */
export function fits(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

/** ARNs fit part by part: a star does not reach over a colon, but in the last part. */
function arnFits(pattern: string, arn: string): boolean {
  const [wanted, given] = [parts(pattern), parts(arn)];
  if (wanted === undefined || given === undefined) return false;
  return wanted.every((part, index) => fits(part, given[index] ?? ''));
}

function parts(arn: string): readonly string[] | undefined {
  const split = arn.split(':');
  return split.length < 6 ? undefined : [...split.slice(0, 5), split.slice(5).join(':')];
}
