import {
  GetBucketReplicationCommand,
  ListBucketInventoryConfigurationsCommand,
  type ReplicationRule,
  type S3Client,
} from '@aws-sdk/client-s3';
import { type Answered, answeredIfPossible } from '../aws/answered';
import { awsCodeOf, called } from '../aws/failures';

/** A setting of a bucket that names a KMS key. */
export interface NamedKey {
  readonly bucket: string;
  /** `replication rule to-osaka`, `inventory weekly`. */
  readonly setting: string;
  /** As it is written there: ARN, id or alias. */
  readonly keyId: string;
}

/**
 * The keys that the replication rules of a bucket name for its replicas. S3 does not check them, and replication under a disabled key fails
 * without an error to the writer.
 *
 * @throws KeyturnError `interrupted`, and for missing credentials; whatever else is wrong is an unknown answer
 */
export function replicationKeys(s3: S3Client, bucket: string, account: string): Promise<Answered<readonly NamedKey[]>> {
  return answeredIfPossible('s3:GetReplicationConfiguration', async () => {
    const command = new GetBucketReplicationCommand({ Bucket: bucket, ExpectedBucketOwner: account });
    try {
      const send = () => s3.send(command);
      const answer = await called('s3:GetReplicationConfiguration', `arn:aws:s3:::${bucket}`, send);
      return (answer.ReplicationConfiguration?.Rules ?? []).flatMap((rule) => keyOfRule(bucket, rule));
    } catch (error) {
      if (NONE.has(awsCodeOf(error) ?? '')) return [];
      throw error;
    }
  });
}

const NONE = new Set(['ReplicationConfigurationNotFoundError', 'NoSuchBucket']);

function keyOfRule(bucket: string, { ID = 'without an id', Destination }: ReplicationRule): readonly NamedKey[] {
  const keyId = Destination?.EncryptionConfiguration?.ReplicaKmsKeyID;
  return keyId === undefined ? [] : [{ bucket, setting: `replication rule ${ID}`, keyId }];
}

/** The keys under which S3 writes the inventories of a bucket. @throws as {@link replicationKeys} */
export function inventoryKeys(s3: S3Client, bucket: string, account: string): Promise<Answered<readonly NamedKey[]>> {
  return answeredIfPossible('s3:GetInventoryConfiguration', async () => {
    const found: NamedKey[] = [];
    let token: string | undefined;
    do {
      const command = new ListBucketInventoryConfigurationsCommand({
        Bucket: bucket,
        ExpectedBucketOwner: account,
        ContinuationToken: token,
      });
      const answer = await called('s3:GetInventoryConfiguration', `arn:aws:s3:::${bucket}`, () => s3.send(command));
      for (const { Id = '', Destination } of answer.InventoryConfigurationList ?? []) {
        const keyId = Destination?.S3BucketDestination?.Encryption?.SSEKMS?.KeyId;
        if (keyId !== undefined) found.push({ bucket, setting: `inventory ${Id}`, keyId });
      }
      token = answer.IsTruncated ? answer.NextContinuationToken : undefined;
    } while (token !== undefined);
    return found;
  });
}
