import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  type ObjectLockRetentionMode,
  PutObjectAclCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  RestoreObjectCommand,
  type S3Client,
  type Tier,
  UpdateObjectEncryptionCommand,
} from '@aws-sdk/client-s3';
import { outcome } from './byok';
import { head, newBucket, openStand, put, type S3Stand } from './s3-stand';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let stand: S3Stand;
let s3: S3Client;
let Bucket: string;

beforeEach(async () => {
  stand = await openStand();
  s3 = stand.s3;
  Bucket = await newBucket(s3, { lock: true });
});

afterEach(() => stand.close());

const inDays = (days: number) => new Date(Math.floor((stand.aws.clock.now() + days * DAY) / 1000) * 1000);

function retain(
  VersionId: string,
  Mode: ObjectLockRetentionMode | undefined,
  days: number,
  BypassGovernanceRetention?: boolean,
) {
  const Retention = Mode === undefined ? {} : { Mode, RetainUntilDate: inDays(days) };
  const input = { Bucket, Key: 'a', VersionId, Retention, BypassGovernanceRetention };
  return outcome(s3.send(new PutObjectRetentionCommand(input)));
}

const remove = (VersionId: string, BypassGovernanceRetention?: boolean) =>
  outcome(s3.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId, BypassGovernanceRetention })));

describe('retention', () => {
  test('of a writer is told and keeps the version until it is over', async () => {
    const until = inDays(2);
    const version = await put(s3, Bucket, 'a', {
      Body: 'x',
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: until,
    });
    expect(await head(s3, Bucket, 'a')).toMatchObject({
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: until,
    });
    const { Retention } = await s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'a' }));
    expect(Retention).toEqual({ Mode: 'GOVERNANCE', RetainUntilDate: until });
    expect(await remove(version)).toBe('AccessDenied');
    expect(await outcome(s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' })))).toBe('ok');
    stand.aws.clock.advance(3 * DAY);
    expect(await remove(version)).toBe('ok');
  });

  test('in governance mode yields to the bypass header', async () => {
    const version = await put(s3, Bucket, 'a');
    expect(await retain(version, 'GOVERNANCE', 5)).toBe('ok');
    expect(await retain(version, 'GOVERNANCE', 2)).toBe('AccessDenied');
    expect(await retain(version, 'GOVERNANCE', 6)).toBe('ok');
    expect(await retain(version, undefined, 0)).toBe('AccessDenied');
    expect(await retain(version, undefined, 0, true)).toBe('ok');
    expect(await retain(version, 'GOVERNANCE', 5)).toBe('ok');
    expect(await remove(version)).toBe('AccessDenied');
    expect(await remove(version, true)).toBe('ok');
  });

  test('in compliance mode yields to nothing and can only grow', async () => {
    const version = await put(s3, Bucket, 'a');
    expect(await retain(version, 'COMPLIANCE', 5)).toBe('ok');
    expect(await retain(version, 'COMPLIANCE', 4, true)).toBe('AccessDenied');
    expect(await retain(version, 'GOVERNANCE', 6, true)).toBe('AccessDenied');
    expect(await retain(version, 'COMPLIANCE', 6)).toBe('ok');
    expect(await remove(version, true)).toBe('AccessDenied');
  });

  test('comes from the bucket default where the writer names none', async () => {
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE' as const, Days: 3 } };
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' as const, Rule };
    await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    await put(s3, Bucket, 'a');
    expect((await head(s3, Bucket, 'a')).ObjectLockMode).toBe('GOVERNANCE');
  });

  test.each([
    ['a date in the past', 'GOVERNANCE', -1, 'InvalidArgument'],
    ['an unknown mode', 'FOREVER', 1, 'MalformedXML'],
  ])('refuses %s', async (_what, mode, days, code) => {
    expect(await retain(await put(s3, Bucket, 'a'), mode as ObjectLockRetentionMode, days)).toBe(code);
  });

  test('is refused on a bucket without Object Lock', async () => {
    Bucket = await newBucket(s3, { versioned: true });
    const version = await put(s3, Bucket, 'a');
    expect(await retain(version, 'GOVERNANCE', 1)).toBe('InvalidRequest');
    const locked = { Body: 'x', ObjectLockLegalHoldStatus: 'ON' as const };
    expect(await outcome(put(s3, Bucket, 'a', locked))).toBe('InvalidRequest');
  });
});

test('a legal hold keeps the version until it is lifted', async () => {
  const version = await put(s3, Bucket, 'a');
  const hold = (Status: 'ON' | 'OFF') =>
    s3.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'a', LegalHold: { Status } }));
  const told = async () => (await s3.send(new GetObjectLegalHoldCommand({ Bucket, Key: 'a' }))).LegalHold?.Status;
  expect(await outcome(told())).toBe('NoSuchObjectLockConfiguration');
  await hold('ON');
  expect([await told(), (await head(s3, Bucket, 'a')).ObjectLockLegalHoldStatus]).toEqual(['ON', 'ON']);
  const Delete = { Objects: [{ Key: 'a', VersionId: version }] };
  const { Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete, BypassGovernanceRetention: true }));
  expect(Errors).toMatchObject([{ Key: 'a', Code: 'AccessDenied' }]);
  await hold('OFF');
  expect([await told(), await remove(version)]).toEqual(['OFF', 'ok']);
});

