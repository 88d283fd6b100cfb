import { GetKeyPolicyCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { DeleteObjectCommand, GetObjectCommand, PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import type { Rotation } from '../lib/rotation/rotation';
import { createBucket } from './buckets';
import type { SessionCredentials, Stage } from './stage';

/** The bucket that the guests share with the account. No rotation covers it. */
export const sharedBucket = ({ name }: Rotation): string => `${name}-shared`;

/** A use of a key by a guest: `allowed`, or the name of the error. */
export interface GuestUse {
  readonly who: 'reader' | 'delivery' | 'partner';
  readonly what: string;
  readonly outcome: string;
}

/** Makes the bucket of the guests, and lets them into it. */
export async function openSharedBucket(stage: Stage): Promise<void> {
  const { sample, guests } = stage;
  const Bucket = sharedBucket(sample);
  await createBucket(stage, Bucket);
  const Statement = [
    allow({ AWS: guests.partner.arn }, ['s3:GetObject'], `arn:aws:s3:::${Bucket}/*`),
    allow({ Service: guests.delivery.service }, ['s3:PutObject'], `arn:aws:s3:::${Bucket}/*`),
  ];
  await stage.s3.send(new PutBucketPolicyCommand({ Bucket, Policy: document(Statement) }));
}

/** Adds the guests to the policy of a key by hand, as it happens in years: no Terraform configuration has it. */
export async function addGuestsByHand({ kms, guests }: Stage, KeyId: string): Promise<void> {
  const { Policy = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId }));
  const { Statement } = JSON.parse(Policy) as { readonly Statement: readonly object[] };
  const { delivery } = guests;
  const source = { ArnLike: { 'aws:SourceArn': delivery.sourceArn } };
  const added = [
    allow({ AWS: [guests.reader, guests.partner.arn] }, ['kms:Decrypt'], '*'),
    { ...allow({ Service: delivery.service }, ['kms:GenerateDataKey*'], '*'), Condition: source },
  ];
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: document([...Statement, ...added]) }));
}

/** Every guest does what it does every day, with objects under one key; nothing stays behind. */
export async function useAsGuests(stage: Stage, keyArn: string): Promise<readonly GuestUse[]> {
  const { s3, s3As, guests } = stage;
  const Bucket = sharedBucket(stage.sample);
  const key = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn } as const;
  const [report, log] = [
    { Bucket, Key: 'report' },
    { Bucket, Key: 'log' },
  ];
  const { VersionId: shared } = await s3.send(new PutObjectCommand({ ...report, Body: 'report', ...key }));
  const reader = s3As(await sessionOf(stage, guests.reader));
  const [delivery, partner] = [s3As(guests.delivery), s3As(guests.partner)];
  let logged: string | undefined;
  const writes = async () => {
    ({ VersionId: logged } = await delivery.send(new PutObjectCommand({ ...log, Body: 'log', ...key })));
  };
  const uses = await enforced<readonly GuestUse[]>(stage, async () => [
    { who: 'reader', what: 'reads', outcome: await outcome(reader.send(new GetObjectCommand(report))) },
    { who: 'delivery', what: 'writes', outcome: await outcome(writes()) },
    { who: 'partner', what: 'reads', outcome: await outcome(partner.send(new GetObjectCommand(report))) },
  ]);
  await s3.send(new DeleteObjectCommand({ ...report, VersionId: shared }));
  if (logged !== undefined) await s3.send(new DeleteObjectCommand({ ...log, VersionId: logged }));
  return uses;
}

async function enforced<T>({ policies }: Stage, work: () => Promise<T>): Promise<T> {
  const before = policies.enforced;
  policies.enforced = true;
  try {
    return await work();
  } finally {
    policies.enforced = before;
  }
}

async function sessionOf({ sts }: Stage, RoleArn: string): Promise<SessionCredentials> {
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'nightly' }));
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

const outcome = (use: Promise<unknown>): Promise<string> =>
  use.then(
    () => 'allowed',
    (error: Error) => error.name,
  );

const allow = (Principal: object, Action: readonly string[], Resource: string) => ({
  Effect: 'Allow',
  Principal,
  Action,
  Resource,
});

const document = (Statement: readonly object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
