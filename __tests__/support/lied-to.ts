import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { generateIdentity } from '../../lib/key-material/age-identity';
import type { LocalAws } from '../../local-aws';
import { speak } from './command-line';
import { startTestAws } from './embedded-aws';
import { type LiarCase, type LiarFacts, startLiar, type Telling } from './liar';
import { skipWaits } from './skipped-waits';
import { socketless } from './socketless';

/** What a version is under. `held`: under the old key, and a legal hold keeps it there. */
export type Under = 'old' | 'old twice' | 'held' | 'active' | 'other' | 'sse-s3';

export interface Put {
  readonly key: string;
  readonly under: Under;
}

/** A replica bears the date of its source. */
type LastAct = 'puts under the old key last' | 'replicates under the old key last';

/** Somebody else, who acts once while Keyturn runs. */
export interface Writer {
  readonly act: 'puts' | 'puts under the old key' | LastAct | 'deletes' | 'overwrites';
  /** Before the n-th request; `puts under the old key`: the n-th listing of the re-encryption; {@link LastAct}: just before DisableKey. */
  readonly nth: number;
  readonly key: string;
}

/** Milliseconds. */
const DAY = 86_400_000;

/** A bucket, what is in it, who writes, and the lie that is told about it. */
export interface Case {
  readonly versioning: 'none' | 'enabled' | 'suspended' | 'locked';
  readonly puts: readonly Put[];
  /** Keys that are deleted afterwards. */
  readonly deletes: readonly string[];
  /** Whether everything was written a day before: it is then verified behind the move, and new versions at the end. Default false. */
  readonly isOld?: boolean;
  /** An upload that stays open, begun under the old key. */
  readonly upload: boolean;
  readonly method: 'rewrap' | 'rewrite';
  /** Whether the disable is rehearsed as a role that may read everything. */
  readonly rehearses?: boolean;
  readonly writer: Writer | undefined;
  readonly telling: Telling | undefined;
}

/** What came of a case. Versions by `<version id> <key>`. */
export interface Verdict {
  readonly exitCode: number;
  readonly isDisabled: boolean;
  /** Versions that can be read only with the old key. */
  readonly underOld: readonly string[];
  readonly told: number;
  readonly stderr: string;
}

export interface LiedTo extends AsyncDisposable {
  /** Runs post-apply over a new bucket, and compares with what AWS holds. */
  try(one: Case): Promise<Verdict>;
}

/** What one case happens in: an endpoint of its own, so that nothing of another case is left over. */
interface World {
  readonly aws: LocalAws;
  readonly s3: S3Client;
  readonly bucket: string;
  readonly facts: LiarFacts;
}

/** A rotation that is switched, and a liar between it and AWS. */
export async function liedTo(): Promise<LiedTo> {
  const outside = { ...process.env };
  const directory = await mkdtemp(path.join(tmpdir(), 'keyturn-lied-to-'));
  const { recipient } = await generateIdentity(path.join(directory, 'identity.txt'));
  const liar = await startLiar();
  const waits = skipWaits();
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  return {
    async try(one) {
      waits.restart();
      await using aws = await closing(startTestAws());
      Object.assign(process.env, aws.environment(), { AWS_ENDPOINT_URL: liar.url });
      const world = await worldOf(aws, one);
      const { bucket, facts } = world;
      await writeFile(path.join(directory, 'rotation.yaml'), rotationFile(aws, bucket, recipient, one));
      liar.begin({ aws, facts, telling: one.telling, before: writerOf(world, one.writer) });
      const { exitCode, stderr } = await speak(directory, ['post-apply', '--yes', '--relist-delay', '0s', '--json']);
      const state = (await kmsOf(aws).send(new DescribeKeyCommand({ KeyId: facts.oldKeyArn }))).KeyMetadata?.KeyState;
      await rm(path.join(directory, '.keyturn'), { recursive: true, force: true });
      return { exitCode, stderr, isDisabled: state === 'Disabled', underOld: underOld(world), told: liar.told() };
    },
    async [Symbol.asyncDispose]() {
      waits.undo();
      process.env = outside;
      await liar[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function closing(starting: Promise<LocalAws>): Promise<LocalAws & AsyncDisposable> {
  const aws = await starting;
  return { ...aws, [Symbol.asyncDispose]: () => aws.close() };
}

/** Also where nothing is under the active key, the denial can be seen: the role may ask for the key. */
const READER = {
  name: 'readers',
  trust: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }],
  may: [{ Effect: 'Allow', Action: ['s3:*', 'kms:*'], Resource: '*' }],
};

function rotationFile(aws: LocalAws, bucket: string, recipient: string, { method, rehearses }: Case): string {
  const { region } = aws;
  const retire = rehearses ? `retire: { rehearseAs: "${aws.addRole(READER)}" }\n` : '';
  return `name: ledger
region: ${region}
alias: alias/ledger
keyVersions: [{ name: v1 }, { name: v2 }]
activeVersion: v2
buckets: [{ name: ${bucket}, manage: encryption }]
custody: { age: { recipients: [${recipient}] } }
${method === 'rewrite' ? 'reencrypt: { method: rewrite }\n' : ''}${retire}`;
}

function kmsOf(aws: LocalAws): KMSClient {
  const { region, accessKey: credentials } = aws;
  return new KMSClient({ endpoint: aws.url, region, credentials, requestHandler: socketless(() => aws) });
}

/** Two versions behind their aliases, a key of somebody else, and the bucket of the case. */
async function worldOf(aws: LocalAws, one: Case): Promise<World> {
  const kms = kmsOf(aws);
  const key = async (...aliases: readonly string[]): Promise<string> => {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    const TargetKeyId = KeyMetadata?.KeyId;
    for (const AliasName of aliases) await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId }));
    return KeyMetadata?.Arn ?? '';
  };
  const oldKeyArn = await key('alias/ledger/v1');
  const activeKeyArn = await key('alias/ledger/v2', 'alias/ledger');
  const { region, accessKey: credentials } = aws;
  const requestHandler = socketless(() => aws);
  const s3 = new S3Client({ endpoint: aws.url, region, credentials, forcePathStyle: true, requestHandler });
  const world = { aws, s3, bucket: 'lied-about', facts: { oldKeyArn, activeKeyArn, otherKeyArn: await key() } };
  const age = one.isOld ? DAY : 0;
  aws.clock.offset -= age;
  await fill(world, one);
  aws.clock.offset += age;
  return world;
}

