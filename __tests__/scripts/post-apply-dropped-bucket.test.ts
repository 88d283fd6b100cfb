import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateAliasCommand, CreateKeyCommand, UpdateAliasCommand } from '@aws-sdk/client-kms';
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { speak } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

/** A bucket that belonged to the rotation when v2 was active, and does not any more when v2 is to retire. */
const DROPPED = 'reports-of-the-team';
let site: SwitchedSite;
let v3: string;

beforeEach(async () => {
  site = await switchedSite();
  await site.put('a');
  await site.createBucket(DROPPED);
  await setDefault(DROPPED, site.arns[1]);
  await site.switch();
  await edit(
    /buckets: .*/,
    `buckets: [${[site.bucket, DROPPED].map((name) => `{ name: ${name}, manage: encryption }`).join(', ')}]`,
  );
  await site.s3.send(new PutObjectCommand({ Bucket: DROPPED, Key: 'under v2', Body: 'x' }));
  expect((await postApply()).exitCode).toBe(0);
  // CloudTrail's times are whole seconds: what is of the switch's second counts as a use after it.
  await sleep(1000);
  const { KeyMetadata } = await site.kms.send(new CreateKeyCommand({}));
  v3 = KeyMetadata?.Arn ?? '';
  await site.kms.send(new CreateAliasCommand({ AliasName: 'alias/ledger/v3', TargetKeyId: v3 }));
  await site.kms.send(new UpdateAliasCommand({ AliasName: 'alias/ledger', TargetKeyId: v3 }));
  for (const bucket of [site.bucket, DROPPED]) await setDefault(bucket, v3);
  await edit(/keyVersions: .*/, 'keyVersions: [{ name: v1 }, { name: v2 }, { name: v3 }]');
  await edit(/activeVersion: .*/, 'activeVersion: v3');
  await edit(/buckets: .*/, `buckets: [{ name: ${site.bucket}, manage: encryption }]`);
});

afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

const postApply = () => speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s', '--json']);

async function edit(what: RegExp, to: string): Promise<void> {
  const file = path.join(site.directory, 'rotation.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace(what, to));
}

async function setDefault(Bucket: string, KMSMasterKeyID: string): Promise<void> {
  const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID } as const;
  const Rules = [{ ApplyServerSideEncryptionByDefault, BucketKeyEnabled: true }];
  await site.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
}

it('keeps the key on until the bucket is verified, too', async () => {
  const refused = await postApply();
  expect([refused.exitCode, refused.stderr]).toEqual([
    4,
    expect.stringContaining(`${DROPPED} may hold objects under it`),
  ]);
  expect(await site.stateOf(site.arns[1])).toBe('Enabled');
  await edit(/$/, `retire: { verifyOnlyBuckets: [${DROPPED}] }\n`);
  const looked = await postApply();
  expect([looked.exitCode, looked.stderr]).toEqual([4, expect.stringContaining('"under v2"')]);
  await site.s3.send(new DeleteObjectCommand({ Bucket: DROPPED, Key: 'under v2' }));
  expect((await postApply()).exitCode).toBe(0);
  expect(await site.stateOf(site.arns[1])).toBe('Disabled');
});

it('is opened by a waiver of its own', async () => {
  const waiver = `{ what: dropped-bucket, of: ${DROPPED}, reason: it was copied, until: 2999-12-31 }`;
  await edit(/$/, `retire: { waivers: [${waiver}] }\n`);
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('it was copied')]);
});

it('keeps the key on for a bucket that a run named and nobody verified', async () => {
  await site.createBucket('of-a-while');
  await edit(/buckets: .*/, 'buckets: [{ name: of-a-while, manage: encryption }]');
  expect((await postApply()).exitCode).toBe(4);
  await edit(/buckets: .*/, `buckets: [{ name: ${site.bucket}, manage: encryption }]`);
  await site.s3.send(new DeleteObjectCommand({ Bucket: DROPPED, Key: 'under v2' }));
  await site.s3.send(new DeleteBucketCommand({ Bucket: DROPPED }));
  const refused = await postApply();
  expect([refused.exitCode, refused.stderr]).toEqual([4, expect.stringContaining('which did not verify it')]);
  await site.s3.send(new DeleteBucketCommand({ Bucket: 'of-a-while' }));
  expect((await postApply()).exitCode).toBe(0);
});

it('does not mind a bucket that is gone', async () => {
  await site.s3.send(new DeleteObjectCommand({ Bucket: DROPPED, Key: 'under v2' }));
  await site.s3.send(new DeleteBucketCommand({ Bucket: DROPPED }));
  expect((await postApply()).exitCode).toBe(0);
  expect(await site.stateOf(site.arns[1])).toBe('Disabled');
});
