import { driftValues } from '../effects/drift-values';
import { isOwnResource } from '../own-addresses';
import type { PlannedChange } from '../plan-document';
import { words } from '../review-messages';
import type { ReviewRule, Sighting } from '../review-rule';
import { handMoved } from './hand-moved';

/** What a rotation itself changes of a key outside of Terraform: an import enables it and sets its expiry. */
const IMPORTED: ReadonlySet<string> = new Set(['enabled', 'expiration_model', 'key_state', 'valid_to']);

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
  const { address, type, action } = change;
  if (action === 'delete') return [{ address, message: words`${address} was deleted` }];
  return driftValues(change)
    .filter(({ name }) => !(type === 'aws_kms_external_key' && IMPORTED.has(name)))
    .map(({ name }) => ({ address, message: words`${name} of ${address} was changed` }));
}

export const driftRules: readonly ReviewRule[] = [movedByHand, changedByHand];
