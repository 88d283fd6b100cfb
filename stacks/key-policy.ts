import { keptStatements } from '../lib/rotation/kept-policy';
import { keyService } from '../lib/rotation/key-services';
import type { KeyVersion } from '../lib/rotation/rotation';
import type { ServicePrincipal } from '../lib/rotation/settings';

/** Administration of the key itself: no action encrypts, decrypts, or delegates these permissions (no CreateGrant). */
export const ADMINISTRATION_ACTIONS = [
  'kms:CancelKeyDeletion',
  'kms:CreateAlias',
  'kms:DeleteAlias',
  'kms:DisableKey',
  'kms:EnableKey',
  'kms:GetParametersForImport',
  'kms:ImportKeyMaterial',
  'kms:PutKeyPolicy',
  'kms:RevokeGrant',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:UpdateAlias',
  'kms:UpdateKeyDescription',
] as const;

/** Additional actions for rotating a key in place. */
export const IN_PLACE_ACTIONS = ['kms:ListKeyRotations', 'kms:RotateKeyOnDemand'] as const;

/** Actions that can make data unreadable: denied to everybody except the break-glass principals. */
export const DESTRUCTIVE_ACTIONS = ['kms:DeleteImportedKeyMaterial', 'kms:ScheduleKeyDeletion'] as const;

/** Read actions of Terraform, `status` and the retire gate. */
export const READ_ACTIONS = [
  'kms:DescribeKey',
  'kms:GetKeyLastUsage',
  'kms:GetKeyPolicy',
  'kms:GetKeyRotationStatus',
  'kms:ListGrants',
  'kms:ListKeyPolicies',
  'kms:ListResourceTags',
] as const;

/**
 * Actions that stay with the account if administrators are named: only enough to repair the policy, so that nobody is
 * locked out of the key if every named principal is deleted.
 */
export const RECOVERY_ACTIONS = ['kms:PutKeyPolicy'] as const;

/**
 * KMS actions of S3 for a requester: `GenerateDataKey` for a put, `Decrypt` for a get and a multipart upload, and all
 * of them for UpdateObjectEncryption, under the old key and the new one.
 */
export const S3_USE_ACTIONS = [
  'kms:Decrypt',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
] as const;

/** The round trip that proves an import. */
export const PROOF_ACTIONS = ['kms:Decrypt', 'kms:GenerateDataKey'] as const;

/** The encryption-context key that the import proof carries; its value is the rotation's name. */
export const PROOF_CONTEXT_KEY = 'keyturn:proof';

export interface KeyPolicyInput {
  /** 12 digits, or a Terraform reference to them. */
  readonly account: string;
  /** `aws`, `aws-cn`, `aws-us-gov`, …, or a Terraform reference to it. */
  readonly partition: string;
  readonly region: string;
  /** Name of the rotation: the one value of {@link PROOF_CONTEXT_KEY} that the proof may carry. */
  readonly rotation: string;
  /** IAM principal ARNs; empty: the account's IAM policies determine who administers the key. */
  readonly administrators: readonly string[];
  /** IAM principal ARNs; empty: the account's IAM policies determine who may use the key, through S3 only. */
  readonly users: readonly string[];
  /** ARNs of IAM roles, users or account roots; empty: this policy lets nobody destroy a key or its material. */
  readonly breakGlass: readonly string[];
  /** AWS services that use the key by their own principal. */
  readonly services: readonly ServicePrincipal[];
  /** ARN of the role of the jobs of S3 Batch Operations; absent: no job uses the key. */
  readonly jobRole?: string | undefined;
  /** Whether administrators rotate the key in place. */
  readonly inPlace: boolean;
  /** Whole days without use before anybody may disable the key; absent: it may be disabled at any time. */
  readonly unusedForDays?: number | undefined;
}

interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal: { readonly AWS: string | readonly string[] } | { readonly Service: string };
  readonly Action: readonly string[];
  readonly Resource: '*';
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface KeyPolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/**
 * The policy of one key version.
 *
 * Administrators cannot use the key, users cannot administer it and reach it through S3 of this region alone. If no
 * principal is named, the account's root principal leaves the choice to IAM policies, within the same limits: not
 * even an IAM administrator can decrypt with the key outside S3 without first changing this policy. The AWS default
 * statement (`kms:*` for root) is not used, because it would undo that separation.
 *
 * Destructive actions are denied explicitly, so that a statement added later cannot allow them. The exception is a
 * condition on `aws:PrincipalArn`, which matches the role in every session; `NotPrincipal` would need every session.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
 */
export function keyPolicy(input: KeyPolicyInput): KeyPolicy {
  const root = `arn:${input.partition}:iam::${input.account}:root`;
  const administrators = single(input.administrators, root);
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'AccountKeepsControl',
        Effect: 'Allow',
        Principal: { AWS: root },
        Action: [...READ_ACTIONS, ...RECOVERY_ACTIONS],
        Resource: '*',
      },
      {
        Sid: 'AdministerWithoutUse',
        Effect: 'Allow',
        Principal: { AWS: administrators },
        Action: [...READ_ACTIONS, ...ADMINISTRATION_ACTIONS, ...(input.inPlace ? IN_PLACE_ACTIONS : [])],
        Resource: '*',
      },
      {
        Sid: 'ProveAnImport',
        Effect: 'Allow',
        Principal: { AWS: administrators },
        Action: [...PROOF_ACTIONS],
        Resource: '*',
        Condition: { StringEquals: { [`kms:EncryptionContext:${PROOF_CONTEXT_KEY}`]: input.rotation } },
      },
      {
        Sid: 'DescribeForUse',
        Effect: 'Allow',
        Principal: { AWS: single(input.users, root) },
        Action: ['kms:DescribeKey'],
        Resource: '*',
      },
      {
        Sid: 'UseThroughS3',
        Effect: 'Allow',
        Principal: { AWS: single(input.users, root) },
        Action: [...S3_USE_ACTIONS],
        Resource: '*',
        Condition: { StringEquals: throughS3(input, callers(input)) },
      },
      ...useByJobs(input, root),
      ...useByServices(input),
      ...destruction(input.breakGlass),
      ...soak(input.unusedForDays),
    ],
  };
}

