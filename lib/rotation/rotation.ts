/** The types of a parsed rotation file: complete, with defaults, and never checked again. */
import type {
  AccessWaiver,
  AwsAccess,
  BatchSettings,
  Custody,
  EvidenceBucket,
  ExpiryWarnings,
  ReencryptEngine,
  ReencryptMethod,
  RetireWaiver,
  ReviewWaiver,
  ServicePrincipal,
  TerraformSettings,
} from './settings';

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

/** `new-key`: a version is a key, and objects move to it. `in-place`: a version is key material of the one key. */
export type RotationStrategy = 'new-key' | 'in-place';

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

/** Name of the sessions of `aws.assumeRole`, as CloudTrail shows it. */
export const sessionName = ({ name }: Pick<Rotation, 'name'>): string => `keyturn-${name}`.slice(0, 64);

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
