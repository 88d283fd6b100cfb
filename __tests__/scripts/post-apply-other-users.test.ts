import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CreateAliasCommand,
  CreateGrantCommand,
  DecryptCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GetKeyLastUsageCommand,
  PutKeyPolicyCommand,
  ReplicateKeyCommand,
} from '@aws-sdk/client-kms';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { openEvidence } from '../../lib/evidence/evidence';
import type { DriftFinding } from '../../lib/observation/drift-finding';
import { keyPolicy } from '../../stacks/key-policy';
import { speak } from '../support/command-line';
import { type Answer, type Asked, startLiar } from '../support/liar';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

/** `post-apply` where somebody else uses v1, or may: each is a reason of the gate, and a waiver with a reason opens it. */
const UNTIL = '2999-12-31';
const HOUR = 3_600_000;
let site: SwitchedSite;
let v1: string;

beforeEach(async () => {
  site = await switchedSite();
  [v1] = site.arns;
  await site.put('moved');
});

afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

const postApply = () => speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s']);
/** Moves everything, and leaves v1 on as if its gate had been closed. */
async function postApplyOnce(): Promise<void> {
  expect((await postApply()).exitCode).toBe(0);
  await site.kms.send(new EnableKeyCommand({ KeyId: v1 }));
}
const waive = (what: string, of = '') =>
  `retire: { waivers: [{ what: ${what}${of && `, of: "${of}"`}, reason: agreed with the other team, until: ${UNTIL} }] }\n`;

async function gates(): Promise<readonly Record<string, unknown>[]> {
  const folder = path.join(site.directory, '.keyturn', 'evidence');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ndjson'));
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
  const records = texts.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line));
  return records.filter((one) => one.type === 'gate').map((one) => one.data);
}

/** Shut with the reason, in words and in evidence. */
async function expectShut(code: string, text: string): Promise<void> {
  await site.switch();
  const shut = await postApply();
  expect([shut.exitCode, shut.stderr]).toEqual([4, expect.stringContaining(text)]);
  expect(await site.stateOf(v1)).toBe('Enabled');
  expect(await gates()).toMatchObject([{ open: false, reasons: [{ code }], users: expect.any(Object) }]);
}

/** The same; open with a waiver, which stands in the evidence. */
async function expectShutAndWaived(code: string, text: string, what: string, of?: string): Promise<void> {
  await expectShut(code, text);
  await site.switch(waive(what, of));
  const waived = await postApply();
  expect([waived.exitCode, waived.stderr]).toEqual([0, expect.stringContaining('agreed with the other team')]);
  expect(await site.stateOf(v1)).toBe('Disabled');
  expect(await gates()).toContainEqual(
    expect.objectContaining({
      open: true,
      waived: [expect.objectContaining({ reason: expect.objectContaining({ code }) })],
    }),
  );
}

it('refuses for a grant on v1', async () => {
  const GranteePrincipal = 'arn:aws:iam::123456789012:role/backup';
  const { GrantId } = await site.kms.send(
    new CreateGrantCommand({ KeyId: v1, GranteePrincipal, Operations: ['Decrypt'] }),
  );
  await expectShutAndWaived('granted', GranteePrincipal, 'grant', GrantId);
});

it('refuses for a grant of a service on v1', async () => {
  const GranteeServicePrincipal = 'dynamodb.amazonaws.com';
  const SourceArn = `arn:aws:dynamodb:ap-northeast-1:123456789012:table/*`;
  const grant = { KeyId: v1, Operations: ['Decrypt' as const], GranteeServicePrincipal };
  await expect(site.kms.send(new CreateGrantCommand(grant))).rejects.toThrow('needs a SourceArn constraint');
  const RetiringServicePrincipal = GranteeServicePrincipal;
  await site.kms.send(new CreateGrantCommand({ ...grant, RetiringServicePrincipal, Constraints: { SourceArn } }));
  await expectShut('granted', GranteeServicePrincipal);
});

it.each([
  ['its ARN', () => v1],
  ['its id', () => v1.split('/')[1]],
  ['the alias of the version', () => 'alias/ledger/v1'],
  ['an alias that the file does not name', () => 'alias/somebody-else'],
])('refuses for another bucket whose default is v1 by %s', async (_title, keyId) => {
  await site.kms.send(new CreateAliasCommand({ AliasName: 'alias/somebody-else', TargetKeyId: v1 }));
  await site.createBucket('of-somebody-else');
  const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyId() } as const;
  const ServerSideEncryptionConfiguration = { Rules: [{ ApplyServerSideEncryptionByDefault }] };
  await site.s3.send(new PutBucketEncryptionCommand({ Bucket: 'of-somebody-else', ServerSideEncryptionConfiguration }));
  if (keyId() !== v1) return expectShut('default-elsewhere', 'of-somebody-else');
  await expectShutAndWaived('default-elsewhere', 'of-somebody-else', 'bucket-default', 'of-somebody-else');
});