async function fill({ aws, s3, bucket: Bucket, facts }: World, one: Case): Promise<void> {
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: aws.region as 'eu-west-1' },
      ObjectLockEnabledForBucket: one.versioning === 'locked',
    }),
  );
  const version = (Status: 'Enabled' | 'Suspended') =>
    s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
  if (one.versioning === 'enabled' || one.versioning === 'suspended') await version('Enabled');
  for (const [index, { key, under }] of one.puts.entries()) {
    // Null versions among others.
    if (one.versioning === 'suspended' && index === Math.ceil(one.puts.length / 2)) await version('Suspended');
    await s3.send(new PutObjectCommand({ Bucket, Key: key, Body: key, ...encryption(under, facts, one) }));
  }
  for (const Key of one.deletes) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  if (one.upload) {
    await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'upload', ...encryption('old', facts, one) }));
  }
  const rule = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: facts.activeKeyArn } as const;
  const Rules = [{ ApplyServerSideEncryptionByDefault: rule, BucketKeyEnabled: true }];
  await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
}

function encryption(under: Under, facts: LiarFacts, { versioning }: Case) {
  const { oldKeyArn: old, activeKeyArn: active, otherKeyArn: other } = facts;
  const by = (ServerSideEncryption: 'aws:kms' | 'aws:kms:dsse', SSEKMSKeyId: string) => ({
    ServerSideEncryption,
    SSEKMSKeyId,
  });
  switch (under) {
    case 'old':
      return by('aws:kms', old);
    case 'held':
      return versioning === 'locked'
        ? { ...by('aws:kms', old), ObjectLockLegalHoldStatus: 'ON' as const }
        : by('aws:kms', old);
    case 'old twice':
      return by('aws:kms:dsse', old);
    case 'active':
      return by('aws:kms', active);
    case 'other':
      return by('aws:kms', other);
    case 'sse-s3':
      return { ServerSideEncryption: 'AES256' } as const;
  }
}

function writerOf({ aws, s3, bucket: Bucket, facts }: World, writer: Writer | undefined): LiarCase['before'] {
  if (!writer) return async () => undefined;
  const { act, nth, key: Key } = writer;
  const isLast = act === 'puts under the old key last' || act === 'replicates under the old key last';
  const underOld = act === 'puts under the old key' || isLast;
  let seen = 0;
  return async ({ operation, path: by }) => {
    if (act === 'puts under the old key' && !(operation === 'ListObjectVersions' && by === 'direct')) return;
    if (isLast && operation !== 'DisableKey') return;
    seen += 1;
    if (seen !== (isLast ? 1 : nth)) return;
    if (act === 'deletes') await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    else if (underOld) {
      const by = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: facts.oldKeyArn } as const;
      if (act === 'replicates under the old key last') aws.clock.offset -= DAY;
      await s3.send(new PutObjectCommand({ Bucket, Key: 'by a writer', Body: 'x', ...by }));
      if (act === 'replicates under the old key last') aws.clock.offset += DAY;
    } else await s3.send(new PutObjectCommand({ Bucket, Key: act === 'puts' ? 'by a writer' : Key, Body: 'x' }));
  };
}

/** Versions under the old key, as they are stored. */
function underOld({ aws, bucket, facts }: World): readonly string[] {
  return aws.stored
    .versions(bucket)
    .filter((one) => !one.deleteMarker && one.encryption.keyArn === facts.oldKeyArn)
    .map(({ key, versionId }) => `${versionId} ${key}`);
}
