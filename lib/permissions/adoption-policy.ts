import type { PolicyDocument } from './policy-document';

/**
 * What `adopt` reads, before there is a rotation file that names keys and buckets: of every key and bucket of the account. It changes
 * nothing, reads no object and uses no key.
 */
export const ADOPTION_ACTIONS = [
  'kms:DescribeKey',
  'kms:GetKeyLastUsage',
  'kms:GetKeyPolicy',
  'kms:ListAliases',
  'kms:ListGrants',
  's3:GetBucketVersioning',
  's3:GetEncryptionConfiguration',
  's3:ListAllMyBuckets',
  's3:ListBucket',
] as const;

/** The IAM policy for who runs `adopt`. */
export const adoptionPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Sid: 'LookAtWhatExists', Effect: 'Allow', Action: ADOPTION_ACTIONS, Resource: '*' }],
};
