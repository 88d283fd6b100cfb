/** The types of a parsed rotation file: complete, with defaults, and never checked again. */

/** One external-origin KMS key behind the rotation's alias, or an adopted key that objects are moved away from. */
export interface KeyVersion {
  /** `v1`, `v2`, …: unique in the file, in the order of succession. */
  readonly name: string;
  /** When KMS deletes the material; absent: it does not expire. At most 365 days ahead at import time. */
  readonly materialValidTo: Date | undefined;
  /** ARN of an existing key that Keyturn did not create; absent for keys the keys stack declares. */
  readonly keyArn: string | undefined;
  /** ARN of an existing external-origin key that becomes this version: the keys stack imports it. Never set together with `keyArn`. */
  readonly takeOver?: string | undefined;
  /** The key policy that a taken-over key had, JSON; Keyturn's statements are added to it. Set if and only if `keyPolicy.keep`. */
  readonly keptPolicy?: string | undefined;
  /** True: Keyturn may disable this adopted key once the gate is open. Never set without `keyArn`. Default false. */
  readonly retire?: boolean | undefined;
  /** True once the file records the retirement of this version; the keys stack then declares `enabled = false`. */
  readonly disabled: boolean;
  /** Why this version may be used although custody is not proven to hold its material; absent: it may not. */
  readonly custodyWaiver?: string | undefined;
}

/** `bucket`: the storage stack creates and owns the bucket. `encryption`: it owns only the default encryption. */
export type BucketManagement = 'bucket' | 'encryption';

export interface Bucket {
  readonly name: string;
  readonly manage: BucketManagement;
  readonly bucketKey: boolean;
  /** True: the bucket's policy denies writes that name another key than the active one. Only with `manage: bucket`. Default false. */
  readonly pinWriters?: boolean | undefined;
}

/** What the stacks import into Terraform's state instead of creating it. */
export interface Adopted {
  /** Whether the main alias exists. Default false. */
  readonly alias: boolean;
  /** Names of declared versions whose version alias exists. */
  readonly versionAliases: readonly string[];
  /** Names of declared buckets whose default encryption exists, and the bucket itself where the stack owns it. */
  readonly buckets: readonly string[];
}

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

/** `new-key`: a version is a key, and objects move to it. `in-place`: a version is key material of the one key. */
export type RotationStrategy = 'new-key' | 'in-place';

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
   * may hold objects under it. `replication`: replicas of a bucket go under it. `use`: somebody used it. `upload`: an open multipart upload may name it. `expiry`: the active key is near
   * its end. Each of them also for what could not be looked at.
   */
  readonly what: (typeof RETIRE_WAIVERS)[number];
  /** The grant, bucket or upload that it is for: its id, name or key; absent: every one, but no dropped bucket. */
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

/** What a version name stands for in KMS, as `rotation.lock.json` binds it. */
export interface BoundVersion {
  /** Name of a declared version. */
  readonly name: string;
  readonly keyArn: string;
  /** 64 hex digits; null: KMS named none. */
  readonly keyMaterialId: string | null;
  /** When KMS deletes the material, ISO 8601 in UTC; null: it does not expire. */
  readonly materialValidTo: string | null;
  /** The age recipients that its material was sealed for; empty: none, or unknown here. */
  readonly recipients: readonly string[];
  /** SHA-256 of its custody record, lower-case hex; null: there was none. */
  readonly custodyRecordSha256: string | null;
}

