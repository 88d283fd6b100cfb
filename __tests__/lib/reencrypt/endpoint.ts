import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import type { ReencryptRequest } from '../../../lib/reencrypt/reencrypt-bucket';
import { openDirectClient } from '../../../lib/s3/direct-client';
import { createDirectStore } from '../../../lib/s3/direct-store';
import { createSdkStore } from '../../../lib/s3/sdk-store';
import type { ObjectStore } from '../../../lib/s3/store';
import { NO_NAMED_SOURCES } from '../../../lib/s3/version-scope';
import type { LocalAws, LocalAwsOptions } from '../../../local-aws';
import { startTestAws } from '../../support/embedded-aws';
import { socketless } from '../../support/socketless';

/** An endpoint with an old and a new key, and clients that point at it. */
export interface TestEndpoint {
  readonly aws: LocalAws;
  /** For what a test does and sees itself: without sockets, which costs half the time. */
  readonly s3: S3Client;
  /** For what is tested: through sockets. */
  readonly productS3: S3Client;
  readonly kms: KMSClient;
  readonly oldKey: string;
  readonly newKey: string;
  bucket(name: string, versioning?: 'Enabled' | 'Suspended'): Promise<string>;
  /** Puts an object under the old key, unless told otherwise. */
  put(bucket: string, key: string, over?: Partial<PutObjectCommandInput>): Promise<string | undefined>;
  request(bucket: string, over?: Partial<ReencryptRequest>): ReencryptRequest;
  /** The direct S3 client, as the product uses it, or the SDK's. */
  store(path?: 'wire' | 'sdk'): ObjectStore;
  close(): Promise<void>;
}

export async function testEndpoint(options: LocalAwsOptions = {}): Promise<TestEndpoint> {
  const aws = await startTestAws(options);
  const credentials = { accessKeyId: aws.accessKey.accessKeyId, secretAccessKey: aws.accessKey.secretAccessKey };
  const settings = { region: aws.region, endpoint: aws.url, credentials, maxAttempts: 1 };
  const requestHandler = socketless(() => aws);
  const s3 = new S3Client({ ...settings, forcePathStyle: true, requestHandler });
  const productS3 = new S3Client({ ...settings, forcePathStyle: true });
  const kms = new KMSClient({ ...settings, requestHandler });
  const key = async () => (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
  const [oldKey, newKey] = [await key(), await key()];
  const wire = openDirectClient(productS3);
  return {
    aws,
    s3,
    productS3,
    kms,
    oldKey,
    newKey,
    async bucket(Bucket, Status) {
      const CreateBucketConfiguration = { LocationConstraint: aws.region } as never;
      await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
      if (Status) await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
      return Bucket;
    },
    async put(Bucket, Key, over) {
      const under = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: oldKey, BucketKeyEnabled: true } as const;
      const answer = await s3.send(new PutObjectCommand({ Bucket, Key, Body: `body of ${Key}`, ...under, ...over }));
      return answer.VersionId;
    },
    request: (bucket, over) => ({
      bucket,
      targetKeyArn: newKey,
      sources: { versionKeyArns: [oldKey], unresolvedVersions: [], from: NO_NAMED_SOURCES },
      bucketKeyDefault: true,
      method: 'rewrap',
      dryRun: false,
      retry: { baseMs: 1, capMs: 8 },
      ...over,
    }),
    store: (path = 'wire') =>
      path === 'sdk' ? createSdkStore(productS3) : createDirectStore(wire, createSdkStore(productS3)),
    async close() {
      await wire.close();
      productS3.destroy();
      await aws.close();
    },
  };
}
