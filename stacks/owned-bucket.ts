import { S3Bucket } from '@cdktf/provider-aws/lib/s3-bucket';
import { S3BucketOwnershipControls } from '@cdktf/provider-aws/lib/s3-bucket-ownership-controls';
import { S3BucketPolicy } from '@cdktf/provider-aws/lib/s3-bucket-policy';
import { S3BucketPublicAccessBlock } from '@cdktf/provider-aws/lib/s3-bucket-public-access-block';
import { S3BucketVersioningA } from '@cdktf/provider-aws/lib/s3-bucket-versioning';
import { Fn } from 'cdktf';
import { Construct } from 'constructs';
import type { AdoptedResource } from '../lib/rotation/adopted-resources';
import { bucketPolicy } from './bucket-policy';
import type { Target } from './guard';
import { importAdopted } from './import-adopted';

export interface OwnedBucketProps {
  readonly bucket: string;
  readonly partition: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Whether objects can be locked; S3 allows this only at creation of the bucket. Default: false. */
  readonly objectLock?: boolean;
  /** The only key that a writer may name. Absent: writers may name any. */
  readonly pinnedTo?: Target | undefined;
  /** What exists already. Default: nothing. */
  readonly adopted?: readonly AdoptedResource[];
}

/**
 * A bucket that the storage stack creates and owns: versioned, closed to the public, owner-enforced, TLS only, and
 * never destroyed by Terraform. The caller declares its default encryption. All of its resources carry the
 * construct's id as their Terraform name.
 */
export class OwnedBucket extends Construct {
  /** A reference to the bucket's name; it makes users depend on the bucket. */
  readonly name: string;
  protected readonly versioning: S3BucketVersioningA;

  constructor(
    scope: Construct,
    id: string,
    { bucket, partition, tags, objectLock = false, pinnedTo, adopted = [] }: OwnedBucketProps,
  ) {
    super(scope, id);
    const created = new S3Bucket(this, 'bucket', {
      bucket,
      tags: { ...tags },
      ...(objectLock ? { objectLockEnabled: true } : {}),
      lifecycle: { preventDestroy: true },
    });
    // Before the first reference, because references hold the current name.
    created.overrideLogicalId(id);
    this.name = created.id;
    this.versioning = new S3BucketVersioningA(this, 'versioning', {
      bucket: this.name,
      versioningConfiguration: { status: 'Enabled' },
    });
    const access = new S3BucketPublicAccessBlock(this, 'access', {
      bucket: this.name,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const ownership = new S3BucketOwnershipControls(this, 'ownership', {
      bucket: this.name,
      rule: { objectOwnership: 'BucketOwnerEnforced' },
    });
    for (const resource of [this.versioning, access, ownership]) resource.overrideLogicalId(id);
    for (const resource of [created, this.versioning]) importAdopted(resource, adopted);
    const policy = new S3BucketPolicy(this, 'policy', {
      bucket: this.name,
      policy: Fn.jsonencode(bucketPolicy({ bucket, partition, pinnedTo: pinnedTo?.arn })),
      // S3 responds with 409 OperationAborted to concurrent changes of bucket settings.
      dependsOn: [access, ownership],
      ...(pinnedTo ? { lifecycle: { precondition: [...pinnedTo.guards] } } : {}),
    });
    policy.overrideLogicalId(id);
  }
}