export interface Rotation {
  /** Absolute path of the file this was read from. */
  readonly file: string;
  /** What `rotation.lock.json` beside the file binds; empty: there is none. Never an adopted version, which its ARN binds. */
  readonly binding: readonly BoundVersion[];
  /** Lower-case letters, digits and hyphens; names the two stacks. */
  readonly name: string;
  readonly region: string;
  /** The 12-digit account the rotation belongs to; absent: any account is accepted. */
  readonly account: string | undefined;
  /** The main alias, `alias/…`. */
  readonly alias: string;
  readonly strategy: RotationStrategy;
  readonly keyVersions: readonly KeyVersion[];
  /** Name of the active version; always one of `keyVersions`. */
  readonly activeVersion: string;
  readonly buckets: readonly Bucket[];
  /** What exists since before Keyturn, besides taken-over keys; absent: nothing. */
  readonly adopted?: Adopted | undefined;
  /** IAM principal ARNs; empty: only the account's IAM policies apply. */
  readonly keyPolicy: {
    readonly administrators: readonly string[];
    readonly users: readonly string[];
    /** The only principals that may delete imported material or schedule a key's deletion; empty: nobody. */
    readonly breakGlass: readonly string[];
    /** AWS services that use the keys by their own principal. */
    readonly services: readonly ServicePrincipal[];
    /** True: taken-over keys keep the statements of their own policy, besides Keyturn's. Default false. */
    readonly keep?: boolean | undefined;
  };
  readonly expiry: ExpiryWarnings;
  readonly deletionWindowDays: number;
  /** Age in days at which the active key must be replaced; absent: no period is declared. */
  readonly rotateEveryDays: number | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly custody: Custody;
  readonly reencrypt: {
    readonly method: ReencryptMethod;
    /**
     * `sse-s3`, `aws/s3`, `any` or full key ARNs: what is moved besides the objects under the other declared versions. Empty: nothing.
     */
    readonly from: readonly string[];
    readonly engine: ReencryptEngine;
    /** Always present if the engine is `batch` or `auto`. */
    readonly batch: BatchSettings | undefined;
  };
  /** Where evidence is archived in addition to the working directory. */
  readonly evidence: {
    readonly bucket: EvidenceBucket | undefined;
    /** Who signs the head of each run: the ARN of a KMS key, or `ed25519:` and a public key; absent: nobody. */
    readonly signer?: string | undefined;
  };
  readonly retire: {
    /** Buckets that Keyturn neither manages nor re-encrypts. They must hold nothing under a version before it retires. */
    readonly verifyOnlyBuckets: readonly string[];
    /** Whole days without use before a key is disabled, which its key policy enforces; absent: it is disabled at once. */
    readonly unusedForDays: number | undefined;
    /** ARN of the role as which the disable is rehearsed: that of the team's readers. Absent: nothing is rehearsed. */
    readonly rehearseAs?: string | undefined;
    readonly waivers: readonly RetireWaiver[];
  };
  readonly access: {
    /** Days of CloudTrail's event history, 1 to 90, in which a use of the old key counts. */
    readonly days: number;
    readonly waivers: readonly AccessWaiver[];
  };
  readonly review: { readonly waivers: readonly ReviewWaiver[] };
  readonly terraform: TerraformSettings;
  /** How Terraform and Keyturn's own clients reach AWS; absent: by the standard variables alone. */
  readonly aws?: AwsAccess | undefined;
}

/** Settings of the AWS provider and of every AWS client. */
export interface AwsAccess {
  /** A profile of the shared configuration file. */
  readonly profile?: string | undefined;
  /** A role that is assumed with the credentials found so far. */
  readonly assumeRole?: { readonly roleArn: string; readonly externalId?: string | undefined } | undefined;
}

/** Name of the sessions of `aws.assumeRole`, as CloudTrail shows it. */
export const sessionName = ({ name }: Pick<Rotation, 'name'>): string => `keyturn-${name}`.slice(0, 64);

export type TerraformSettings = {
  /** Versions of the AWS provider that both stacks require, as a constraint of Terraform: `5.100.0`, `>= 6.40.0, < 7.0.0`. */
  readonly awsProvider: string;
} & ({ readonly backend: 'local' } | { readonly backend: 's3'; readonly s3: S3Backend });

/** Names of the two stacks of a rotation. */
export function stackNames(rotation: Pick<Rotation, 'name'>): { readonly keys: string; readonly storage: string } {
  return { keys: `${rotation.name}-keys`, storage: `${rotation.name}-storage` };
}

/** Name of the IAM role that the storage stack declares for the jobs of S3 Batch Operations. */
export function batchRoleName({ name }: Pick<Rotation, 'name'>): string {
  return `keyturn-${name}-batch`;
}

/** Prefix of the manifests and reports of a rotation in their bucket. */
export function batchPrefix({ name }: Pick<Rotation, 'name'>): string {
  return `keyturn/${name}/`;
}

