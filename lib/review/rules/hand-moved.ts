import { BUCKET_DEFAULT, defaultEncryption } from '../key-target-changes';
import type { PlannedChange } from '../plan-document';
import { text, type Values } from '../plan-values';
import { words } from '../review-messages';
import type { Sighting } from '../review-rule';

/** An alias or a bucket default that was moved to another key outside of Terraform, or deleted. */
export function handMoved({ address, type, action, before, after }: PlannedChange): readonly Sighting[] {
  if (type !== 'aws_kms_alias' && type !== BUCKET_DEFAULT) return [];
  if (action === 'delete') return [{ address, message: words`${address} was deleted` }];
  const target = (held: Values | undefined): string => {
    const found = type === BUCKET_DEFAULT ? defaultEncryption(held) : undefined;
    return (
      text(held?.target_key_id) ??
      (found ? `${found.algorithm ?? 'no algorithm'} ${found.key ?? ''}`.trim() : '(unset)')
    );
  };
  const [was, is] = [target(before), target(after)];
  // A key may be written by ARN or by id.
  if (was === is || was.endsWith(`/${is}`) || is.endsWith(`/${was}`)) return [];
  return [{ address, message: words`${address} was at ${was} and is now at ${is}` }];
}
