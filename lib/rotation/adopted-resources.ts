/** What exists in AWS since before Keyturn: the stacks import it, and the review expects exactly these imports. */
import { type Rotation, versionAlias } from './rotation';

/** A resource that Terraform takes into its state instead of creating it. */
export interface AdoptedResource {
  /** Terraform address, `aws_kms_alias.main`. */
  readonly address: string;
  /** What the AWS provider imports it by: a key id, an alias name, or a bucket name. */
  readonly id: string;
}

/** The fields that name what exists. */
export type Adoption = Pick<Rotation, 'adopted' | 'alias' | 'keyVersions' | 'strategy' | 'buckets'>;

/**
 * The imports of each stack. Terraform ignores the import of what its state holds already, so they may stay in the file.
 *
 * @see https://developer.hashicorp.com/terraform/language/import
 */
export function adoptedResources(rotation: Adoption): {
  readonly keys: readonly AdoptedResource[];
  readonly storage: readonly AdoptedResource[];
} {
  const { adopted, keyVersions, buckets, alias } = rotation;
  const keys = keyVersions.flatMap((version): readonly AdoptedResource[] => {
    const id = `version_${version.name}`;
    const named = adopted?.versionAliases.includes(version.name) === true;
    return [
      ...(version.takeOver === undefined
        ? []
        : [{ address: `aws_kms_external_key.${id}`, id: version.takeOver.replace(/^.*:key\//, '') }]),
      ...(named ? [{ address: `aws_kms_alias.${id}`, id: versionAlias(rotation, version) }] : []),
    ];
  });
  const storage = buckets
    .filter(({ name }) => adopted?.buckets.includes(name) === true)
    .flatMap(({ name, manage }) =>
      (manage === 'bucket' ? OWNED : DEFAULT_ONLY).map((type) => ({
        address: `${type}.bucket_${name.replaceAll('.', '_')}`,
        id: name,
      })),
    );
  return {
    keys,
    storage: [...(adopted?.alias === true ? [{ address: 'aws_kms_alias.main', id: alias }] : []), ...storage],
  };
}

const DEFAULT_ONLY = ['aws_s3_bucket_server_side_encryption_configuration'] as const;
/** Every bucket has a default encryption and a versioning; its other settings may be absent, and cannot be imported then. */
const OWNED = ['aws_s3_bucket', 'aws_s3_bucket_versioning', ...DEFAULT_ONLY] as const;
