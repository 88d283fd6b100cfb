/**
 * Terraform addresses are an external contract: renaming one makes Terraform destroy the resource with the old name.
 * They are built from names in the rotation file, never from positions, and listed in
 * `docs/decisions/terraform-addresses.md`.
 */

/** `version_v1`: with a prefix, because a Terraform name must not start with a digit. */
export function versionId(version: { readonly name: string }): string {
  return `version_${version.name}`;
}

/** `bucket_logs_example`: S3 names contain no underscore, so replacing each dot by one cannot collide. */
export function bucketId(bucket: { readonly name: string }): string {
  return `bucket_${bucket.name.replaceAll('.', '_')}`;
}

/** The role and the bucket of the jobs of S3 Batch Operations; their addresses do not depend on the bucket's name. */
export const BATCH_ID = 'batch';

/** The evidence bucket. */
export const EVIDENCE_ID = 'evidence';
