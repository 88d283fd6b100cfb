import { type Lookup, substitute } from './context';
import type { Condition } from './document';
import { arnFits, plain, wildcard } from './patterns';

/** What one condition comes to: `unknown` where its operator is not served here, or a variable it refuses has no value. */
export type Outcome = 'holds' | 'fails' | 'unknown';

/** Whether one value of a request fits one value of a policy. */
type Comparison = (wanted: string, given: string) => boolean;

const same: Comparison = (wanted, given) => plain(wanted) === given;
const sameInAnyCase: Comparison = (wanted, given) => plain(wanted).toLowerCase() === given.toLowerCase();
const like: Comparison = (wanted, given) => wildcard(wanted).test(given);

const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));
/** ISO 8601, or seconds since the epoch. */
const time = (text: string): number => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));

/** The operators without what they are prefixed and suffixed with. */
const comparisons: Readonly<Record<string, Comparison>> = {
  StringEquals: same,
  StringEqualsIgnoreCase: sameInAnyCase,
  StringLike: like,
  ArnEquals: arnFits,
  ArnLike: arnFits,
  Bool: sameInAnyCase,
  NumericEquals: (wanted, given) => number(given) === number(wanted),
  NumericLessThan: (wanted, given) => number(given) < number(wanted),
  NumericLessThanEquals: (wanted, given) => number(given) <= number(wanted),
  NumericGreaterThan: (wanted, given) => number(given) > number(wanted),
  NumericGreaterThanEquals: (wanted, given) => number(given) >= number(wanted),
  DateEquals: (wanted, given) => time(given) === time(wanted),
  DateLessThan: (wanted, given) => time(given) < time(wanted),
  DateLessThanEquals: (wanted, given) => time(given) <= time(wanted),
  DateGreaterThan: (wanted, given) => time(given) > time(wanted),
  DateGreaterThanEquals: (wanted, given) => time(given) >= time(wanted),
};

/** Operators that hold where none of their values fits, and where the key is missing. */
const negated: Readonly<Record<string, Comparison>> = {
  StringNotEquals: same,
  StringNotEqualsIgnoreCase: sameInAnyCase,
  StringNotLike: like,
  ArnNotEquals: arnFits,
  ArnNotLike: arnFits,
  NumericNotEquals: (wanted, given) => number(given) === number(wanted),
  DateNotEquals: (wanted, given) => time(given) === time(wanted),
};

/**
 * What a condition comes to for a request. `IpAddress`, `NotIpAddress` and `BinaryEquals` are not served.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function outcomeOf({ operator, key, values }: Condition, context: Lookup): Outcome {
  const given = context(key);
  if (operator === 'Null') return verdict(values.some((value) => sameInAnyCase(value, String(given === undefined))));
  const { quantifier, name, ifExists } = takeApart(operator);
  const refuses = Object.hasOwn(negated, name);
  const compare = refuses ? negated[name] : Object.hasOwn(comparisons, name) ? comparisons[name] : undefined;
  if (compare === undefined) return 'unknown';
  if (given === undefined || given.length === 0) {
    return verdict(ifExists || quantifier === 'ForAllValues' || (refuses && quantifier === undefined));
  }
  const wanted = values.flatMap((value) => substitute(value, context) ?? []);
  if (refuses && wanted.length < values.length) return 'unknown';
  const fits = (one: string): boolean => wanted.some((value) => compare(value, one)) !== refuses;
  // A key with several values and no quantifier: one that fits is enough, and a refusal has to hold for all.
  const all = quantifier === 'ForAllValues' || (quantifier === undefined && refuses);
  return verdict(all ? given.every(fits) : given.some(fits));
}

interface Operator {
  readonly quantifier: 'ForAllValues' | 'ForAnyValue' | undefined;
  readonly name: string;
  readonly ifExists: boolean;
}

function takeApart(operator: string): Operator {
  const [, quantifier, name = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  return { quantifier: quantifier as Operator['quantifier'], name, ifExists: ifExists !== undefined };
}

const verdict = (holds: boolean): Outcome => (holds ? 'holds' : 'fails');
