import { S3BucketObjectLockConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-object-lock-configuration';
import { S3BucketServerSideEncryptionConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration';
import type { Construct } from 'constructs';
import type { EvidenceBucket } from '../lib/rotation/settings';
import { OwnedBucket, type OwnedBucketProps } from './owned-bucket';

export interface SupportBucketProps extends Omit<OwnedBucketProps, 'objectLock'> {
  /** Retention of the objects; absent: objects are not locked. */
  readonly retention?: EvidenceBucket['retention'];
}

/**
 * A bucket that serves the rotation and holds none of its objects: manifests and reports of jobs, or evidence.
 *
 * Under S3's own key, and said so, whatever the account's default will be: S3 reads no hand-made manifest under a KMS
 * key, and evidence must be readable whatever becomes of the keys that it speaks of.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-create-job.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html
 */
export class SupportBucket extends OwnedBucket {
  constructor(scope: Construct, id: string, { retention, ...props }: SupportBucketProps) {
    super(scope, id, { ...props, objectLock: retention !== undefined });
    const encryption = new S3BucketServerSideEncryptionConfigurationA(this, 'encryption', {
      bucket: this.name,
      rule: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
      lifecycle: { preventDestroy: true },
    });
    encryption.overrideLogicalId(id);
    if (retention === undefined) return;
    const lock = new S3BucketObjectLockConfigurationA(this, 'lock', {
      bucket: this.name,
      rule: { defaultRetention: { mode: retention.mode, days: retention.days } },
      lifecycle: { preventDestroy: true },
      // S3 accepts it only for a bucket with versioning.
      dependsOn: [this.versioning],
    });
    lock.overrideLogicalId(id);
  }
}