/**
 * The policy of a version that keeps what the key had: those statements first, then Keyturn's, whose denials hold for both. What looks
 * like a reference of Terraform's in them is a variable of IAM's.
 */
export function withKeptStatements(own: KeyPolicy, { keptPolicy }: Pick<KeyVersion, 'keptPolicy'>): object {
  const kept = keptPolicy === undefined ? undefined : keptStatements(keptPolicy);
  if (kept === undefined) return own;
  const literal: unknown = JSON.parse(JSON.stringify(kept).replaceAll('${', '$${').replaceAll('%{', '%%{'));
  return { ...own, Statement: [...(literal as readonly object[]), ...own.Statement] };
}

/**
 * If users are named, the role of the jobs is also allowed. A condition names it, because KMS refuses a principal
 * that does not exist, and the other stack creates the role later. Because root delegates, the role's own policy must
 * allow the actions too.
 */
function useByJobs(input: KeyPolicyInput, root: string): readonly Statement[] {
  if (input.jobRole === undefined || input.users.length === 0) return [];
  return [
    {
      Sid: 'UseByJobsThroughS3',
      Effect: 'Allow',
      Principal: { AWS: root },
      Action: [...S3_USE_ACTIONS],
      Resource: '*',
      Condition: { StringEquals: throughS3(input, input.account), ArnEquals: { 'aws:PrincipalArn': input.jobRole } },
    },
  ];
}

/** Each service reaches the key for what it acts for, and for nobody else. */
function useByServices({ services, account }: KeyPolicyInput): readonly Statement[] {
  return services
    .toSorted((one, other) => (one.service < other.service ? -1 : 1))
    .map(({ service, sourceArns, sourceAccounts }) => {
      const { actions, conditions } = keyService(service);
      return {
        Sid: `UseBy${sidOf(service)}`,
        Effect: 'Allow',
        Principal: { Service: service },
        Action: actions,
        Resource: '*',
        Condition: {
          ...(conditions.includes('account') || sourceAccounts.length > 0
            ? { StringEquals: { 'aws:SourceAccount': single(sourceAccounts, account) } }
            : {}),
          ...(sourceArns.length > 0 ? { ArnLike: { 'aws:SourceArn': single(sourceArns, '') } } : {}),
        },
      };
    });
}

/** `DeliveryLogs` for `delivery.logs.amazonaws.com`. */
const sidOf = (service: string): string =>
  service
    .replace(/\.amazonaws\.com(\.cn)?$/, '')
    .split(/[.-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

function destruction(breakGlass: readonly string[]): readonly Statement[] {
  const denied: Statement = {
    Sid: 'DestroyNothing',
    Effect: 'Deny',
    Principal: { AWS: '*' },
    Action: [...DESTRUCTIVE_ACTIONS],
    Resource: '*',
  };
  const [first, ...others] = sorted(breakGlass);
  if (first === undefined) return [denied];
  const exempt = others.length === 0 ? first : [first, ...others];
  return [
    { ...denied, Sid: 'DestroyOnlyBreakingTheGlass', Condition: { ArnNotEquals: { 'aws:PrincipalArn': exempt } } },
    { ...denied, Sid: 'BreakTheGlass', Effect: 'Allow', Principal: { AWS: exempt } },
  ];
}

/**
 * KMS itself refuses to disable a key that was used lately, whoever asks. KMS counts a re-encryption as a use.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html
 */
function soak(days: number | undefined): readonly Statement[] {
  if (days === undefined) return [];
  return [
    {
      Sid: 'DisableOnlyUnused',
      Effect: 'Deny',
      Principal: { AWS: '*' },
      Action: ['kms:DisableKey'],
      Resource: '*',
      Condition: { NumericLessThan: { 'kms:TrailingDaysWithoutKeyUsage': String(days) } },
    },
  ];
}

/** One value is written as a string, as KMS returns it; several are sorted, so that their order is not a change. */
function single(named: readonly string[], none: string): string | readonly string[] {
  const [first = none, ...others] = sorted(named);
  return others.length === 0 ? first : [first, ...others];
}

const sorted = (named: readonly string[]): readonly string[] => [...new Set(named)].sort();

/** The accounts of the users: a principal of another account would never match with the own account alone. */
function callers({ account, users }: KeyPolicyInput): string | readonly string[] {
  return single(
    users.flatMap((user) => user.split(':')[4] ?? []),
    account,
  );
}

const throughS3 = ({ region }: KeyPolicyInput, callers: string | readonly string[]) => ({
  'kms:CallerAccount': callers,
  'kms:ViaService': viaS3(region),
});

/** AWS does not document the suffix of `kms:ViaService` in China, so both are accepted there. */
function viaS3(region: string): string | readonly string[] {
  const service = `s3.${region}.amazonaws.com`;
  return region.startsWith('cn-') ? [service, `${service}.cn`] : service;
}
