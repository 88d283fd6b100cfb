import type { Identity } from '../aws/caller-identity';
import type { AwsClients } from '../aws/clients';
import { isCode, throwIfInterrupted } from '../errors';
import { aliasTarget } from '../kms/alias-target';
import { describeKey, type KeyDescription } from '../kms/describe-key';
import { evidenceFolder } from '../rotation/own-folder';
import { activeVersion, type KeyVersion, type Rotation, versionAlias } from '../rotation/rotation';
import { type BucketDefault, bucketDefault } from '../s3/bucket-default';
import type { EvidenceOf } from './evidence-queries';

/** A version that waits for key material which KMS would still take. */
export type WaitingVersion = ObservedVersion & { readonly key: KeyDescription };

export interface ObservedVersion {
  readonly version: KeyVersion;
  /** Absent: no key stands behind this version yet. */
  readonly key: KeyDescription | undefined;
}

/** What AWS holds now of everything the rotation file declares. */
export interface Observation {
  readonly versions: readonly ObservedVersion[];
  /** ARN that the main alias resolves to; absent: there is no such alias. */
  readonly aliasTarget: string | undefined;
  readonly buckets: readonly { readonly name: string; readonly default: BucketDefault | undefined }[];
  /** Keys that a bucket default, the binding or `takeOver` names and that do not exist any more. */
  readonly goneKeys?: readonly string[];
  /** Those of them that exist, and that no version alias leads to: a key to take over has none before the first apply. */
  readonly otherKeys?: readonly KeyDescription[];
}

/** What reading AWS for a rotation takes: the file, the clients, whose account it is, and the run's end. */
export interface Observing {
  readonly rotation: Rotation;
  readonly clients: Pick<AwsClients, 'kms' | 's3'>;
  readonly identity: Identity;
  readonly signal: AbortSignal;
}

/** The keys behind every declared version. An adopted version is looked up by its ARN, the others by their alias. */
export async function observeVersions(run: Observing): Promise<readonly ObservedVersion[]> {
  const observed: ObservedVersion[] = [];
  for (const version of run.rotation.keyVersions) {
    throwIfInterrupted(run.signal, 'reading the key versions');
    const key = await describeKey(run.clients.kms, version.keyArn ?? versionAlias(run.rotation, version));
    observed.push({ version, key });
  }
  return observed;
}

export async function observe(run: Observing): Promise<Observation> {
  const versions = await observeVersions(run);
  const target = await aliasTarget(run.clients.kms, run.rotation.alias);
  const buckets = [];
  for (const { name } of run.rotation.buckets) {
    buckets.push({ name, default: await bucketDefault(run.clients.s3, name, run.identity.account) });
  }
  const named = buckets.flatMap((bucket) => (bucket.default?.keyArn === undefined ? [] : [bucket.default.keyArn]));
  const bound = (run.rotation.binding ?? []).map(({ keyArn }) => keyArn);
  const takenOver = run.rotation.keyVersions.flatMap(({ takeOver }) => takeOver ?? []);
  const strange = new Set(
    [...named, ...bound, ...takenOver].filter((arn) => versions.every(({ key }) => key?.arn !== arn)),
  );
  const goneKeys: string[] = [];
  const otherKeys: KeyDescription[] = [];
  for (const arn of strange) {
    const found = await lookAtOther(run, arn);
    if (found === 'gone') goneKeys.push(arn);
    else if (found !== 'denied') otherKeys.push(found);
  }
  return { versions, aliasTarget: target, buckets, goneKeys, otherKeys };
}

/** Who may not look at a key that the rotation does not declare learns nothing of it. */
async function lookAtOther(
  { clients }: Pick<Observing, 'clients'>,
  keyArn: string,
): Promise<KeyDescription | 'gone' | 'denied'> {
  try {
    return (await describeKey(clients.kms, keyArn)) ?? 'gone';
  } catch (error) {
    if (isCode(error, 'aws-access-denied')) return 'denied';
    throw error;
  }
}

/**
 * Versions of ours whose key waits for material. One whose declared expiry has passed is left alone: KMS would refuse that date, and the
 * rotation file accepts it only where a later version takes over.
 *
 * @param now - by AWS's clock, which a machine whose own is ahead does not overrule
 */
export function waitingForMaterial(versions: readonly ObservedVersion[], now: Date): readonly WaitingVersion[] {
  return versions.filter((one): one is WaitingVersion => {
    const { materialValidTo, keyArn, disabled } = one.version;
    if (one.key?.state !== 'PendingImport' || keyArn !== undefined || disabled) return false;
    return materialValidTo === undefined || materialValidTo > now;
  });
}

/** The active version as AWS has it; the key is absent while it is not declared to AWS yet. */
export function observedActive(rotation: Rotation, versions: readonly ObservedVersion[]): ObservedVersion {
  const version = activeVersion(rotation);
  return versions.find((one) => one.version.name === version.name) ?? { version, key: undefined };
}

/** Whose evidence an observation may count on. */
export function evidenceOf({ rotation, identity }: Pick<Observing, 'rotation' | 'identity'>): EvidenceOf {
  return { name: rotation.name, region: rotation.region, account: identity.account };
}

/** The folder of a rotation's evidence, beside its file. */
export const evidenceDirectory = ({ file }: Pick<Rotation, 'file'>): string => evidenceFolder(file);
