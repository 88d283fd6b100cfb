import { GetBucketReplicationCommand, type ReplicationRule, type S3Client } from '@aws-sdk/client-s3';
import { awsCodeOf, called } from '../aws/failures';
import { askBuckets } from './ask-buckets';

/** A rule by which S3 writes replicas under a key. */
export interface ReplicaRule {
  /** The bucket that is replicated. */
  readonly bucket: string;
  /** ARN of the bucket that the replicas go to. */
  readonly destination: string;
  /** As the rule names it: ARN, id, alias, ARN of an alias. */
  readonly keyId: string;
}

export interface ReplicaKeysRequest {
  readonly buckets: readonly string[];
  /** 12 digits: the owner of the buckets. */
  readonly account: string;
  readonly signal: AbortSignal;
}

/** The keys that replication writes under. */
export interface ReplicaKeys {
  readonly rules: readonly ReplicaRule[];
  /** Sentences without a period: what could not be seen, and of which bucket. */
  readonly unknown: readonly { readonly bucket: string; readonly text: string }[];
}

const ACTION = 's3:GetReplicationConfiguration';
/** There is no such bucket any more, or it has no replication. */
const NONE = new Set(['NoSuchBucket', 'ReplicationConfigurationNotFoundError']);
const UNSUPPORTED = new Set(['NotImplemented', 'MethodNotAllowed']);

/**
 * Asks each bucket for the rules of its replication that are on and name a key. S3 does not check that key when a rule is made, and says
 * nothing to the writer when replicas cannot be written under it.
 *
 * @throws KeyturnError as `called`, but not for what is denied; interrupted
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html
 */
export async function replicaKeys(
  s3: S3Client,
  { buckets, account, signal }: ReplicaKeysRequest,
): Promise<ReplicaKeys> {
  const { answers, denied } = await askBuckets({
    buckets,
    signal,
    action: ACTION,
    during: 'reading the replication of buckets',
    ask: (bucket) => rulesOf(s3, bucket, account),
  });
  const silent = answers.filter(({ answer }) => answer === undefined).map(({ bucket }) => bucket);
  return {
    rules: answers.flatMap(({ answer = [] }) => answer),
    unknown: [
      ...denied.map(({ bucket }) => ({
        bucket,
        text: `${ACTION} is denied on ${bucket}, so its replicas are not known`,
      })),
      ...silent.map((bucket) => ({ bucket, text: `the endpoint does not say whether ${bucket} is replicated` })),
    ],
  };
}

/** Undefined where the endpoint does not know the question. */
async function rulesOf(s3: S3Client, bucket: string, account: string): Promise<readonly ReplicaRule[] | undefined> {
  try {
    const command = new GetBucketReplicationCommand({ Bucket: bucket, ExpectedBucketOwner: account });
    const answer = await called(ACTION, `arn:aws:s3:::${bucket}`, () => s3.send(command));
    return (answer.ReplicationConfiguration?.Rules ?? []).flatMap((rule) => keyIn(bucket, rule));
  } catch (error) {
    const code = awsCodeOf(error) ?? '';
    if (NONE.has(code)) return [];
    if (UNSUPPORTED.has(code)) return undefined;
    throw error;
  }
}

function keyIn(bucket: string, { Status, Destination }: ReplicationRule): readonly ReplicaRule[] {
  const keyId = Destination?.EncryptionConfiguration?.ReplicaKmsKeyID;
  if (Status === 'Disabled' || keyId === undefined) return [];
  return [{ bucket, destination: Destination?.Bucket ?? 'an unnamed bucket', keyId }];
}
