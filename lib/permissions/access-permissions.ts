import type { ActionSet } from './action-set';
import { looksElsewhere, moves } from './rotation-traits';

/** Who else uses a key: other buckets that name the old one as their default. */
export const findOtherDefaults: readonly ActionSet[] = [
  { sid: 'FindBuckets', on: 'anything', actions: ['s3:ListAllMyBuckets'], when: moves },
  { sid: 'LookAtDefaults', on: 'buckets of the account', actions: ['s3:GetEncryptionConfiguration'], when: moves },
];

/** Who used a key, or failed to. */
export const findUses: ActionSet = {
  sid: 'FindUsesOfKeys',
  on: 'anything',
  actions: ['cloudtrail:LookupEvents'],
  when: moves,
};

/** Who may use the old key and not the new one: key policies, grants, bucket policies, and who used it. */
export const compareAccess: readonly ActionSet[] = [
  {
    sid: 'ReadKeyPolicies',
    on: 'keys',
    actions: ['kms:GetKeyLastUsage', 'kms:GetKeyPolicy', 'kms:ListGrants', 'kms:ListResourceTags'],
    when: moves,
  },
  { sid: 'ReadBucketPolicies', on: 'buckets', actions: ['s3:GetBucketPolicy'], when: moves },
  {
    sid: 'ReadPoliciesOfOtherBuckets',
    on: 'other buckets',
    actions: ['s3:GetBucketPolicy'],
    when: (rotation) => moves(rotation) && looksElsewhere(rotation),
  },
  findUses,
];

/** What names a key: rules of its buckets, and defaults of others. */
export const findNaming: readonly ActionSet[] = [
  {
    sid: 'ReadRulesOfBuckets',
    on: 'buckets',
    actions: ['s3:GetReplicationConfiguration', 's3:GetInventoryConfiguration'],
    when: moves,
  },
  {
    sid: 'ReadRulesOfOtherBuckets',
    on: 'other buckets',
    actions: ['s3:GetReplicationConfiguration', 's3:GetInventoryConfiguration'],
    when: (rotation) => moves(rotation) && looksElsewhere(rotation),
  },
  ...findOtherDefaults,
];

/** Everybody's IAM policies, and what IAM makes of them: for a person who compares, not for the pipeline that applies. */
export const readIam: readonly ActionSet[] = [
  {
    sid: 'ReadIamPolicies',
    on: 'anything',
    actions: ['iam:GetAccountAuthorizationDetails', 'iam:SimulatePrincipalPolicy'],
    when: moves,
  },
];
