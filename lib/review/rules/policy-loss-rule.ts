import { policyStatements } from '../effects/policy-statements';
import type { PlannedChange } from '../plan-document';
import { text } from '../plan-values';
import { type Policy, readPolicy } from '../planned-key-policy';
import { type Widening, widenings } from '../policy-widening';
import { listed, type Words, words } from '../review-messages';
import type { ReviewRule, Sighting } from '../review-rule';

/** A comparison from the new policy back to the old one finds what is lost. */
const HOW: Readonly<Record<Widening['how'], string>> = {
  new: 'may no longer by this policy',
  loosened: 'may now only under stricter conditions',
  undenied: 'is now denied',
};

const NOTHING: Policy = { statements: [], strange: [] };

/** The counterpart of KT040 to KT042: who loses what, and each statement that a take-over replaces. */
export const policyLossRule: ReviewRule = {
  id: 'KT047',
  title: 'a key policy takes something away',
  severity: 'warning',
  why: 'Whoever used the key by a statement that is gone can no longer read or write the objects under it.',
  next: 'Name whoever still needs the key under keyPolicy, or keep the statements of a taken-over key with keyPolicy.keep (npx keyturn adopt --take-over --keep-policy); then npx keyturn access shows who used it.',
  waivable: true,
  look: ({ plan }) =>
    plan.changes
      .filter(({ mode, type, action }) => mode === 'managed' && type === 'aws_kms_external_key' && action !== 'no-op')
      .flatMap(lossesOf),
};

function lossesOf(change: PlannedChange): readonly Sighting[] {
  const { address, before, after, unknown, importing } = change;
  const [was, becomes] = [text(before?.policy), text(after?.policy)];
  const seen = (message: Words): Sighting => ({ address, message });
  if (was === undefined)
    return importing === undefined ? [] : [seen(words`the plan does not show the policy that it replaces`)];
  if (unknown.policy === true || becomes === undefined)
    return importing === undefined ? [] : [seen(words`what replaces the policy is not known; it ${said(was)}`)];
  if (was === becomes) return [];
  const earlier = readPolicy(was);
  const later = readPolicy(becomes) ?? NOTHING;
  if (earlier === undefined) return [seen(words`the policy that is replaced cannot be read: ${was}`)];
  return [
    ...(importing === undefined ? [] : removed(was, becomes).map((one) => seen(words`the policy no longer ${one}`))),
    ...earlier.strange
      .filter((one) => importing === undefined && !later.strange.includes(one))
      .map((one) => seen(words`the policy no longer holds ${one}`)),
    ...widenings(later, earlier)
      .filter(({ kind }) => kind === 'use' || kind === 'administer')
      .map((one) => seen(lossWords(one))),
  ];
}

function lossWords({ principal, how, actions }: Widening): Words {
  const who = principal === '*' ? words`everybody` : words`${principal}`;
  return [
    ...who,
    ` ${HOW[how]}: `,
    ...listed(
      actions.map((action) => `kms:${action}`),
      8,
    ),
  ];
}

const said = (policy: string): string => (policyStatements(policy) ?? [policy]).join('; ');

function removed(was: string, becomes: string): readonly string[] {
  const kept = new Set(policyStatements(becomes) ?? []);
  return (policyStatements(was) ?? []).filter((one) => !kept.has(one));
}
