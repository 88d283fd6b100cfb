import { GetBucketEncryptionCommand, paginateListBuckets, type S3Client } from '@aws-sdk/client-s3';
import { awsCodeOf, called } from '../aws/failures';
import { isCode } from '../errors';
import { askBuckets } from './ask-buckets';

export interface OtherDefaultsRequest {
  /** Buckets are listed of this Region only: a bucket's default key is of its own Region. */
  readonly region: string;
  readonly account: string;
  /** Buckets that are known otherwise. */
  readonly except: readonly string[];
  /** Buckets that are asked even where the account's buckets may not be listed. */
  readonly also: readonly string[];
  readonly signal: AbortSignal;
}

/** The default keys of an account's other buckets. */
export interface OtherDefaults {
  /** The buckets that were asked. */
  readonly asked: readonly string[];
  /** `keyId` as the bucket names it: ARN, id, alias, ARN of an alias. */
  readonly defaults: readonly { readonly bucket: string; readonly keyId: string }[];
  /** What could not be seen: the denied IAM action, and the bucket where it is about one. */
  readonly denied: readonly { readonly action: string; readonly bucket: string | undefined }[];
}

/**
 * Asks every other bucket of the account for its default encryption.
 *
 * @throws KeyturnError as `called`, but not for what is denied; interrupted
 */
export async function otherDefaults(s3: S3Client, request: OtherDefaultsRequest): Promise<OtherDefaults> {
  const { account, except, also, signal } = request;
  const denied: { action: string; bucket: string | undefined }[] = [];
  const names = await bucketNames(s3, request.region).catch((error: unknown) => {
    if (!isCode(error, 'aws-access-denied')) throw error;
    denied.push({ action: 's3:ListAllMyBuckets', bucket: undefined });
    return [];
  });
  const asked = [...new Set([...names, ...also])].filter((name) => !except.includes(name)).sort();
  const found = await askBuckets({
    buckets: asked,
    signal,
    action: 's3:GetEncryptionConfiguration',
    during: 'reading the default keys of other buckets',
    ask: (bucket) => defaultKeyOf(s3, bucket, account),
  });
  const defaults = found.answers.flatMap(({ bucket, answer: keyId }) =>
    keyId === undefined ? [] : [{ bucket, keyId }],
  );
  return { asked, defaults, denied: [...denied, ...found.denied] };
}

async function bucketNames(s3: S3Client, region: string): Promise<readonly string[]> {
  return called('s3:ListAllMyBuckets', '*', async () => {
    const names: string[] = [];
    for await (const page of paginateListBuckets({ client: s3 }, { BucketRegion: region, MaxBuckets: 1_000 })) {
      for (const { Name, BucketRegion = region } of page.Buckets ?? []) {
        if (Name !== undefined && BucketRegion === region) names.push(Name);
      }
    }
    return names;
  });
}

async function defaultKeyOf(s3: S3Client, bucket: string, account: string): Promise<string | undefined> {
  try {
    const command = new GetBucketEncryptionCommand({ Bucket: bucket, ExpectedBucketOwner: account });
    const answer = await called('s3:GetEncryptionConfiguration', `arn:aws:s3:::${bucket}`, () => s3.send(command));
    const rules = answer.ServerSideEncryptionConfiguration?.Rules ?? [];
    return rules.map((rule) => rule.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID).find((id) => id !== undefined);
  } catch (error) {
    if (GONE.has(awsCodeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** The bucket was deleted meanwhile, or has no default of its own. */
const GONE = new Set(['NoSuchBucket', 'ServerSideEncryptionConfigurationNotFoundError']);