/** The endpoint stores no replication: a proxy answers that buckets have some. */
async function replicating(rules: string): Promise<AsyncDisposable> {
  const proxy = await startLiar();
  const tell = (answer: Answer, { url }: Asked): Answer =>
    /[?&]replication/.test(url)
      ? { ...answer, status: 200, body: `<ReplicationConfiguration>${rules}</ReplicationConfiguration>` }
      : answer;
  const telling = { lie: { name: 'replication', of: ['Other'], tell }, nth: 1, to: 'all', pick: 0 } as const;
  const facts = { oldKeyArn: v1, activeKeyArn: site.arns[1], otherKeyArn: v1 };
  proxy.begin({ aws: site.endpoint, facts, telling, before: async () => undefined });
  process.env.AWS_ENDPOINT_URL = proxy.url;
  return proxy;
}

const rule = (keyId: string, status = 'Enabled') =>
  `<Rule><Status>${status}</Status><Destination><Bucket>arn:aws:s3:::replicas</Bucket><EncryptionConfiguration><ReplicaKmsKeyID>${keyId}</ReplicaKmsKeyID></EncryptionConfiguration></Destination></Rule>`;

it.each([
  ['its ARN', () => v1],
  ['its id', () => v1.split('/')[1] ?? ''],
  ['the alias of the version', () => 'alias/ledger/v1'],
])('refuses where replicas of a bucket go under v1 by %s', async (title, keyId) => {
  await using _proxy = await replicating(rule(site.arns[1]) + rule(keyId()));
  const text = `replicas of ${site.bucket} go under it, in arn:aws:s3:::replicas`;
  if (title !== 'its ARN') return await expectShut('replicates', text);
  await expectShutAndWaived('replicates', text, 'replication', site.bucket);
});

/** How `status` ranks the keys of other Regions, and what `doctor` says of them. */
async function statusAndDoctor(): Promise<readonly (readonly string[])[]> {
  const { drift } = JSON.parse((await speak(site.directory, ['status', '--json'])).stdout);
  const { findings } = JSON.parse((await speak(site.directory, ['doctor', '--json'])).stdout);
  return [
    drift.flatMap((one: DriftFinding) => (one.code === 'key-in-other-regions' ? [one.level] : [])),
    findings.flatMap(({ found }: { found: string }) => (found.includes('multi-Region') ? [found] : [])),
  ];
}

it('refuses for a key of another Region that has the material of v1, and does not mind a primary key without any', async () => {
  await site[Symbol.asyncDispose]();
  site = await switchedSite({ regions: ['us-east-1'], firstIsMultiRegion: true });
  [v1] = site.arns;
  await site.put('moved');
  await site.switch();
  await postApplyOnce();
  await site.kms.send(new ReplicateKeyCommand({ KeyId: v1, ReplicaRegion: 'us-east-1' }));
  const shut = await postApply();
  const replica = v1.replace(site.endpoint.region, 'us-east-1');
  expect(await statusAndDoctor()).toEqual([['act'], [expect.stringContaining(`${replica} has the same material`)]]);
  expect([shut.exitCode, shut.stderr]).toEqual([4, expect.stringContaining(`${replica} has the same material`)]);
  expect(await site.stateOf(v1)).toBe('Enabled');
  await site.switch(waive('related-key', 'us-east-1'));
  expect(await statusAndDoctor()).toEqual([['note'], []]);
  expect((await postApply()).exitCode).toBe(0);
  expect(await site.stateOf(v1)).toBe('Disabled');
});

it('does not mind replicas under other keys, under v1 in another Region, and rules that are off', async () => {
  const elsewhere = v1.replace(site.endpoint.region, 'us-east-1');
  await using _proxy = await replicating(rule(site.arns[1]) + rule(elsewhere) + rule(v1, 'Disabled'));
  await site.switch();
  expect((await postApply()).exitCode).toBe(0);
});

it('refuses for a use of v1 that no object explains, and remembers it through the move', async () => {
  await site.kms.send(new EncryptCommand({ KeyId: v1, Plaintext: Buffer.from('not of S3') }));
  await site.switch();
  const shut = await postApply();
  expect([shut.exitCode, shut.stderr]).toEqual([4, expect.stringContaining('KMS reports Encrypt')]);
  expect(await site.stateOf(v1)).toBe('Enabled');
});

