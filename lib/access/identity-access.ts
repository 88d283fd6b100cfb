import type { AccountIdentity, IdentityPolicy } from '../iam/account-policies';
import type { KeyMarks } from '../kms/key-marks';
import { fits, type Known, type Truth, truthOf } from './conditions';
import { type AccessRequest, covers } from './decide';
import { type PolicyStatement, readIdentityPolicy } from './policy';
import type { IdentitySays } from './used-access';

/** One statement of an identity's policies, with the policy that it stands in. */
interface Placed {
  readonly policy: string;
  readonly statement: PolicyStatement;
}

/** A user or role whose policies are read; `unread` names those that are not understood. */
export interface ReadIdentity {
  readonly arn: string;
  readonly statements: readonly Placed[];
  readonly boundary: readonly Placed[] | undefined;
  readonly unread: readonly string[];
}

export function readIdentity({ arn, policies, boundary }: AccountIdentity): ReadIdentity {
  const unread: string[] = [];
  const read = ({ name, text }: IdentityPolicy): readonly Placed[] => {
    const statements = text === undefined ? undefined : readIdentityPolicy(text);
    if (statements === undefined) unread.push(name);
    return (statements ?? []).map((statement) => ({ policy: name, statement }));
  };
  const statements = policies.flatMap(read);
  return { arn, statements, boundary: boundary && read(boundary), unread };
}

/** What an identity's policies say of a request for a key. A policy that is not understood may allow and deny. */
export function identitySays(
  { statements, boundary, unread }: ReadIdentity,
  request: AccessRequest,
  key: KeyMarks,
): IdentitySays {
  const truths = (all: readonly Placed[], effect: PolicyStatement['effect']): Truth =>
    anyOf(all.filter((one) => one.statement.effect === effect).map((one) => statementTruth(one, request, key)));
  const blind: Truth = unread.length > 0 ? 'unknown' : 'no';
  const within: Truth = boundary === undefined ? 'yes' : truths(boundary, 'Allow');
  const bounded: Truth = boundary === undefined ? 'no' : truths(boundary, 'Deny');
  const allows = anyOf([truths(statements, 'Allow'), blind]);
  return {
    allows: bothOf(allows, within),
    denies: anyOf([truths(statements, 'Deny'), bounded, blind]),
    boundary: within,
  };
}

/** Whether a statement applies to a request for a key. */
export function statementTruth({ statement }: Placed, { action, known }: AccessRequest, key: KeyMarks): Truth {
  if (!covers(statement, action)) return 'no';
  const about = resourceTruth(statement, key.arn);
  const ofKey = knownOf(key, known);
  return [about, ...statement.conditions.map((condition) => truthOf(condition, ofKey))].reduce(bothOf);
}

/** What conditions ask about the key itself. */
function knownOf({ tags, aliases }: KeyMarks, known: Known): Known {
  return (name) => {
    if (name === 'kms:resourcealiases') return aliases;
    if (!name.startsWith('aws:resourcetag/')) return known(name);
    const wanted = name.slice('aws:resourcetag/'.length);
    return tags?.filter((tag) => tag.key.toLowerCase() === wanted).map(({ value }) => value);
  };
}

function resourceTruth({ resources }: PolicyStatement, arn: string): Truth {
  const { patterns = [], not = false } = resources ?? {};
  const found = anyOf(patterns.map((pattern) => patternTruth(pattern, arn)));
  if (found === 'unknown' || !not) return found;
  return found === 'yes' ? 'no' : 'yes';
}

/** Whether a star reaches over a colon, AWS says differently in different places: unknown where it matters. */
function patternTruth(pattern: string, arn: string): Truth {
  if (pattern === '*') return 'yes';
  if (pattern.includes('${')) return 'unknown';
  if (!fits(pattern, arn)) return 'no';
  const [wanted, given] = [pattern.split(':'), arn.split(':')];
  return wanted.length === given.length && wanted.every((part, at) => fits(part, given[at] ?? '')) ? 'yes' : 'unknown';
}

function anyOf(truths: readonly Truth[]): Truth {
  if (truths.includes('yes')) return 'yes';
  return truths.includes('unknown') ? 'unknown' : 'no';
}

function bothOf(one: Truth, other: Truth): Truth {
  if (one === 'no' || other === 'no') return 'no';
  return one === 'unknown' || other === 'unknown' ? 'unknown' : 'yes';
}
