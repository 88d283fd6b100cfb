import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { leftBehindBucket } from './rehearsed-file';
import type { Stage } from './stage';

/** The one object that is left under v1. */
export const LEFT_BEHIND_KEY = 'forgotten/ledger-2019.csv';

/** Adopted buckets must exist before the rotation: an ordinary client creates them, as their owner would. */
export async function createAdoptedBuckets(stage: Stage): Promise<void> {
  for (const bucket of stage.sample.buckets) if (bucket.manage === 'encryption') await createBucket(stage, bucket.name);
  await createBucket(stage, leftBehindBucket(stage.sample));
}

/** A versioned bucket, made by an ordinary client. */
export async function createBucket({ s3, sample }: Stage, name: string): Promise<void> {
  const location = sample.region as 'eu-west-1';
  const configuration =
    sample.region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: location } };
  await s3.send(new CreateBucketCommand({ Bucket: name, ...configuration }));
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
}

/** Puts an object under v1 into the unmanaged bucket, by a writer that names the key: the gate would see a bucket default. */
export async function leaveObjectBehind({ s3, sample }: Stage, keyArn: string): Promise<void> {
  const key = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn } as const;
  await s3.send(
    new PutObjectCommand({ Bucket: leftBehindBucket(sample), Key: LEFT_BEHIND_KEY, Body: 'amount\n42\n', ...key }),
  );
}
