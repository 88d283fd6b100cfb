import type { PlannedChange } from '../plan-document';
import { text } from '../plan-values';
import { type Policy, readPolicy } from '../planned-key-policy';
import type { ActionClass } from '../policy-actions';
import { type Widening, widenings } from '../policy-widening';
import { listed, type Words, words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';

interface PolicyChange {
  readonly address: string;
  readonly before: Policy;
  readonly after: Policy;
}

const EMPTY: Policy = { statements: [], strange: [] };

const keys = ({ plan }: RuleContext): readonly PlannedChange[] =>
  plan.changes.filter(
    ({ mode, type, action }) =>
      mode === 'managed' && type === 'aws_kms_external_key' && ['create', 'update', 'replace'].includes(action),
  );

/**
 * The planned key policy and the previous one. A new key is compared with an existing version, because all versions
 * of a rotation share one policy; the very first key is compared only with the file.
 */
function policyChanges(context: RuleContext): readonly PolicyChange[] {
  const existing = context.plan.changes.find(({ type, before }) => type === 'aws_kms_external_key' && before?.policy);
  return keys(context).flatMap((change): PolicyChange[] => {
    const after = readPolicy(text(change.after?.policy) ?? '');
    if (!after) return [];
    const was = text(change.before?.policy) ?? text(existing?.before?.policy);
    return [{ address: change.address, after, before: was === undefined ? after : (readPolicy(was) ?? EMPTY) }];
  });
}

const HOW: Readonly<Record<Widening['how'], string>> = {
  new: 'may now',
  loosened: 'may now under looser conditions',
  undenied: 'is no longer denied to',
};

function widened(kind: ActionClass): ReviewRule['look'] {
  return (context) =>
    policyChanges(context).flatMap(({ address, before, after }) =>
      widenings(before, after)
        .filter((one) => one.kind === kind)
        .map(({ principal, actions, how }) => ({
          address,
          message: [
            ...words`${who(principal)} `,
            HOW[how],
            ': ',
            ...listed(
              actions.map((action) => `kms:${action}`),
              8,
            ),
          ],
        })),
    );
}

const who = (principal: string): Words => (principal === '*' ? words`everybody` : words`${principal}`);

const WIDENED = {
  severity: 'warning',
  waivable: true,
  next: 'Compare it with keyPolicy in the rotation file and have the owner of the data decide. If nobody requested it, remove it.',
} as const;

const use: ReviewRule = {
  ...WIDENED,
  id: 'KT040',
  title: 'a key policy widens who can use the key',
  why: 'A principal that can use the key can read the objects under it.',
  look: widened('use'),
};

const administer: ReviewRule = {
  ...WIDENED,
  id: 'KT041',
  title: 'a key policy widens who can administer the key',
  why: 'A principal that administers the key can change its policy and so grant itself use.',
  look: widened('administer'),
};

const remove: ReviewRule = {
  ...WIDENED,
  id: 'KT042',
  title: 'a key policy widens who can delete the key or its material',
  why: 'A principal that can delete the key can destroy every object under it.',
  look: widened('delete'),
};

const unnamed: ReviewRule = {
  id: 'KT043',
  title: 'a key policy admits a principal that the rotation file does not name',
  severity: 'error',
  why: 'Only keyPolicy in the rotation file decides who may use and administer the keys.',
  next: 'Add the principal to keyPolicy, or remove it from the policy.',
  waivable: true,
  look: (context) =>
    policyChanges(context).flatMap(({ address, after }) =>
      [...strangers(context, after)].map((principal) => ({
        address,
        message: words`the policy admits ${who(principal)}`,
      })),
    ),
};

function strangers({ rotation, plan }: RuleContext, { statements }: Policy): ReadonlySet<string> {
  const { administrators, users, breakGlass, services } = rotation.keyPolicy;
  const named = services.map(({ service }) => `Service:${service}`);
  const declared = new Set([...administrators, ...users, ...breakGlass, ...named]);
  const caller = plan.prior.find(({ type }) => type === 'aws_caller_identity')?.values.account_id;
  const own = rotation.account ?? text(caller);
  const isOwnRoot = (principal: string): boolean => {
    const account = /^arn:[^:]+:iam::(\d{12}):root$/.exec(principal)?.[1];
    return account !== undefined && (own === undefined || account === own);
  };
  const admitted = statements.filter((one) => one.effect === 'Allow').flatMap((one) => one.principals);
  return new Set(admitted.filter((principal) => !declared.has(principal) && !isOwnRoot(principal)));
}

const notUnderstood: ReviewRule = {
  id: 'KT044',
  title: 'a key policy cannot be reviewed',
  severity: 'warning',
  why: 'A policy that is known only after the apply, or a statement with NotAction, NotPrincipal or an unknown member, may allow anything.',
  next: 'Set account in the rotation file so that the policy is known in the plan. Read the statement that is shown.',
  waivable: true,
  look: (context) => [
    ...keys(context).flatMap((change): Sighting[] => {
      if (change.unknown.policy === true)
        return [{ address: change.address, message: words`the policy is known only after the apply` }];
      if (text(change.after?.policy) !== undefined && readPolicy(text(change.after?.policy) ?? '')) return [];
      return [{ address: change.address, message: words`the key has no policy, or an invalid one` }];
    }),
    ...policyChanges(context).flatMap(({ address, before, after }) =>
      after.strange
        .filter((statement) => before === after || !before.strange.includes(statement))
        .map((statement) => ({ address, message: words`the policy holds ${statement}` })),
    ),
    ...keys(context)
      .filter(
        ({ before, after }) =>
          after?.bypass_policy_lockout_safety_check === true && before?.bypass_policy_lockout_safety_check !== true,
      )
      .map(({ address }) => ({
        address,
        message: words`the KMS check that somebody can still change the policy is bypassed`,
      })),
  ],
};

export const policyRules: readonly ReviewRule[] = [use, administer, remove, unnamed, notUnderstood];