it.each([
  ['in another account', { account: '999988887777' }],
  ['in another Region', { region: 'us-east-1' }],
])('refuses for a use of v1 that only evidence of a rotation of this name %s would explain', async (_title, other) => {
  await site.switch();
  await postApplyOnce();
  const { accountId, region } = site.endpoint;
  const about = { rotation: 'ledger', account: accountId, region, ...other };
  const directory = path.join(site.directory, '.keyturn', 'evidence');
  const evidence = await openEvidence({ directory, command: 'post-apply', rotation: 'ledger' });
  await evidence.record('run', 'begin', { ...about, identity: { account: about.account } });
  await evidence.record('outcome', 're-encrypt', { outcome: 'changed', movedUntil: Date.now() + 2 * HOUR });
  await evidence.close('finished');
  site.endpoint.clock.offset = HOUR;
  const encrypted = await site.kms.send(new EncryptCommand({ KeyId: v1, Plaintext: Buffer.from('not of S3') }));
  await site.kms.send(new DecryptCommand({ KeyId: v1, CiphertextBlob: encrypted.CiphertextBlob }));
  site.endpoint.clock.offset = 0;
  const shut = await postApply();
  expect([shut.exitCode, shut.stderr]).toEqual([4, expect.stringContaining('KMS reports Decrypt')]);
  expect(await site.stateOf(v1)).toBe('Enabled');
});

it('refuses for uses since the switch that CloudTrail shows, though KMS reports a later one, and lets a waiver name the caller', async () => {
  await site.createBucket('elsewhere');
  await site.s3.send(
    new PutObjectCommand({
      Bucket: 'elsewhere',
      Key: 'a',
      Body: 'a',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: v1,
    }),
  );
  const who = 'arn:aws:iam::123456789012:user/local-aws';
  await expectShutAndWaived('used', `${who} used it since the switch: GenerateDataKey`, 'use', who);
});

it('does not mind reads of a verified bucket and proofs of an import since the switch', async () => {
  const EncryptionContext = { 'keyturn:proof': 'ledger' };
  await site.s3.send(new GetObjectCommand({ Bucket: site.bucket, Key: 'moved' }));
  await site.kms.send(new GenerateDataKeyCommand({ KeyId: v1, KeySpec: 'AES_256', EncryptionContext }));
  await site.s3.send(new GetObjectCommand({ Bucket: site.bucket, Key: 'moved' }));
  await site.switch();
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([
    0,
    expect.stringMatching(/CloudTrail shows [1-9]\d* use\(s\) since .*, 0 of somebody else/),
  ]);
});

it('refuses for a direct call that sends the context of S3', async () => {
  const EncryptionContext = { 'aws:s3:arn': `arn:aws:s3:::${site.bucket}` };
  const made = await site.kms.send(new GenerateDataKeyCommand({ KeyId: v1, KeySpec: 'AES_256', EncryptionContext }));
  await site.kms.send(new DecryptCommand({ KeyId: v1, CiphertextBlob: made.CiphertextBlob, EncryptionContext }));
  await expectShut('used', 'used it since the switch: Decrypt');
});

it.each([
  ['another service with a context of its own', 'ec2.amazonaws.com', { 'aws:ebs:id': 'snap-0123' }],
  ['another service without a context', 'backup.amazonaws.com', undefined],
  ['S3 with a context that is not its own', 's3.amazonaws.com', { 'aws:ebs:id': 'snap-0123' }],
])('refuses for a copy from under v1 by %s', async (_what, service, encryptionContext) => {
  const call = { name: 'ReEncrypt', readOnly: true, via: undefined, requestId: '', error: undefined };
  const resources = [v1, v1.replace(/.$/, (last) => (last === '0' ? '1' : '0'))];
  site.endpoint.trail.record({ ...call, by: { service }, encryptionContext, resources });
  await expectShut('used', `${service} used it since the switch: ReEncrypt`);
});

it('refuses for a use of v1 after the move', async () => {
  await site.switch();
  let isDone = false;
  site.endpoint.requests.hook({
    before: async ({ operation }) => {
      if (operation !== 'ListGrants' || isDone) return undefined;
      isDone = true;
      await site.kms.send(new EncryptCommand({ KeyId: v1, Plaintext: Buffer.from('not of S3') }));
      return undefined;
    },
  });
  const shut = await postApply();
  expect([shut.exitCode, shut.stderr]).toEqual([4, expect.stringContaining('KMS reports Encrypt')]);
});

