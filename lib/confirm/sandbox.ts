import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  PutBucketTaggingCommand,
  waitUntilBucketExists,
} from '@aws-sdk/client-s3';
import type { AwsClients } from '../aws/clients';
import { called } from '../aws/failures';
import type { SandboxKeys } from './sandbox-keys';
import { bucketPrefix, MARK_TAG } from './sandbox-mark';
import { SandboxObjects } from './sandbox-objects';

/** What a run of probes works with. */
export interface Sandbox {
  readonly clients: AwsClients;
  /** 12 digits. */
  readonly account: string;
  readonly region: string;
  /** The mark of the run. */
  readonly mark: string;
  readonly bucket: string;
  readonly keys: SandboxKeys;
  readonly objects: SandboxObjects;
  readonly signal: AbortSignal;
  /** How long a probe waits for what AWS shows late, in milliseconds. */
  readonly waitMs: number;
  /** A role that the identity may assume; probes about restricted callers need it. */
  readonly role: string | undefined;
  /** A role for S3 Batch Operations; probes about jobs need it. */
  readonly jobRole: string | undefined;
}

export type SandboxRequest = Omit<Sandbox, 'bucket' | 'keys' | 'objects'>;

/** Creates the bucket of a run and tags it. Keys are created when a probe first needs one. */
export async function openSandbox(request: SandboxRequest, keys: SandboxKeys): Promise<Sandbox> {
  const { clients, account, region, mark, signal } = request;
  const bucket = `${bucketPrefix(account)}${mark}`;
  const CreateBucketConfiguration = { LocationConstraint: region as BucketLocationConstraint };
  const create = new CreateBucketCommand({
    Bucket: bucket,
    ...(region === 'us-east-1' ? {} : { CreateBucketConfiguration }),
  });
  await called('s3:CreateBucket', bucket, () => clients.s3.send(create));
  await called('s3:ListBucket', bucket, () =>
    waitUntilBucketExists(
      { client: clients.s3, maxWaitTime: 60, minDelay: 1, abortSignal: signal },
      { Bucket: bucket },
    ),
  );
  const tag = new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet: [{ Key: MARK_TAG, Value: mark }] } });
  await called('s3:PutBucketTagging', bucket, () => clients.s3.send(tag));
  return { ...request, bucket, keys, objects: new SandboxObjects(clients.s3, bucket) };
}
