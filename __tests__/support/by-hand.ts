import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import type { LocalAws } from '../../local-aws';
import { importedKey } from '../conformance/byok';
import { startTestAws } from './embedded-aws';
import { socketless } from './socketless';

/** An account in which somebody made keys, aliases and buckets by hand, and a folder without a rotation file. */
export interface ByHand extends AsyncDisposable {
  readonly directory: string;
  readonly endpoint: LocalAws;
  readonly kms: KMSClient;
  readonly s3: S3Client;
  /** A key with imported material, behind an alias if one is given. */
  importedKey(alias?: string): Promise<{ readonly arn: string; readonly material: Buffer }>;
  /** A key whose material KMS made. */
  awsKey(alias?: string): Promise<string>;
  /** A bucket whose default names the key; undefined: SSE-S3. */
  bucket(name: string, keyId?: string, objectLock?: boolean): Promise<void>;
  /** The bucket's default names the key from now on. */
  setDefault(bucket: string, keyId: string): Promise<void>;
  put(Bucket: string, Key: string, more?: Partial<PutObjectCommandInput>): Promise<void>;
}

export async function byHand(): Promise<ByHand> {
  const outside = { ...process.env };
  const endpoint = await startTestAws();
  const { url, region, accessKey: credentials } = endpoint;
  const client = { endpoint: url, region, credentials, requestHandler: socketless(() => endpoint) };
  const kms = new KMSClient(client);
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, endpoint.environment());
  const directory = await mkdtemp(path.join(tmpdir(), 'keyturn-by-hand-'));
  const named = async (arn: string, alias: string | undefined): Promise<void> => {
    if (alias) await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: arn }));
  };
  const setDefault = (bucket: string, keyId: string) => putDefault(s3, bucket, keyId);
  return {
    directory,
    endpoint,
    kms,
    s3,
    async importedKey(alias) {
      const { arn, material } = await importedKey(kms);
      await named(arn, alias);
      return { arn, material };
    },
    async awsKey(alias) {
      const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
      await named(KeyMetadata?.Arn ?? '', alias);
      return KeyMetadata?.Arn ?? '';
    },
    async bucket(Bucket, KMSMasterKeyID, ObjectLockEnabledForBucket = false) {
      const CreateBucketConfiguration = { LocationConstraint: region as 'eu-west-1' };
      await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration, ObjectLockEnabledForBucket }));
      if (KMSMasterKeyID !== undefined) await setDefault(Bucket, KMSMasterKeyID);
    },
    setDefault,
    async put(Bucket, Key, more = {}) {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key, ...more }));
    },
    async [Symbol.asyncDispose]() {
      process.env = outside;
      await endpoint.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A key with an alias, and a bucket with an object under it: the end of the README's walk-through, by SDK calls. @returns the key's ARN */
export async function madeByHand(
  { kms, s3 }: Pick<ByHand, 'kms' | 's3'>,
  AliasName: string,
  Bucket: string,
  Key: string,
  Body: string,
): Promise<string> {
  const { arn } = await importedKey(kms);
  await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: arn }));
  await s3.send(new CreateBucketCommand({ Bucket }));
  await putDefault(s3, Bucket, arn);
  await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  return arn;
}

async function putDefault(s3: S3Client, Bucket: string, KMSMasterKeyID: string): Promise<void> {
  const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID } as const;
  const ServerSideEncryptionConfiguration = { Rules: [{ ApplyServerSideEncryptionByDefault }] };
  await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }));
}
