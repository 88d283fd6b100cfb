import { lookup } from '../iam/context';
import { readPolicy, type Statement } from '../iam/document';
import { weigh } from '../iam/evaluate';
import type { Call } from './call';
import { conditionsOf } from './condition-keys';
import { accessDenied } from './faults';
import type { Key } from './state/key';

const CONDITION_KEY = 'kms:trailingdayswithoutkeyusage';

/**
 * Throws `AccessDeniedException` where the key's policy denies the action because the key was used lately. Key policies decide nothing else
 * for access keys here; this keeps even an administrator from a key in use.
 * https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html
 */
export function refuseRecentlyUsed(call: Call, key: Key, action: 'DisableKey' | 'ScheduleKeyDeletion'): void {
  const { caller } = call;
  const need = { action: `kms:${action}`, resource: key.arn };
  const principal = {
    AWS: { own: [caller.arn], account: [caller.accountId, `arn:aws:iam::${caller.accountId}:root`] },
  };
  const context = lookup(conditionsOf(call, key).context);
  if (weigh(onRecentUse(key.policy), { ...need, context, principal }).denies === undefined) return;
  throw accessDenied(caller.arn, need, 'with an explicit deny in a resource-based policy');
}

const onRecentUse = (policy: string): readonly Statement[] =>
  readPolicy(policy, 'resource').filter(({ conditions }) =>
    conditions.some((condition) => condition.key.toLowerCase() === CONDITION_KEY),
  );
