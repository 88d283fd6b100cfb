import { bucketOf, keyTargetChanges } from './key-target-changes';
import { LOCK, ROLE, ROLE_POLICY } from './own-addresses';
import type { PlannedChange } from './plan-document';
import { text } from './plan-values';
import { listed, type Words, words } from './review-messages';
import type { RuleContext } from './review-rule';

/** What a plan does to keys, alias and buckets, one sentence each, with the names of the rotation. Empty: nothing. */
export function planSummary(context: RuleContext): readonly Words[] {
  const moves = new Map(keyTargetChanges(context.plan, context.rotation).map((move) => [move.address, move]));
  return context.plan.changes.flatMap((change): Words[] => {
    if (change.mode !== 'managed' || change.action === 'no-op' || change.action === 'read') return [];
    const move = moves.get(change.address);
    if (change.type === 'aws_kms_external_key') return keyEffects(context, change);
    if (move && change.type === 'aws_kms_alias' && context.stack === 'keys') return [];
    if (move && change.action !== 'replace') {
      const to = move.to === undefined ? words`a key that is known after the apply` : named(context, move.to);
      return [
        move.from === undefined
          ? words`${move.what} is set to ${to}`
          : words`${move.what} moves from ${named(context, move.from)} to ${to}`,
      ];
    }
    if (change.type === 'aws_s3_bucket' && change.action === 'create')
      return [words`bucket ${bucketOf(change, context.rotation)} is created`];
    return [other(change)];
  });
}

function keyEffects({ rotation, keys }: RuleContext, change: PlannedChange): Words[] {
  const { address, action, before, after } = change;
  const version = rotation.keyVersions.find((one) => address === `aws_kms_external_key.version_${one.name}`);
  const name = version ? words`key version ${version.name}` : words`${address}`;
  if (action === 'create') {
    return [words`${name} is created empty (PendingImport); pre-apply imports its material`];
  }
  if (action !== 'update') return [words`${name} is ${[VERBS[action] ?? action]}`];
  const state = keys.find(text(before?.arn) ?? '')?.state;
  if (before?.enabled === true && after?.enabled === false) return [words`${name} is disabled`];
  if (before?.enabled === false && after?.enabled === true)
    return [words`${name} is enabled again (it is ${state ?? 'disabled'} now)`];
  return [words`${name} changes in ${listed(changedAttributes(change))}`];
}

const VERBS: Readonly<Record<string, string>> = {
  create: 'created',
  update: 'changed',
  replace: 'destroyed and created again',
  delete: 'destroyed',
  forget: 'no longer managed',
};

function other(change: PlannedChange): Words {
  const verb = VERBS[change.action] ?? change.action;
  const name = SERVING_NAMES[change.address] ?? words`${change.address}`;
  if (change.action !== 'update') return [...name, ' is ', verb];
  return words`${name} changes in ${listed(changedAttributes(change))}`;
}

const SERVING_NAMES: Readonly<Record<string, Words>> = {
  [ROLE]: ['the role of the jobs'],
  [ROLE_POLICY]: ['the policy of the role of the jobs'],
  [LOCK.address]: ['the object lock of the evidence bucket'],
};

function changedAttributes({ before = {}, after = {}, unknown }: PlannedChange): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter((name) => unknown[name] === true || shape(before[name]) !== shape(after[name]))
    .filter((name) => name !== 'tags_all')
    .sort();
}

/** A hostile value may nest deeper than the stack; it then counts as changed. */
function shape(value: unknown): unknown {
  try {
    return JSON.stringify(value ?? null);
  } catch {
    return Symbol('too deep');
  }
}

function named({ keys }: RuleContext, reference: string): Words {
  const key = keys.find(reference);
  if (key?.version === undefined) return words`${reference}`;
  return key.state === undefined ? words`${key.version}` : words`${key.version} (${key.state})`;
}
