import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateKeyCommand, EnableKeyCommand } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { speak } from './command-line';
import { type Liar, startLiar, type Telling } from './liar';
import { type SwitchedSite, switchedSite } from './switched-site';

/** What a version is under. `held`: under the old key, and a legal hold keeps it there. */
export type Under = 'old' | 'old twice' | 'held' | 'active' | 'other' | 'sse-s3';

export interface Put {
  readonly key: string;
  readonly under: Under;
}

/** Somebody else, who acts once while Keyturn runs. */
export interface Writer {
  readonly act: 'puts' | 'puts under the old key' | 'puts under the old key last' | 'deletes' | 'overwrites';
  /** Before the n-th request; `puts under the old key`: the n-th listing of the re-encryption; `… last`: just before DisableKey. */
  readonly nth: number;
  readonly key: string;
}

/** A bucket, what is in it, who writes, and the lie that is told about it. */
export interface Case {
  readonly versioning: 'none' | 'enabled' | 'suspended' | 'locked';
  readonly puts: readonly Put[];
  /** Keys that are deleted afterwards. */
  readonly deletes: readonly string[];
  /** An upload that stays open, begun under the old key. */
  readonly upload: boolean;
  readonly method: 'rewrap' | 'rewrite';
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

/** A rotation that is switched, and a liar between it and AWS. */
export async function liedTo(): Promise<LiedTo> {
  const site = await switchedSite();
  await site.switch();
  const file = path.join(site.directory, 'rotation.yaml');
  const text = await readFile(file, 'utf8');
  const { KeyMetadata } = await site.kms.send(new CreateKeyCommand({}));
  const otherKeyArn = KeyMetadata?.Arn ?? '';
  const [oldKeyArn, activeKeyArn] = site.arns;
  const liar = await startLiar(site.endpoint.url, { oldKeyArn, activeKeyArn, otherKeyArn });
  process.env.AWS_ENDPOINT_URL = liar.url;
  let count = 0;
  return {
    async try(one) {
      count += 1;
      const bucket = `case-${count}`;
      await fill(site, bucket, one, otherKeyArn);
      const method = one.method === 'rewrite' ? 'reencrypt: { method: rewrite }\n' : '';
      await writeFile(file, text.replace(site.bucket, bucket) + method);
      liar.begin(one.telling, writerOf(site, bucket, one.writer));
      const { exitCode, stderr } = await speak(site.directory, [
        'post-apply',
        '--yes',
        '--relist-delay',
        '0s',
        '--json',
      ]);
      const told = liar.told();
      liar.begin(undefined);
      const isDisabled = (await site.stateOf(oldKeyArn)) === 'Disabled';
      const underOld = await versionsUnder(site, bucket, oldKeyArn);
      if (isDisabled) await site.kms.send(new EnableKeyCommand({ KeyId: oldKeyArn }));
      await rm(path.join(site.directory, '.keyturn'), { recursive: true, force: true });
      return { exitCode, isDisabled, underOld, told, stderr };
    },
    async [Symbol.asyncDispose]() {
      await liar[Symbol.asyncDispose]();
      await site[Symbol.asyncDispose]();
    },
  };
}

async function fill(site: SwitchedSite, Bucket: string, one: Case, otherKeyArn: string): Promise<void> {
  const { s3, arns, endpoint } = site;
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: endpoint.region as 'eu-west-1' },
      ObjectLockEnabledForBucket: one.versioning === 'locked',
    }),
  );
  const version = (Status: 'Enabled' | 'Suspended') =>
    s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
  if (one.versioning === 'enabled' || one.versioning === 'suspended') await version('Enabled');
  for (const [index, { key, under }] of one.puts.entries()) {
    // Null versions among others.
    if (one.versioning === 'suspended' && index === Math.ceil(one.puts.length / 2)) await version('Suspended');
    await s3.send(new PutObjectCommand({ Bucket, Key: key, Body: key, ...encryption(under, arns, otherKeyArn, one) }));
  }
  for (const Key of one.deletes) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  if (one.upload) {
    await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'upload', ...encryption('old', arns, '', one) }));
  }
  const rule = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: arns[1] } as const;
  const Rules = [{ ApplyServerSideEncryptionByDefault: rule, BucketKeyEnabled: true }];
  await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
}

function encryption(under: Under, [old, active]: readonly [string, string], other: string, { versioning }: Case) {
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

function writerOf(site: SwitchedSite, Bucket: string, writer: Writer | undefined): Parameters<Liar['begin']>[1] {
  if (!writer) return undefined;
  const { act, nth, key: Key } = writer;
  const underOld = act === 'puts under the old key' || act === 'puts under the old key last';
  let seen = 0;
  return async ({ operation, path: by }) => {
    if (act === 'puts under the old key' && !(operation === 'ListObjectVersions' && by === 'direct')) return;
    if (act === 'puts under the old key last' && operation !== 'DisableKey') return;
    seen += 1;
    if (seen !== (act === 'puts under the old key last' ? 1 : nth)) return;
    if (act === 'deletes') await site.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    else if (underOld) {
      const by = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: site.arns[0] } as const;
      await site.s3.send(new PutObjectCommand({ Bucket, Key: 'by a writer', Body: 'x', ...by }));
    } else await site.s3.send(new PutObjectCommand({ Bucket, Key: act === 'puts' ? 'by a writer' : Key, Body: 'x' }));
  };
}

/** Versions under a key, as AWS itself answers. */
async function versionsUnder({ s3 }: SwitchedSite, Bucket: string, keyArn: string): Promise<readonly string[]> {
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  const found: string[] = [];
  for (const { Key, VersionId } of Versions) {
    const input = { Bucket, Key, ...(VersionId === 'null' ? {} : { VersionId }) };
    const { SSEKMSKeyId } = await s3.send(new HeadObjectCommand({ ...input, VersionId }));
    if (SSEKMSKeyId === keyArn) found.push(`${VersionId} ${Key}`);
  }
  return found;
}
