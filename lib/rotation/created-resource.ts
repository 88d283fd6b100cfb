/** Resources that Terraform creates although AWS may hold them already: keys, aliases and buckets. */
import { type Rotation, stackNames, versionAlias } from './rotation';

export interface CreatedResource {
  /** Terraform address, `aws_kms_external_key.version_v1`. */
  readonly address: string;
  readonly kind: 'key' | 'alias' | 'bucket';
  /** Name of the key version, of the alias (`alias/…`), or of the bucket. */
  readonly name: string;
}

/** A resource that a plan creates, and that AWS holds already. */
export interface ExistingResource extends CreatedResource {
  /** ARN of the key: the one itself, or the one that the alias names; absent for a bucket. */
  readonly keyArn: string | undefined;
  /** State of that key, as in KMS. */
  readonly state: string | undefined;
  /** Set while that key is pending deletion. */
  readonly deletionDate: Date | undefined;
  /** True: no alias names the key, but the binding or the evidence here says that it is the version's. Default false. */
  readonly isRecorded?: boolean;
}

/**
 * The resource as a name that AWS can be asked for; undefined for any other type, and where the name is not known yet.
 *
 * @param name - attribute `name` of an alias, `bucket` of a bucket; ignored for a key
 */
export function createdResource(address: string, type: string, name: unknown): CreatedResource | undefined {
  if (type === 'aws_kms_external_key') {
    const [, version] = /\.version_([^.[\]]+)$/.exec(address) ?? [];
    return version === undefined ? undefined : { address, kind: 'key', name: version };
  }
  const kind = type === 'aws_kms_alias' ? 'alias' : type === 'aws_s3_bucket' ? 'bucket' : undefined;
  return kind !== undefined && typeof name === 'string' && name !== '' ? { address, kind, name } : undefined;
}

/** The name of the attribute that {@link createdResource} needs. */
export const nameAttribute = (type: string): string => (type === 'aws_s3_bucket' ? 'bucket' : 'name');

/** What exists, in words. */
export function existingText(rotation: Rotation, found: ExistingResource): string {
  if (found.kind === 'bucket') return `bucket ${found.name} exists already`;
  const alias = found.kind === 'key' ? versionAlias(rotation, { name: found.name }) : found.name;
  const until = found.deletionDate ? `, to be deleted on ${found.deletionDate.toISOString()}` : '';
  if (found.isRecorded)
    return `version ${found.name} is key ${found.keyArn} already (${found.state}${until}), as the binding or the evidence here says`;
  return `${alias} names key ${found.keyArn} already (${found.state}${until})`;
}

/** The commands that make the plan keep what exists. */
export function keepExisting(rotation: Rotation, found: ExistingResource): string {
  const { keys, storage } = stackNames(rotation);
  const stack = /\.version_/.test(found.address) ? keys : storage;
  const id = found.kind === 'key' ? (found.keyArn ?? '').replace(/^.*:key\//, '') : found.name;
  const command = `terraform -chdir=cdktf.out/stacks/${stack} import ${found.address} ${id}`;
  if (found.isRecorded)
    return `say again what the version is: \`keyArn: ${found.keyArn}\` if objects move away from it, \`takeOver: ${found.keyArn}\` if it is a version of ours; a new key takes a new name`;
  if (found.state === 'PendingDeletion' || found.state === 'PendingReplicaDeletion') {
    return `cancel the deletion: \`aws kms cancel-key-deletion --key-id ${found.keyArn}\`, enable the key again if it is in use (\`aws kms enable-key --key-id ${found.keyArn}\`), and plan again; if the plan still creates it: \`${command}\``;
  }
  const adopt =
    found.kind === 'key'
      ? `declare \`takeOver: ${found.keyArn}\` if somebody else made it`
      : 'let `npx keyturn adopt` declare it under adopted:, if somebody else made it';
  return `bring back the state that holds it (was the state lost, or is TF_WORKSPACE set?); ${adopt}; or import it: \`${command}\``;
}
