import { type AttributeChange, attributeChanges } from '../effects/attribute-changes';
import { shown } from '../effects/plan-effects';
import { subjectOf } from '../effects/subject';
import { BUCKET_DEFAULT, bucketOf, keyTargetChanges } from '../key-target-changes';
import { idOf } from '../known-keys';
import type { PlannedChange } from '../plan-document';
import { type Words, words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';

/** What an import cannot read, so that the plan seems to set it: AWS holds no such value. */
const TERRAFORM_ONLY: ReadonlySet<string> = new Set([
  'bypass_policy_lockout_safety_check',
  'deletion_window_in_days',
  'force_destroy',
]);

/** What another rule, or the sentence about its target, says of the resource. */
const ELSEWHERE: ReadonlyMap<string, RegExp> = new Map([
  ['aws_kms_external_key', /^policy(\.|$)/],
  ['aws_kms_alias', /^target_key_(id|arn)$/],
  [BUCKET_DEFAULT, /^rule\.(apply_server_side_encryption_by_default|bucket_key_enabled)/],
]);

/** Settings of a bucket that AWS replaces without a word when they are created. */
const SETTING = /^aws_s3_bucket_(policy|public_access_block|ownership_controls|versioning)$/;

/** What exists since before Keyturn keeps what it has, or a person decides. */
export const takeOverRule: ReviewRule = {
  id: 'KT007',
  title: 'a take-over changes what exists',
  severity: 'warning',
  why: 'Somebody else made it and may rely on what the plan replaces: a tag that a policy asks for, an alias, a setting of the bucket.',
  next: 'Ask whoever owned it. To keep a value, write it into the rotation file (tags, deletionWindowDays, bucketKey, keyPolicy.keep), or take the resource out of adopted:.',
  waivable: true,
  look: (context) => [...imported(context), ...targets(context), ...replacedDefaults(context), ...settings(context)],
};

function imported({ plan, rotation }: RuleContext): readonly Sighting[] {
  return plan.changes
    .filter(({ mode, action, importing }) => mode === 'managed' && importing !== undefined && action !== 'no-op')
    .flatMap((change) =>
      attributeChanges(change.before, change.after, change.unknown)
        .filter((one) => isLost(one, change))
        .map((one) => ({ address: change.address, message: lossWords(one, subjectOf(change, rotation)) })),
    );
}

/** Additions of tags are Keyturn's own; what Terraform alone knows cannot be lost. */
function isLost({ name, before, unknown }: AttributeChange, { type }: PlannedChange): boolean {
  if (ELSEWHERE.get(type)?.test(name)) return false;
  const isUnset = before === null || before === '' || (Array.isArray(before) && before.length === 0);
  if (isUnset && (unknown || TERRAFORM_ONLY.has(name) || /^tags(_all)?(\.|$)/.test(name))) return false;
  return !(type === BUCKET_DEFAULT && name === 'bucket');
}

function lossWords({ name, before, after, unknown }: AttributeChange, subject: Words): Words {
  return words`${name} of ${subject}: ${shown(before)} → ${unknown ? '(known after the apply)' : shown(after)}`;
}

/** An imported alias or default that leaves a key of which the rotation file says nothing. */
function targets({ plan, rotation, keys }: RuleContext): readonly Sighting[] {
  const imports = new Set(
    plan.changes.filter(({ importing }) => importing !== undefined).map(({ address }) => address),
  );
  return keyTargetChanges(plan, rotation).flatMap(({ address, what, kind, from, to }): readonly Sighting[] => {
    if (!imports.has(address) || (to !== undefined && from !== undefined && idOf(to) === idOf(from))) return [];
    const becomes = to ?? '(known after the apply)';
    if (kind === 'alias' && address.startsWith('aws_kms_alias.version_'))
      return [{ address, message: words`${what} moves from ${from ?? '(unset)'} to ${becomes}` }];
    if (from === undefined || keys.find(from)?.version !== undefined) return [];
    return [{ address, message: words`${what} leaves ${from}, which the rotation file does not declare` }];
  });
}

/** A default is created over the one that the bucket has: where that names a key of which the file says nothing, somebody set it. */
function replacedDefaults({ plan, rotation, keys, defaults }: RuleContext): readonly Sighting[] {
  return plan.changes
    .filter(({ mode, type, action }) => mode === 'managed' && type === BUCKET_DEFAULT && action === 'create')
    .flatMap((change): readonly Sighting[] => {
      const bucket = bucketOf(change, rotation);
      const [, key] =
        /^aws:kms(?::dsse)? ((?:arn:|alias\/|mrk-|[0-9a-f]{8}-)\S+)/.exec(defaults?.get(bucket) ?? '') ?? [];
      if (key === undefined || keys.find(key)?.version !== undefined) return [];
      const message = words`the default of bucket ${bucket} leaves ${key}, which the rotation file does not declare`;
      return [{ address: change.address, message }];
    });
}

/** Settings that are created on a bucket that exists: they cannot be imported, so the plan does not show what they replace. */
function settings({ plan, rotation }: RuleContext): readonly Sighting[] {
  return plan.changes
    .filter(({ mode, type, action }) => mode === 'managed' && SETTING.test(type) && action === 'create')
    .filter((change) => {
      const bucket = plan.changes.find(({ address }) => address === change.address.replace(/^[^.]*/, 'aws_s3_bucket'));
      return bucket?.importing !== undefined || rotation.adopted?.buckets.includes(bucketOf(change, rotation)) === true;
    })
    .map((change) => ({
      address: change.address,
      message: words`${subjectOf(change, rotation)} is set, and the plan does not show what it replaces`,
    }));
}
