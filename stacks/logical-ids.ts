/**
 * Terraform addresses are an external contract: renaming one makes Terraform destroy what stands under the old name. They
 * are made of the rotation file's own names, never of positions, and listed in `docs/decisions/terraform-addresses.md`.
 */

/** `version_v1`: the prefix because a Terraform name starts with no digit. */
export function versionId(version: { readonly name: string }): string {
  return `version_${version.name}`;
}

/** `bucket_logs_example`: S3 names hold no underscore, so the one put for each dot cannot collide. */
export function bucketId(bucket: { readonly name: string }): string {
  return `bucket_${bucket.name.replaceAll('.', '_')}`;
}

/** What the jobs of S3 Batch Operations need: there is one role and one bucket for them, whatever the bucket's name. */
export const BATCH_ID = 'batch';

/** The bucket of the evidence. */
export const EVIDENCE_ID = 'evidence';
