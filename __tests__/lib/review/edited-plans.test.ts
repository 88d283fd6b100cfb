import { plain } from '../../../lib/review/review-messages';
import { EDITED_PLANS, reviewEdited } from './edited-plans';

const named = (edit: string) => {
  const found = EDITED_PLANS.find((one) => one.edit === edit);
  if (!found) throw new Error(`no plan of ${edit}`);
  return found;
};

/** What the review names of each edit: in the stack file, and in the plan alone. */
const SEEN: Readonly<Record<string, { readonly stack: readonly string[]; readonly alone: readonly string[] }>> = {
  'lifecycle rules inside the bucket': {
    stack: [
      'resource.aws_s3_bucket.bucket_photos-originals.lifecycle_rule is [{"enabled":true,"expiration":[{"days":1}],"noncurrent_version_expiration":[{"days":1}]}], expected (absent)',
    ],
    alone: ['resource.aws_s3_bucket.bucket_photos-originals.lifecycle_rule is {"enabled":true,"expiration":{"days":1}'],
  },
  'a policy inside the bucket': {
    stack: ['resource.aws_s3_bucket.bucket_photos-originals.policy is "{\\"Version\\"', '\\"Principal\\":\\"*\\"'],
    alone: ['aws_s3_bucket.bucket_photos-originals.policy is "{', '\\"Action\\":\\"s3:*\\"'],
  },
  'versioning and public access of an adopted bucket': {
    stack: [
      'resource.aws_s3_bucket_versioning.bucket_lab-adopted is {"bucket":"lab-adopted","versioning_configuration":{"status":"Suspended"}}, expected (absent)',
      'resource.aws_s3_bucket_public_access_block.bucket_lab-adopted is {"bucket":"lab-adopted","block_public_acls":false',
    ],
    alone: [
      'aws_s3_bucket_versioning.bucket_lab-adopted is',
      'aws_s3_bucket_public_access_block.bucket_lab-adopted is',
    ],
  },
  "another application's alias imported": {
    stack: [
      'import is [{"to":"aws_kms_alias.version_zz","id":"alias/payments"}], expected (absent)',
      'resource.aws_kms_alias.version_zz is {"name":"alias/payments"',
      'importing is an import',
    ],
    alone: ['aws_kms_alias.version_zz is', 'importing is an import'],
  },
  'a policy of first keys that lets users administer': {
    stack: [
      'resource.aws_kms_external_key.version_v1.policy is "{\\"Version\\"',
      '\\"Action\\":\\"kms:*\\"',
      'resource.aws_kms_alias.version_v1 is (absent)',
    ],
    alone: ['aws_kms_external_key.version_v1.policy is', 'aws_kms_alias.version_v1 is (absent)'],
  },
  'a new bucket without protection': {
    stack: [
      'resource.aws_s3_bucket_public_access_block.bucket_lab-owned.block_public_policy is false, expected true',
      'resource.aws_s3_bucket_ownership_controls.bucket_lab-owned.rule.object_ownership is "ObjectWriter", expected "BucketOwnerEnforced"',
      'resource.aws_s3_bucket_versioning.bucket_lab-owned.versioning_configuration.status is "Suspended", expected "Enabled"',
      'resource.aws_s3_bucket_policy.bucket_lab-owned is (absent)',
    ],
    alone: ['versioning_configuration.status is "Suspended", expected "Enabled"'],
  },
  'a backend that reads another state': {
    stack: [
      'terraform.backend.s3.key is "keyturn/elsewhere.tfstate", expected "keyturn/photos-storage.tfstate"',
      'terraform.backend.s3.endpoints is {"s3":"http://localhost:4750"}, expected (absent)',
    ],
    // The JSON plan does not show the backend, so it is not clean for want of the plan file.
    alone: ['plan.json was not compared with its plan file'],
  },
  'an ephemeral resource': {
    stack: ['ephemeral is {"aws_kms_secrets"'],
    alone: ['plan.json was not compared with its plan file'],
  },
};

/** Edits that a JSON plan does not show. */
const INVISIBLE: readonly string[] = ['a backend that reads another state', 'an ephemeral resource'];

describe('a plan of an edited stack', () => {
  it('is recorded for each edit', () => {
    expect(EDITED_PLANS.map(({ edit }) => edit).sort()).toEqual(Object.keys(SEEN).sort());
  });

  it.each(Object.keys(SEEN))('is refused with the changed value named: %s', async (edit) => {
    const { verdict, findings } = await reviewEdited(named(edit), true);
    expect(verdict).toBe('refused');
    const text = findings.map(({ message }) => plain(message)).join('\n');
    for (const seen of SEEN[edit]?.stack ?? []) expect(text).toContain(seen);
  });

  it.each(Object.keys(SEEN))('is never clean without its stack file: %s', async (edit) => {
    const { verdict, findings } = await reviewEdited(named(edit), false);
    expect(verdict).toBe(INVISIBLE.includes(edit) ? 'decide' : 'refused');
    const text = findings.map(({ message }) => plain(message)).join('\n');
    for (const seen of SEEN[edit]?.alone ?? []) expect(text).toContain(seen);
  });
});
