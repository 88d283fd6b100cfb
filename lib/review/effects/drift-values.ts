import { BUCKET_DEFAULT } from '../key-target-changes';
import type { PlannedChange } from '../plan-document';
import { type AttributeChange, attributeChanges } from './attribute-changes';

/** What a resource repeats of another one, which is compared there. */
const MIRRORED: ReadonlyMap<string, readonly string[]> = new Map([
  ['aws_s3_bucket', ['object_lock_configuration', 'policy', 'server_side_encryption_configuration', 'versioning']],
  ['aws_iam_role', ['inline_policy']],
]);

/** Terraform writes what is unset as null, false, an empty text or an empty list. */
const isUnset = (value: unknown): boolean =>
  value === null || value === false || value === '' || (Array.isArray(value) && value.length === 0);

/** The provider names one key by ARN or by id. */
const keyId = (value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/^arn:[^:]*:kms:[^:]*:\d*:key\//, '') : value;

/** The values of a resource that were changed outside Terraform. */
export function driftValues({ type, before, after }: PlannedChange): readonly AttributeChange[] {
  const namesKey = type === 'aws_kms_alias' || type === BUCKET_DEFAULT;
  return attributeChanges(before, after, {})
    .filter(({ name }) => !MIRRORED.get(type)?.some((one) => name === one || name.startsWith(`${one}.`)))
    .filter((one) => /^tags(_all)?\./.test(one.name) || !(isUnset(one.before) && isUnset(one.after)))
    .filter((one) => !(namesKey && keyId(one.before) === keyId(one.after)));
}
