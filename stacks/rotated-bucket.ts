import { S3BucketServerSideEncryptionConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration';
import { TerraformStack } from 'cdktf';
import { Construct } from 'constructs';
import { type AdoptedResource, adoptedResources } from '../lib/rotation/adopted-resources';
import type { Bucket, Rotation } from '../lib/rotation/rotation';
import { guardedTarget, type Target } from './guard';
import { partitionOf } from './identity';
import { importAdopted } from './import-adopted';
import { bucketId } from './logical-ids';
import { requireOwnStack } from './own-stack';
import { OwnedBucket } from './owned-bucket';
import { refuseSecond } from './refuse-second';

/**
 * One bucket of the rotation file in a stack of your own: its default encryption on the active version, behind the guard, and
 * with `manage: bucket` the bucket itself, under the addresses of {@link StorageStack}.
 */
export class RotatedBucket extends Construct {
  /** Name of the bucket, or a reference to it. */
  readonly bucketName: string;
  /** ARN of the active key, as the plan reads it. */
  readonly keyArn: string;

  /**
   * @param name - of a bucket in the rotation file
   * @throws RangeError if the rotation file does not name the stack under `terraform.stacks`, lists no such bucket, or the stack declares it already
   */
  constructor(scope: Construct, id: string, rotation: Rotation, name: string) {
    super(scope, id);
    const bucket = rotation.buckets.find((one) => one.name === name);
    if (bucket === undefined) throw new RangeError(`${rotation.file} lists no bucket ${name}`);
    requireOwnStack(this, rotation, 'storage');
    refuseSecond(this, `RotatedBucket of ${name}`, (other) => other instanceof RotatedBucket && other.#of === name);
    this.#of = name;
    const target = guardedTarget(TerraformStack.of(this), rotation);
    this.keyArn = target.arn;
    this.bucketName = declareRotatedBucket(this, rotation, bucket, target);
  }

  readonly #of: string;
}

/** Declares the default encryption of a bucket, and the bucket where the rotation owns it. @returns its name, or a reference */
export function declareRotatedBucket(scope: Construct, rotation: Rotation, bucket: Bucket, target: Target): string {
  const tags = { ...rotation.tags, 'keyturn:rotation': rotation.name };
  const adopted = adoptedResources(rotation).storage;
  const name = bucket.manage === 'bucket' ? declareOwnedBucket(scope, bucket, { tags, target, adopted }) : bucket.name;
  declareEncryption(scope, bucket, name, target, adopted);
  return name;
}

/** The pin and the default name the same key, so that one apply moves both. */
function declareOwnedBucket(
  scope: Construct,
  { name, pinWriters, ...bucket }: Bucket,
  {
    target,
    ...props
  }: {
    readonly tags: Readonly<Record<string, string>>;
    readonly target: Target;
    readonly adopted: readonly AdoptedResource[];
  },
): string {
  const pinnedTo = pinWriters ? target : undefined;
  const owned = { bucket: name, partition: partitionOf(TerraformStack.of(scope)), pinnedTo, ...props };
  return new OwnedBucket(scope, bucketId({ name, ...bucket }), owned).name;
}

function declareEncryption(
  scope: Construct,
  bucket: Bucket,
  name: string,
  target: Target,
  adopted: readonly AdoptedResource[],
): void {
  const encryption = new S3BucketServerSideEncryptionConfigurationA(scope, `encryption_${bucketId(bucket)}`, {
    bucket: name,
    rule: [
      {
        // The full ARN: S3 would resolve an alias in the account of the writer.
        applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: target.arn },
        bucketKeyEnabled: bucket.bucketKey,
      },
    ],
    // Destroying it would silently reset the bucket to SSE-S3.
    lifecycle: { preventDestroy: true, precondition: [...target.guards] },
  });
  encryption.overrideLogicalId(bucketId(bucket));
  importAdopted(encryption, adopted);
}
