import { BUCKET_DEFAULT } from '../key-target-changes';
import { isOwnResource } from '../own-addresses';
import type { PlannedChange } from '../plan-document';
import { words } from '../review-messages';
import type { ReviewRule, Sighting } from '../review-rule';
import { handMoved } from './hand-moved';

/**
 * What a rotation itself changes outside of Terraform: an import enables a key and sets its expiry. And what a resource
 * repeats of another one, which is compared there.
 */
const EXPLAINED: Readonly<Record<string, readonly string[]>> = {
  aws_kms_external_key: ['enabled', 'expiration_model', 'key_state', 'valid_to'],
  aws_s3_bucket: ['object_lock_configuration', 'policy', 'server_side_encryption_configuration', 'versioning'],
  aws_iam_role: ['inline_policy'],
};

const movedByHand: ReviewRule = {
  id: 'KT054',
  title: 'alias or bucket default was moved outside Terraform',
  severity: 'warning',
  why: 'Somebody else moves them too. Objects may have been written under an unexpected key.',
  next: 'Find out who did it (CloudTrail: UpdateAlias, PutBucketEncryption) before the plan reverts it.',
  waivable: true,
  look: ({ plan, stack }) => plan.drift.filter(({ address }) => isOwnResource(address, stack)).flatMap(handMoved),
};

const changedByHand: ReviewRule = {
  id: 'KT058',
  title: 'something of the rotation was changed outside Terraform',
  severity: 'warning',
  why: 'The plan reverts what it manages. Until then a bucket, a key or the role is not what the last review approved.',
  next: 'Find out who did it (CloudTrail), and whether the plan reverts it.',
  waivable: true,
  look: ({ plan }) => plan.drift.filter((change) => handMoved(change).length === 0).flatMap(drifted),
};

function drifted(change: PlannedChange): readonly Sighting[] {
  const { address, type, action, before = {}, after = {} } = change;
  if (action === 'delete') return [{ address, message: words`${address} was deleted` }];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter(
    (name) => !EXPLAINED[type]?.includes(name) && !sameValue(before[name], after[name], type),
  );
  return changed.sort().map((name) => ({ address, message: words`${name} of ${address} was changed` }));
}

/** Terraform writes what is unset as null, false, an empty text or an empty list. */
const UNSET: readonly unknown[] = [null, false, ''];
/** The provider names one key by ARN or by id; whether it is another one, `handMoved` says. */
const KEY = /^(arn:[^:]*:kms:.*:key\/)?[0-9a-f-]{36}$/;

function sameValue(left: unknown, right: unknown, type: string): boolean {
  const hidesKey = type === 'aws_kms_alias' || type === BUCKET_DEFAULT;
  const shape = (value: unknown): string =>
    JSON.stringify(value ?? null, (_, one: unknown) => {
      if (UNSET.includes(one) || (Array.isArray(one) && one.length === 0)) return null;
      return hidesKey && typeof one === 'string' && KEY.test(one) ? 'key' : one;
    });
  try {
    return shape(left) === shape(right);
  } catch {
    // It nests too deeply to be compared, so it counts as changed.
    return false;
  }
}

export const driftRules: readonly ReviewRule[] = [movedByHand, changedByHand];