test.each([
  ['governance retention', { ObjectLockMode: 'GOVERNANCE' as const }],
  ['compliance retention', { ObjectLockMode: 'COMPLIANCE' as const }],
  ['a legal hold', { ObjectLockLegalHoldStatus: 'ON' as const }],
])('UpdateObjectEncryption is refused under %s', async (_what, lock) => {
  const until = 'ObjectLockMode' in lock ? { ObjectLockRetainUntilDate: inDays(1) } : {};
  await put(s3, Bucket, 'a', { Body: 'x', ...lock, ...until });
  const ObjectEncryption = { SSEKMS: { KMSKeyArn: await stand.newKey() } };
  const rewrap = () => outcome(s3.send(new UpdateObjectEncryptionCommand({ Bucket, Key: 'a', ObjectEncryption })));
  expect(await rewrap()).toBe('AccessDenied');
  stand.aws.clock.advance(2 * DAY);
  expect(await rewrap()).toBe('ObjectLockMode' in lock ? 'ok' : 'AccessDenied');
});

describe('archived objects', () => {
  const restore = (days: number, tier: Tier = 'Standard') =>
    s3.send(
      new RestoreObjectCommand({
        Bucket,
        Key: 'a',
        RestoreRequest: { Days: days, GlacierJobParameters: { Tier: tier } },
      }),
    );
  const read = () => outcome(s3.send(new GetObjectCommand({ Bucket, Key: 'a' })));
  const copy = () => outcome(s3.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a` })));
  const restoring = async () => (await head(s3, Bucket, 'a')).Restore;

  test.each([
    ['GLACIER', 'Expedited', 5 * 60_000],
    ['GLACIER', 'Standard', 5 * HOUR],
    ['DEEP_ARCHIVE', 'Standard', 12 * HOUR],
    ['DEEP_ARCHIVE', 'Bulk', 48 * HOUR],
  ] as const)('in %s are unreadable, restored by %s in time, and archived again', async (StorageClass, tier, takes) => {
    await put(s3, Bucket, 'a', { Body: 'x', StorageClass });
    expect([await read(), await copy(), await restoring()]).toEqual([
      'InvalidObjectState',
      'ObjectNotInActiveTierError',
      undefined,
    ]);
    expect((await restore(2, tier)).$metadata.httpStatusCode).toBe(202);
    expect([await restoring(), await read()]).toEqual(['ongoing-request="true"', 'InvalidObjectState']);
    expect(await outcome(restore(2, tier))).toBe('RestoreAlreadyInProgress');
    stand.aws.clock.advance(takes);
    expect(await restoring()).toMatch(/^ongoing-request="false", expiry-date="\w{3}, \d\d \w{3} \d{4} 00:00:00 GMT"$/);
    expect([await read(), await copy()]).toEqual(['ok', 'ok']);
    expect((await restore(5, tier)).$metadata.httpStatusCode).toBe(200);
    stand.aws.clock.advance(4 * DAY);
    expect(await read()).toBe('ok');
    stand.aws.clock.advance(3 * DAY);
    expect([await read(), await restoring()]).toEqual(['InvalidObjectState', undefined]);
  });

  test.each([
    ['STANDARD', 'Standard', 'InvalidObjectState'],
    ['GLACIER_IR', 'Standard', 'InvalidObjectState'],
    ['DEEP_ARCHIVE', 'Expedited', 'InvalidArgument'],
  ] as const)('%s refuses a restore by %s', async (StorageClass, tier, code) => {
    await put(s3, Bucket, 'a', { Body: 'x', StorageClass });
    expect(await outcome(restore(1, tier))).toBe(code);
  });
});

test('an object ACL is stored where writers own objects, and not supported where ACLs are off', async () => {
  await put(s3, Bucket, 'a');
  const { Owner, Grants } = await s3.send(new GetObjectAclCommand({ Bucket, Key: 'a' }));
  expect(Grants).toEqual([{ Grantee: { ID: Owner?.ID, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' }]);
  const grant = (ACL: 'public-read' | 'bucket-owner-full-control') =>
    outcome(s3.send(new PutObjectAclCommand({ Bucket, Key: 'a', ACL })));
  expect(await grant('public-read')).toBe('AccessControlListNotSupported');
  expect(await grant('bucket-owner-full-control')).toBe('ok');
  expect(await outcome(put(s3, Bucket, 'a', { Body: 'x', ACL: 'public-read' }))).toBe('AccessControlListNotSupported');
});
