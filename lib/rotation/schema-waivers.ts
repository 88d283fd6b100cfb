/** What a rotation file sets aside, for a stated reason and a time. */
import { z } from 'zod';
import { field, LIMITS } from './field-messages';
import { RETIRE_WAIVERS } from './settings';

const waiverTerm = (what: string, shown: string) => ({
  reason: field(
    z.string().min(10).max(LIMITS.waiverText),
    `Why the ${what} is acceptable; shown in ${shown}.`,
    `10 to ${LIMITS.waiverText} characters`,
    'write a reason that the next reviewer understands',
  ),
  until: field(
    z.iso.date(),
    'Last day on which the waiver is valid, UTC.',
    'a day that exists, such as 2027-01-31',
    'write year, month and day',
  ),
});

export const retireWaiver = z.strictObject({
  what: field(
    z.enum(RETIRE_WAIVERS),
    'What is set aside: grants on the key, the default of another bucket, a bucket that the file named once, the replication of a bucket, a key of another Region with the same material, a use of the key, an open multipart upload, annotations of moved objects, the near expiry of the active key.',
    'grant, bucket-default, dropped-bucket, replication, related-key, use, upload, annotations or expiry',
  ),
  of: field(
    z.string().min(1).max(LIMITS.waiverText).optional(),
    'The grant, bucket, upload or Region that the waiver is for: its id, name, or key; of annotations their bucket; of a use its caller; absent: every one, but no dropped bucket.',
    'the id of a grant or of an upload, the name of a bucket or of a Region, the key of an upload, or the caller of a use',
    'copy it from the reason that the gate prints',
  ),
  ...waiverTerm('reason of the gate', 'the output of post-apply and in its evidence'),
});

export const accessWaiver = z.strictObject({
  who: field(
    z.string().min(1).max(LIMITS.waiverText),
    'Who used the old key and cannot use the new one: the ARN of a user or role, the principal of a service, or an account.',
    'an ARN, a service principal, or account 111122223333',
    'copy it from the output of `npx keyturn access`',
  ),
  ...waiverTerm('loss of access', 'the output of access and in the pull request of the switch'),
});

export const waiver = z.strictObject({
  rule: field(
    z.string().regex(/^KT\d{3}$/),
    'Id of the rule that is waived.',
    'the id of a review rule, such as KT032',
    'copy the id from the review',
  ),
  address: field(
    z.string().min(1).max(LIMITS.waiverText).optional(),
    'Terraform address that the waiver applies to, or the path of a file; absent: every one.',
    'a Terraform address such as aws_kms_external_key.version_v1',
    'copy the address from the review',
  ),
  ...waiverTerm('finding', 'every review'),
});
