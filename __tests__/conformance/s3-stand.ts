import { randomBytes } from 'node:crypto';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { createExternalKey, importMaterial, kmsClient } from './byok';

/** An endpoint with the SDK's S3 and KMS clients, as a program would make them; retries off, so refusals are seen once. */
export interface S3Stand {
  readonly aws: LocalAws;
  readonly s3: S3Client;
  /** The ARN of a new enabled key with material of KMS's own, which is made much faster than an imported one. */
  newKey(): Promise<string>;
  /** The ARN of a new enabled BYOK key. */
  newByokKey(): Promise<string>;
  close(): Promise<void>;
}

export async function openStand(): Promise<S3Stand> {
  const aws = await startTestAws();
  const s3 = new S3Client({ endpoint: aws.url, region: aws.region, credentials: aws.accessKey, maxAttempts: 1 });
  const kms = kmsClient(aws);
  return {
    aws,
    s3,
    newKey: async () => (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '',
    newByokKey: async () => {
      const { id, arn } = await createExternalKey(kms);
      await importMaterial(kms, id, randomBytes(32));
      return arn;
    },
    close: async () => {
      s3.destroy();
      kms.destroy();
      await aws.close();
    },
  };
}

let made = 0;

/** A new bucket with a name of its own. */
export async function newBucket(s3: S3Client, options: { lock?: boolean; versioned?: boolean } = {}): Promise<string> {
  made += 1;
  const Bucket = `conformance-${made}`;
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: 'ap-northeast-1' },
      ObjectLockEnabledForBucket: options.lock ?? false,
    }),
  );
  if (options.versioned === true) {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  }
  return Bucket;
}

/** Sets the default encryption; SSE-C writes are let through. */
export async function encryptBucket(s3: S3Client, Bucket: string, keyArn: string, bucketKey: boolean): Promise<void> {
  const ServerSideEncryptionConfiguration = {
    Rules: [
      {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: keyArn },
        BucketKeyEnabled: bucketKey,
        BlockedEncryptionTypes: { EncryptionType: ['NONE' as const] },
      },
    ],
  };
  await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }));
}

/** Puts an object and answers its version ID. */
export async function put(
  s3: S3Client,
  Bucket: string,
  Key: string,
  rest: Omit<PutObjectCommandInput, 'Bucket' | 'Key'> = { Body: 'content' },
): Promise<string> {
  const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, ...rest }));
  return VersionId ?? '';
}

/** HeadObject without the response's transport details. */
export async function head(s3: S3Client, Bucket: string, Key: string, VersionId?: string) {
  const { $metadata, ...rest } = await s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }));
  return { status: $metadata.httpStatusCode, ...rest };
}
