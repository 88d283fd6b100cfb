/** What the sections of a rotation file declare, one type for each. */

/** `rewrap` moves data keys without moving data; `rewrite` copies each object onto itself. */
export type ReencryptMethod = 'rewrap' | 'rewrite';

/**
 * `local`: this process sends one request per version. `batch`: S3 Batch Operations does. `auto`: by the number of
 * versions.
 */
export type ReencryptEngine = 'local' | 'batch' | 'auto';

/** What S3 Batch Operations needs; see docs/scale.md. */
export interface BatchSettings {
  /** Bucket of manifests and reports, in the rotation's Region. */
  readonly bucket: string;
  /** `bucket`: the storage stack creates and owns it. `existing`: it exists, and Keyturn only uses it. */
  readonly manage: 'bucket' | 'existing';
  /** `auto` uses S3 Batch Operations for a bucket with at least this many object versions. */
  readonly fromVersions: number;
  /** Who lists the objects of a job: S3 by the old keys' ARNs, or Keyturn with version ids, as `auto` does. */
  readonly manifest: 'auto' | 'generated' | 'listed';
  /**
   * `heads`: verification checks every version. `manifest`: only those that the sources of docs/scale.md leave open,
   * and a sample.
   */
  readonly verify: 'heads' | 'manifest';
  /** Priority of the jobs, 0 to 2,147,483,647; higher runs first. */
  readonly priority: number;
  /** True: the team declares that nobody writes while objects are copied, which `rewrite` by jobs needs. */
  readonly noConcurrentWrites: boolean;
}

/** The bucket with object lock that archives the evidence of each run. */
export interface EvidenceBucket {
  readonly name: string;
  readonly retention: { readonly mode: 'GOVERNANCE' | 'COMPLIANCE'; readonly days: number };
}

export interface ExpiryWarnings {
  /** SNS topic that the alarms notify; absent: no alarm is declared. */
  readonly alarmTopicArn: string | undefined;
  /** Days before the expiry, the longest first. */
  readonly warnDays: readonly number[];
}

export interface AgeCustody {
  /** age recipients (`age1…`); if empty, pre-apply refuses to run without `--no-custody`. */
  readonly recipients: readonly string[];
  /** Absolute path of the directory that holds the encrypted material and the custody records. */
  readonly directory: string;
}

/** A custodian program of the team; see docs/custodian-command.md. */
export interface CommandCustody {
  /** Program and arguments. A program with a slash in it is an absolute path. */
  readonly run: readonly [string, ...string[]];
  /** Absolute path of the directory that holds the custody records. */
  readonly directory: string;
  /** Seconds until a silent program is killed. */
  readonly timeoutSeconds: number;
}

/** A hardware module behind PKCS#11. */
export interface Pkcs11Custody {
  /** Absolute path of the module's library. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  /** Absolute path of the file that holds the user PIN; absent: the PIN is in the environment. */
  readonly pinFile: string | undefined;
  /** Absolute path of the directory that holds the custody records. */
  readonly directory: string;
}

/** Where the only copy of the material outside KMS is stored: at most one of the three; none: no custody. */
export interface Custody {
  readonly age: AgeCustody | undefined;
  readonly command: CommandCustody | undefined;
  readonly pkcs11: Pkcs11Custody | undefined;
  /** Days after its last drill from which on the custody of a version is due for another; absent: never. */
  readonly drillEveryDays?: number | undefined;
}

export interface S3Backend {
  readonly bucket: string;
  readonly region: string;
  /** State objects are `<prefix><stack>.tfstate`. */
  readonly prefix: string;
  readonly kmsKeyId: string | undefined;
}

/** A finding of the plan review that is ignored until a date; see docs/plan-review.md. */
export interface ReviewWaiver {
  /** Id of the rule, `KT032`. */
  readonly rule: string;
  /** Terraform address of the finding; absent: every address. */
  readonly address?: string | undefined;
  readonly reason: string;
  /** Last day on which it is valid, UTC, `2027-01-31`. */
  readonly until: string;
}

/** A reason of the retire gate that is set aside until a date; see docs/gate.md. */
export interface RetireWaiver {
  /**
   * `grant`: grants on the key. `bucket-default`: it is the default of another bucket. `dropped-bucket`: a bucket that the file named once
   * may hold objects under it. `replication`: replicas of a bucket go under it. `related-key`: a key of another Region has its material. `use`: somebody used it. `upload`: an open multipart upload may name it. `expiry`: the active key is near
   * its end. Each of them also for what could not be looked at.
   */
  readonly what: (typeof RETIRE_WAIVERS)[number];
  /** The grant, bucket, upload or Region that it is for: its id, name or key; absent: every one, but no dropped bucket. */
  readonly of?: string | undefined;
  readonly reason: string;
  /** Last day on which it is valid, UTC, `2027-01-31`. */
  readonly until: string;
}

/** What a waiver may set aside. */
export const RETIRE_WAIVERS = [
  'grant',
  'bucket-default',
  'dropped-bucket',
  'replication',
  'related-key',
  'use',
  'upload',
  'annotations',
  'expiry',
] as const;

/** A principal that used the old key and would lose access by the switch, which happens anyway; see docs/access.md. */
export interface AccessWaiver {
  /** ARN of a user or role, a service's principal, or `account 111122223333`, as `keyturn access` prints it. */
  readonly who: string;
  readonly reason: string;
  /** Last day on which it is valid, UTC, `2027-01-31`. */
  readonly until: string;
}

/** An AWS service that may use the keys, for what it must act. */
export interface ServicePrincipal {
  /** `delivery.logs.amazonaws.com`. */
  readonly service: string;
  /** Values of `aws:SourceArn`, `*` allowed; empty only for services that send none. */
  readonly sourceArns: readonly string[];
  /** Values of `aws:SourceAccount`; empty: the account of the rotation. */
  readonly sourceAccounts: readonly string[];
}

/** Settings of the AWS provider and of every AWS client. */
export interface AwsAccess {
  /** A profile of the shared configuration file. */
  readonly profile?: string | undefined;
  /** A role that is assumed with the credentials found so far. */
  readonly assumeRole?: { readonly roleArn: string; readonly externalId?: string | undefined } | undefined;
  /** The provider's default tags. {}: none any more, but the state may still have some. */
  readonly defaultTags?: Readonly<Record<string, string>> | undefined;
}

/** Stacks of a CDKTF program of the team's own, by their ids: they hold the constructs of the rotation. */
export interface OwnStacks {
  readonly keys: string;
  readonly storage: readonly string[];
}

export type TerraformSettings = {
  /** Versions of the AWS provider that both stacks require, as a constraint of Terraform: `5.100.0`, `>= 6.40.0, < 7.0.0`. */
  readonly awsProvider: string;
  /** Absent: Keyturn's own two stacks. */
  readonly stacks?: OwnStacks | undefined;
} & ({ readonly backend: 'local' } | { readonly backend: 's3'; readonly s3: S3Backend });
