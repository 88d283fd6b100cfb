import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { generateIdentity } from '../../lib/key-material/age-identity';
import type { LocalAws, LocalAwsOptions } from '../../local-aws';
import { type BatchRolePolicyInput, batchRolePolicy } from '../../stacks/batch-role-policy';
import { newRole } from '../local-aws/s3-control/iam-role';
import { startTestAws } from './embedded-aws';
import { shortenWayTo, socketless } from './socketless';

/**
 * An endpoint, two Enabled keys, one bucket and a rotation file in a folder of its own, with the variables of this process
 * set to it. Keys and buckets come from ordinary clients, not Terraform.
 */
export interface SwitchedSite extends AsyncDisposable {
  readonly directory: string;
  readonly endpoint: LocalAws;
  readonly kms: KMSClient;
  readonly s3: S3Client;
  readonly bucket: string;
  /** ARNs of v1 and v2. */
  readonly arns: readonly [string, string];
  /** Puts an object under the bucket's default key. */
  put(key: string, more?: Readonly<Record<string, unknown>>): Promise<void>;
  /** Moves the bucket's default to v2 and writes the rotation file, with `more` at its end. */
  switch(more?: string): Promise<void>;
  /** A bucket that is nobody's rotation. */
  createBucket(name: string): Promise<void>;
  /** A bucket with object lock and a default retention. */
  createLockedBucket(name: string, mode: 'GOVERNANCE' | 'COMPLIANCE', days: number): Promise<void>;
  /**
   * What jobs need: a bucket for manifests and reports, and the role that the storage stack would make. Answers with the part of
   * the rotation file that declares them.
   */
  jobs(settings?: JobsOfSite): Promise<string>;
  keyOf(key: string): Promise<string | undefined>;
  stateOf(arn: string): Promise<string | undefined>;
}

export interface JobsOfSite {
  readonly engine?: 'batch' | 'auto';
  /** More members of `reencrypt.batch`, in YAML. */
  readonly more?: string;
  /** Statements of the role's policy. Default: those of the storage stack. */
  readonly may?: readonly object[];
  /** Otherwise than after a switch from v1 to v2. */
  readonly policy?: Partial<BatchRolePolicyInput>;
}

/** Bucket of manifests and reports. */
export const JOBS_BUCKET = 'ledger-jobs';

export async function switchedSite(
  options: LocalAwsOptions & { readonly bucket?: string; readonly firstIsMultiRegion?: boolean } = {},
): Promise<SwitchedSite> {
  const { bucket = 'ledger-of-the-team', firstIsMultiRegion = false, ...more } = options;
  const outside = { ...process.env };
  const endpoint = await startTestAws(more);
  const goTheLongWay = shortenWayTo(endpoint);
  const { url, region, accessKey: credentials } = endpoint;
  const client = { endpoint: url, region, credentials, requestHandler: socketless(() => endpoint) };
  const kms = new KMSClient(client);
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, endpoint.environment());
  const directory = await mkdtemp(path.join(tmpdir(), 'keyturn-switched-'));
  const location = { LocationConstraint: region as 'eu-west-1' };
  const create = (name: string, locked: boolean) =>
    s3.send(
      new CreateBucketCommand({
        Bucket: name,
        CreateBucketConfiguration: location,
        ObjectLockEnabledForBucket: locked,
      }),
    );
  const key = async (version: string): Promise<string> => {
    const { KeyMetadata } = await kms.send(
      new CreateKeyCommand({ MultiRegion: firstIsMultiRegion && version === 'v1' }),
    );
    const TargetKeyId = KeyMetadata?.KeyId;
    await kms.send(new CreateAliasCommand({ AliasName: `alias/ledger/${version}`, TargetKeyId }));
    if (version === 'v2') await kms.send(new CreateAliasCommand({ AliasName: 'alias/ledger', TargetKeyId }));
    return KeyMetadata?.Arn ?? '';
  };
  const setDefault = async (KMSMasterKeyID: string): Promise<void> => {
    const rule = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID },
      BucketKeyEnabled: true,
    } as const;
    await s3.send(
      new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }),
    );
  };
  const { recipient } = await generateIdentity(path.join(directory, 'identity.txt'));
  const arns = [await key('v1'), await key('v2')] as const;
  await create(bucket, true);
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  await setDefault(arns[0]);
  return {
    directory,
    endpoint,
    kms,
    s3,
    bucket,
    arns,
    async put(Key, extra = {}) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Buffer.from(Key), ...extra }));
    },
    async switch(text = '') {
      await setDefault(arns[1]);
      await writeFile(
        path.join(directory, 'rotation.yaml'),
        `name: ledger
region: ${region}
alias: alias/ledger
keyVersions: [{ name: v1 }, { name: v2 }]
activeVersion: v2
buckets: [{ name: ${bucket}, manage: encryption }]
custody: { age: { recipients: [${recipient}] } }
${text}`,
      );
    },
    async createBucket(name) {
      await create(name, false);
    },
    async createLockedBucket(name, Mode, Days) {
      await create(name, true);
      const ObjectLockConfiguration = {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode, Days } },
      } as const;
      await s3.send(new PutObjectLockConfigurationCommand({ Bucket: name, ObjectLockConfiguration }));
    },
    async jobs({ engine = 'batch', more: settings = '', may, policy = {} } = {}) {
      await create(JOBS_BUCKET, false);
      const { Statement } = batchRolePolicy({
        partition: 'aws',
        region,
        method: 'rewrap',
        buckets: [bucket],
        listedByS3: [bucket],
        store: { bucket: JOBS_BUCKET, prefix: 'keyturn/ledger/' },
        oldKeys: [arns[0]],
        newKey: arns[1],
        ...policy,
      });
      await newRole(endpoint, 'keyturn-ledger-batch', { may: may ?? Statement });
      return `reencrypt: { engine: ${engine}, batch: { bucket: ${JOBS_BUCKET}, manage: existing${settings} } }\n`;
    },
    keyOf: async (Key) => (await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))).SSEKMSKeyId,
    stateOf: async (arn) => (await kms.send(new DescribeKeyCommand({ KeyId: arn }))).KeyMetadata?.KeyState,
    async [Symbol.asyncDispose]() {
      process.env = outside;
      goTheLongWay();
      await endpoint.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