it.each([
  ['ListGrants', 'kms', 400, 'AccessDeniedException', 'kms:ListGrants is denied', 'grants-unknown'],
  ['GetKeyLastUsage', 'kms', 400, 'AccessDeniedException', 'kms:GetKeyLastUsage is denied', 'use-unknown'],
  ['GetKeyLastUsage', 'kms', 400, 'UnknownOperationException', 'does not know kms:GetKeyLastUsage', 'use-unknown'],
  ['ListAliases', 'kms', 400, 'AccessDeniedException', 'kms:ListAliases is denied', 'use-unknown'],
  [
    'GetBucketReplication',
    's3',
    403,
    'AccessDenied',
    's3:GetReplicationConfiguration is denied',
    'replication-unknown',
  ],
  ['LookupEvents', 'cloudtrail', 400, 'AccessDeniedException', 'cloudtrail:LookupEvents is denied', 'use-unknown'],
  ['GetBucketReplication', 's3', 501, 'NotImplemented', 'does not say whether', 'replication-unknown'],
  ['ListBuckets', 's3', 403, 'AccessDenied', 's3:ListAllMyBuckets is denied', 'defaults-unknown'],
] as const)('refuses where %s of %s answers %i %s', async (operation, service, status, answer, text, code) => {
  const then = { kind: 'answer', status, code: answer } as const;
  site.endpoint.faults.inject({ match: { service, operation }, then });
  if (operation !== 'ListBuckets') return expectShut(code, text);
  await expectShutAndWaived(code, text, 'bucket-default');
});

it.each([
  ['before the switch', -3_600_000, 'may finish under it'],
  ['a minute after this run has seen the switch, by a clock that is behind', 60_000, 'may finish under it'],
  ['an hour after the switch, though it is under v2', 3_600_000, 'S3 does not report the key of an open upload'],
])('refuses for an open upload that was begun %s', async (_title, offset, text) => {
  if (offset > 900_000) await site.switch();
  site.endpoint.clock.offset = offset;
  const { UploadId } = await site.s3.send(new CreateMultipartUploadCommand({ Bucket: site.bucket, Key: 'half' }));
  site.endpoint.clock.offset = 0;
  if (offset < 900_000) await expectShut('uploads-open', text);
  else await expectShutAndWaived('uploads-unknown', text, 'upload', 'half');
  expect(JSON.stringify(await gates())).toContain(UploadId);
});

describe('retire.unusedForDays', () => {
  const DAY = 86_400_000;
  const lastUse = async (): Promise<number> => {
    const { KeyLastUsage } = await site.kms.send(new GetKeyLastUsageCommand({ KeyId: v1 }));
    return KeyLastUsage?.Timestamp?.getTime() ?? 0;
  };

  /** KMS reports the use that it carried out last: that one is of so many days ago by its clock. */
  const lastUsedDaysAgo = async (days: number): Promise<void> => {
    site.endpoint.clock.offset = -days * DAY;
    await site.kms.send(new GenerateDataKeyCommand({ KeyId: v1, KeySpec: 'AES_256' }));
    site.endpoint.clock.offset = 0;
  };

  beforeEach(async () => {
    const root = 'arn:aws:iam::123456789012:root';
    const { Statement } = keyPolicy({
      account: site.endpoint.accountId,
      partition: 'aws',
      region: site.endpoint.region,
      rotation: 'ledger',
      administrators: [root],
      users: [],
      breakGlass: [],
      services: [],
      inPlace: false,
      unusedForDays: 30,
    });
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await site.kms.send(new PutKeyPolicyCommand({ KeyId: v1, Policy }));
  });

  it('refuses with the date, as KMS does, until the key was unused for so long', async () => {
    await site.switch('retire: { unusedForDays: 30 }\n');
    const early = await postApply();
    const from = new Date((await lastUse()) + 30 * DAY).toISOString();
    expect([early.exitCode, early.stderr]).toEqual([4, expect.stringContaining(`it can be disabled from ${from} on`)]);
    await expect(site.kms.send(new DisableKeyCommand({ KeyId: v1 }))).rejects.toThrow('explicit deny');
    await lastUsedDaysAgo(31);
    expect((await postApply()).exitCode).toBe(0);
    expect(await site.stateOf(v1)).toBe('Disabled');
  });

  it('explains a refusal of KMS itself, for a use since the gate decided, and leaves the key on', async () => {
    await site.switch('retire: { unusedForDays: 30 }\n');
    expect((await postApply()).exitCode).toBe(4);
    await lastUsedDaysAgo(31);
    site.endpoint.requests.hook({
      before: async ({ operation }) => {
        if (operation !== 'EnableKey') return undefined;
        await site.kms.send(new EncryptCommand({ KeyId: v1, Plaintext: Buffer.from('not of S3') }));
        return undefined;
      },
    });
    const { exitCode, stderr } = await postApply();
    const from = new Date((await lastUse()) + 30 * DAY).toISOString();
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining('disable-too-early')]);
    expect(stderr).toContain(from);
    expect(await site.stateOf(v1)).toBe('Enabled');
  });
});