/** Buckets that S3 may have to list: all of them for a generated manifest and for `verify: manifest`, else none. */
export function bucketsListedByS3({ reencrypt, buckets }: Pick<Rotation, 'reencrypt' | 'buckets'>): readonly string[] {
  const { batch, method, engine } = reencrypt;
  if (batch === undefined || engine === 'local') return [];
  const byS3 = batch.verify === 'manifest' || (batch.manifest === 'generated' && method === 'rewrap');
  return byS3 ? buckets.map(({ name }) => name) : [];
}

/** The fields that determine the key of a version. */
type KeyLayout = Pick<Rotation, 'strategy' | 'keyVersions'>;

/** The versions that have a key of their own: all of them, or only the first if versions are material of one key. */
export function versionsWithKeys({ strategy, keyVersions }: KeyLayout): readonly KeyVersion[] {
  return strategy === 'in-place' ? keyVersions.slice(0, 1) : keyVersions;
}

/**
 * The alias of the key of a version, `<alias>/<version>`. With `strategy: in-place` all versions use the alias of the
 * first: an alias names a key, not a material of it.
 */
export function versionAlias(rotation: KeyLayout & Pick<Rotation, 'alias'>, version: Pick<KeyVersion, 'name'>): string {
  const holder = rotation.strategy === 'in-place' ? (rotation.keyVersions[0] ?? version) : version;
  return `${rotation.alias}/${holder.name}`;
}

/**
 * The key that a version is bound to: the ARN of an adopted or taken-over one, or what `rotation.lock.json` says; undefined:
 * nothing binds it. With `strategy: in-place` one key stands for all versions.
 */
export function boundKeyArn(
  { strategy, binding }: Pick<Rotation, 'strategy' | 'binding'>,
  { name, keyArn, takeOver }: Pick<KeyVersion, 'name' | 'keyArn' | 'takeOver'>,
): string | undefined {
  const named = keyArn ?? takeOver;
  if (named !== undefined) return named;
  return binding.find((one) => strategy === 'in-place' || one.name === name)?.keyArn;
}

/** The directory of the custody records, for any custodian; undefined without custody. */
export function custodyDirectory({ age, command, pkcs11 }: Custody): string | undefined {
  return (age ?? command ?? pkcs11)?.directory;
}

/** The kind of custodian that the rotation file declares; `age` where it declares none. */
export function custodyKind({ command, pkcs11 }: Pick<Custody, 'command' | 'pkcs11'>): 'age' | 'command' | 'pkcs11' {
  return command ? 'command' : pkcs11 ? 'pkcs11' : 'age';
}

/** True for a version that the retire gate may disable: a key of our own, or an adopted one with `retire: true`. */
export function mayBeDisabled({ keyArn, retire }: Pick<KeyVersion, 'keyArn' | 'retire'>): boolean {
  return keyArn === undefined || retire === true;
}

/** Every bucket that must hold nothing under a version before it retires: the declared ones and `retire.verifyOnlyBuckets`. */
export function bucketsToVerify({ buckets, retire }: Pick<Rotation, 'buckets' | 'retire'>): readonly string[] {
  return [...buckets.map((bucket) => bucket.name), ...retire.verifyOnlyBuckets];
}

/** The version that alias and bucket defaults are declared to point at. */
export function activeVersion(rotation: Rotation): KeyVersion {
  const found = rotation.keyVersions.find((version) => version.name === rotation.activeVersion);
  if (!found) throw new RangeError(`active version ${rotation.activeVersion} is not declared`);
  return found;
}

/** Versions declared after the active one. After a rollback they may hold objects. None with `strategy: in-place`. */
export function laterVersions(rotation: Rotation): readonly KeyVersion[] {
  if (rotation.strategy === 'in-place') return [];
  return rotation.keyVersions.slice(rotation.keyVersions.indexOf(activeVersion(rotation)) + 1);
}

/**
 * Versions declared before the active one: post-apply empties and retires them. None with `strategy: in-place`,
 * because the one key stays in use.
 */
export function supersededVersions(rotation: Rotation): readonly KeyVersion[] {
  if (rotation.strategy === 'in-place') return [];
  return rotation.keyVersions.slice(0, rotation.keyVersions.indexOf(activeVersion(rotation)));
}
