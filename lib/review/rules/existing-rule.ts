import { existingText, keepExisting } from '../../rotation/created-resource';
import { words } from '../review-messages';
import type { ReviewRule } from '../review-rule';

/** A key, an alias or a bucket that AWS holds already must not be created: see docs/plan-review.md. */
export const existingRule: ReviewRule = {
  id: 'KT006',
  title: 'something that exists already is created',
  severity: 'error',
  why: 'A new key would take over the alias of a version that has a key, in whatever state, and nothing would name the old one any more; an alias or a bucket that exists makes the apply stop half way.',
  next: 'Cancel the deletion of the key, bring back the state that holds the resource, declare it under adopted: or takeOver: (docs/adopt.md), or import it with the command of the finding.',
  waivable: false,
  look: ({ existing, plan, rotation }) =>
    (existing ?? []).flatMap((found) => {
      const created = plan.changes.some(({ address, action }) => address === found.address && action === 'create');
      if (!created) return [];
      return [
        {
          address: found.address,
          message: words`${existingText(rotation, found)}; ${keepExisting(rotation, found)}`,
        },
      ];
    }),
};
