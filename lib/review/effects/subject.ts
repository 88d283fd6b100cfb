import type { Rotation } from '../../rotation/rotation';
import { BUCKET_DEFAULT, bucketOf } from '../key-target-changes';
import { LOCK, ROLE, ROLE_POLICY } from '../own-addresses';
import type { PlannedChange } from '../plan-document';
import { text } from '../plan-values';
import { type Words, words } from '../review-messages';

/** Settings of a bucket that are resources of their own. */
const SETTINGS: ReadonlyMap<string, string> = new Map([
  ['aws_s3_bucket_versioning', 'the versioning of bucket '],
  ['aws_s3_bucket_public_access_block', 'the public access block of bucket '],
  ['aws_s3_bucket_ownership_controls', 'the object ownership of bucket '],
  ['aws_s3_bucket_policy', 'the policy of bucket '],
  [BUCKET_DEFAULT, 'the default of bucket '],
  [LOCK.type, 'the object lock of bucket '],
]);

const OWN: ReadonlyMap<string, string> = new Map([
  [ROLE, 'the role of the jobs'],
  [ROLE_POLICY, 'the policy of the role of the jobs'],
]);

/** A resource in the words of the rotation: `key version v1`, `the versioning of bucket logs`. */
export function subjectOf(change: PlannedChange, rotation: Rotation): Words {
  const { address, type, before, after } = change;
  const own = OWN.get(address);
  if (own !== undefined) return [own];
  const version = rotation.keyVersions.find(({ name }) => address === `aws_kms_external_key.version_${name}`);
  if (version) return words`key version ${version.name}`;
  if (type === 'aws_kms_alias') return words`alias ${text(after?.name) ?? text(before?.name) ?? address}`;
  if (type === 'aws_s3_bucket') return words`bucket ${bucketOf(change, rotation)}`;
  if (type === 'aws_cloudwatch_metric_alarm')
    return words`the alarm ${text(after?.alarm_name) ?? text(before?.alarm_name) ?? address}`;
  const setting = SETTINGS.get(type);
  return setting === undefined ? words`${address}` : [setting, ...words`${bucketOf(change, rotation)}`];
}
