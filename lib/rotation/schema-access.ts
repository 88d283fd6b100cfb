/** How a rotation reaches AWS, for its stacks and for Keyturn's own clients alike. */
import { z } from 'zod';
import { field } from './field-messages';
import { tagMap } from './schema-tags';

const ROLE_ARN = /^arn:aws(-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/;
/** AWS's own limits of an external id. */
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;
/** A name in the shared configuration file: no brackets, spaces or control characters. */
const PROFILE = /^[\w.@+/=-]{1,128}$/;

export const assumeRole = z.strictObject({
  roleArn: field(
    z.string().regex(ROLE_ARN),
    'Role that Terraform and Keyturn assume with the credentials that they find.',
    'the full ARN of an IAM role',
    'write an ARN such as arn:aws:iam::111122223333:role/keyturn',
  ),
  externalId: field(
    z.string().regex(EXTERNAL_ID).optional(),
    'External id that the trust policy of the role asks for. It is no secret.',
    '2 to 1224 letters, digits and _+=,.@:/-',
    'write the external id of the trust policy',
  ),
});

export const awsAccess = z.strictObject({
  profile: field(
    z.string().regex(PROFILE).optional(),
    'Profile of the shared configuration file; it must exist on every machine that runs a command or Terraform.',
    'the name of a profile',
    'write the name of a profile, or set AWS_PROFILE instead',
  ),
  assumeRole: assumeRole.optional().describe('Role that Terraform and Keyturn assume; absent: none.'),
  defaultTags: field(
    tagMap.optional(),
    "The AWS provider's default tags: of every resource that Terraform creates for the rotation.",
    'a map from tag keys to tag values',
    'write "key: value" lines; {} ends default tags that were declared before',
  ),
});
