import { KmsAlias } from '@cdktf/provider-aws/lib/kms-alias';
import { S3BucketServerSideEncryptionConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration';
import { TerraformOutput, TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { type AdoptedResource, adoptedResources } from '../lib/rotation/adopted-resources';
import { activeVersion, type Bucket, type Rotation, stackNames } from '../lib/rotation/rotation';
import { declareAwsProvider } from './aws-provider';
import { declareBackend } from './backend';
import { declareBatchJobs } from './batch-jobs';
import { guardedTarget, sameAccount, type Target } from './guard';
import { partitionOf } from './identity';
import { importAdopted } from './import-adopted';
import { bucketId, EVIDENCE_ID } from './logical-ids';
import { NoKeyMaterial } from './no-material';
import { OwnedBucket } from './owned-bucket';
import { SupportBucket } from './support-bucket';

/**
 * `<name>-storage`: the main alias and each bucket's default encryption, on the active version, behind the guard; and
 * the buckets themselves where the file says `manage: bucket`; with an engine that takes jobs, what those need; and
 * the bucket of the evidence, where one is named.
 *
 * It refers to nothing of the keys stack: the active key is looked up when the plan is made. Output `active_key_arn` is
 * what alias and defaults point at.
 */
export class StorageStack extends TerraformStack {
  constructor(scope: Construct, rotation: Rotation) {
    super(scope, stackNames(rotation).storage);
    declareBackend(this, rotation);
    declareAwsProvider(this, rotation);
    this.node.addValidation(new NoKeyMaterial(this));

    const target = guardedTarget(this, rotation);
    this.#declareAlias(rotation, target);
    const tags = { ...rotation.tags, 'keyturn:rotation': rotation.name };
    const adopted = adoptedResources(rotation).storage;
    for (const bucket of rotation.buckets) {
      const name = bucket.manage === 'bucket' ? this.#declareBucket(bucket, { tags, target, adopted }) : bucket.name;
      this.#declareEncryption(bucket, name, target, adopted);
    }
    const { engine, batch } = rotation.reencrypt;
    if (engine !== 'local' && batch !== undefined)
      declareBatchJobs(this, rotation, { settings: batch, newKey: target.arn, tags });
    const evidence = rotation.evidence.bucket;
    if (evidence !== undefined)
      new SupportBucket(this, EVIDENCE_ID, {
        bucket: evidence.name,
        partition: partitionOf(this),
        tags,
        retention: evidence.retention,
      });
    new TerraformOutput(this, 'active_key_arn', {
      value: target.arn,
      description: 'ARN of the key that the alias and the bucket defaults point at',
    });
  }

  /** The pin and the default name the same key, so that one apply moves both. */
  #declareBucket(
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
    const owned = { bucket: name, partition: partitionOf(this), pinnedTo, ...props };
    return new OwnedBucket(this, bucketId({ name, ...bucket }), owned).name;
  }

  /** An alias cannot point at a key of another account; then only the bucket defaults name the key. */
  #declareAlias(rotation: Rotation, target: Target): void {
    const owner = activeVersion(rotation).keyArn?.split(':')[4];
    if (owner !== undefined && rotation.account !== undefined && owner !== rotation.account) return;
    const unknown = owner !== undefined && rotation.account === undefined;
    const guards = unknown ? [...target.guards, sameAccount(this, rotation, owner)] : target.guards;
    const alias = new KmsAlias(this, 'main', {
      name: rotation.alias,
      targetKeyId: target.arn,
      lifecycle: { precondition: [...guards] },
    });
    importAdopted(alias, adoptedResources(rotation).storage);
  }

  #declareEncryption(bucket: Bucket, name: string, target: Target, adopted: readonly AdoptedResource[]): void {
    const encryption = new S3BucketServerSideEncryptionConfigurationA(this, `encryption_${bucketId(bucket)}`, {
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
}
