import { type KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { AwsClients } from '../aws/clients';
import { awsCodeOf, called } from '../aws/failures';
import { isCode, KeyturnError } from '../errors';
import { bucketPrefix, isMark, MARK_TAG } from './sandbox-mark';
import { scheduleOwnKeyDeletion } from './schedule-key-deletion';

/** What was found of this or earlier runs, and removed. */
export interface Removed {
  /** Names of the buckets that are gone. */
  readonly buckets: readonly string[];
  /** ARNs of the keys whose deletion was scheduled now. */
  readonly keys: readonly string[];
}

/**
 * Removes everything that runs of `confirm` left in the account and Region: empties and deletes the buckets that have
 * its tag, and schedules the deletion of the keys that do. So one run at a time.
 *
 * A bucket that a killed run had not tagged yet is empty. One with that name and objects, but no tag, is left alone.
 *
 * @throws KeyturnError as `called`
 */
export async function removeSandboxes({ kms, s3 }: Pick<AwsClients, 'kms' | 's3'>, account: string): Promise<Removed> {
  const buckets: string[] = [];
  for (const { name, isTagged } of await sandboxBuckets(s3, account)) {
    if (isTagged) await emptyBucket(s3, name);
    if (await isDeleted(s3, name, isTagged)) buckets.push(name);
  }
  const keys: string[] = [];
  for await (const arn of keyArns(kms)) if (await isScheduled(kms, arn)) keys.push(arn);
  return { buckets, keys };
}

async function sandboxBuckets(s3: S3Client, account: string) {
  const found: { readonly name: string; readonly isTagged: boolean }[] = [];
  let ContinuationToken: string | undefined;
  do {
    const command: ListBucketsCommand = new ListBucketsCommand({ Prefix: bucketPrefix(account), ContinuationToken });
    const page = await called('s3:ListAllMyBuckets', '*', () => s3.send(command));
    for (const { Name: name = '' } of page.Buckets ?? []) {
      if (!name.startsWith(bucketPrefix(account))) continue;
      const mark = await markOf(s3, name);
      if (mark === 'none' || isMark(mark)) found.push({ name, isTagged: mark !== 'none' });
    }
    ContinuationToken = page.ContinuationToken;
  } while (ContinuationToken !== undefined);
  return found;
}

/** The tag's value; `none` for a bucket without tags; undefined for one with other tags alone. */
async function markOf(s3: S3Client, Bucket: string): Promise<string | undefined> {
  try {
    const answer = await called('s3:GetBucketTagging', Bucket, () => s3.send(new GetBucketTaggingCommand({ Bucket })));
    return answer.TagSet?.find(({ Key }) => Key === MARK_TAG)?.Value;
  } catch (error) {
    if (awsCodeOf(error) === 'NoSuchTagSet') return 'none';
    throw error;
  }
}

async function isDeleted(s3: S3Client, Bucket: string, isTagged: boolean): Promise<boolean> {
  try {
    await called('s3:DeleteBucket', Bucket, () => s3.send(new DeleteBucketCommand({ Bucket })));
    return true;
  } catch (error) {
    if (!isTagged && awsCodeOf(error) === 'BucketNotEmpty') return false;
    throw error;
  }
}

async function emptyBucket(s3: S3Client, Bucket: string): Promise<void> {
  for (;;) {
    const page = await called('s3:ListBucketVersions', Bucket, () =>
      s3.send(new ListObjectVersionsCommand({ Bucket })),
    );
    const Objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({
      Key,
      VersionId,
    }));
    if (Objects.length === 0) return;
    const command = new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } });
    const { Errors = [] } = await called('s3:DeleteObjectVersion', Bucket, () => s3.send(command));
    const [first] = Errors;
    if (first === undefined) continue;
    const facts = { awsCode: first.Code ?? 'Unknown', awsMessage: first.Message ?? '', requestId: undefined };
    throw new KeyturnError('aws-failed', { action: 's3:DeleteObjectVersion', resource: Bucket, ...facts });
  }
}

async function* keyArns(kms: KMSClient): AsyncGenerator<string> {
  let Marker: string | undefined;
  do {
    const command: ListKeysCommand = new ListKeysCommand({ Marker });
    const page = await called('kms:ListKeys', '*', () => kms.send(command));
    for (const { KeyArn } of page.Keys ?? []) if (KeyArn !== undefined) yield KeyArn;
    Marker = page.Truncated ? page.NextMarker : undefined;
  } while (Marker !== undefined);
}

/** A key whose policy hides its tags is none of a run: those have the default policy. */
async function isScheduled(kms: KMSClient, arn: string): Promise<boolean> {
  try {
    return (await scheduleOwnKeyDeletion(kms, arn)) === 'scheduled';
  } catch (error) {
    if (isCode(error, 'aws-access-denied') && error.facts.action === 'kms:ListResourceTags') return false;
    throw error;
  }
}
