import {
  CreateAliasCommand,
  CreateKeyCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  type KMSClient,
  ListAliasesCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { createExternalKey, kmsClient, outcome } from './byok';

let aws: LocalAws;
let kms: KMSClient;
let one: string;
let other: string;

beforeEach(async () => {
  aws = await startTestAws();
  kms = kmsClient(aws);
  [one, other] = [await plainKey(), await plainKey()];
});
afterEach(() => aws.close());

async function plainKey(): Promise<string> {
  return (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.KeyId ?? '';
}

const create = (AliasName: string, TargetKeyId: string) => kms.send(new CreateAliasCommand({ AliasName, TargetKeyId }));
const update = (AliasName: string, TargetKeyId: string) => kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId }));
const target = async (KeyId: string) => (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyId;

it('resolves an alias by name and by ARN, with slashes in it', async () => {
  await create('alias/app/key/v1', one);
  expect(await target('alias/app/key/v1')).toBe(one);
  expect(await target(`arn:aws:kms:${aws.region}:${aws.accountId}:alias/app/key/v1`)).toBe(one);
});

it('moves an alias, and shows when', async () => {
  await create('alias/app', one);
  aws.clock.advance(60_000);
  await update('alias/app', other);
  expect(await target('alias/app')).toBe(other);
  const [entry] = (await kms.send(new ListAliasesCommand({}))).Aliases ?? [];
  expect(entry).toMatchObject({ AliasName: 'alias/app', TargetKeyId: other });
  expect(Number(entry?.LastUpdatedDate) - Number(entry?.CreationDate)).toBeGreaterThanOrEqual(60_000);
});

it('moves an alias to a key without material, as AWS does', async () => {
  const { id } = await createExternalKey(kms);
  await create('alias/app', one);
  expect(await outcome(update('alias/app', id))).toBe('ok');
});

it('lists the aliases of one key, in pages', async () => {
  for (const name of ['alias/c', 'alias/a', 'alias/b']) await create(name, one);
  await create('alias/d', other);
  const first = await kms.send(new ListAliasesCommand({ KeyId: one, Limit: 2 }));
  expect(first.Aliases?.map((alias) => alias.AliasName)).toEqual(['alias/a', 'alias/b']);
  const second = await kms.send(new ListAliasesCommand({ KeyId: one, Limit: 2, Marker: first.NextMarker }));
  expect(second.Aliases?.map((alias) => alias.AliasName)).toEqual(['alias/c']);
  expect(second.Truncated).toBe(false);
});

it('deletes an alias and leaves its key', async () => {
  await create('alias/app', one);
  await kms.send(new DeleteAliasCommand({ AliasName: 'alias/app' }));
  expect(await outcome(target('alias/app'))).toBe('NotFoundException');
  expect(await target(one)).toBe(one);
});

it('lets nobody have 51 aliases on one key', async () => {
  for (let index = 0; index < 50; index++) await create(`alias/n${index}`, one);
  expect(await outcome(create('alias/n50', one))).toBe('LimitExceededException');
});

it('loses an alias with its key', async () => {
  await create('alias/app', one);
  await kms.send(new ScheduleKeyDeletionCommand({ KeyId: one, PendingWindowInDays: 7 }));
  expect(await outcome(create('alias/late', one))).toBe('KMSInvalidStateException');
  aws.clock.advance(7 * 86_400_000);
  expect((await kms.send(new ListAliasesCommand({}))).Aliases).toEqual([]);
});

describe('refuses', () => {
  it('a name that is taken', async () => {
    await create('alias/app', one);
    expect(await outcome(create('alias/app', other))).toBe('AlreadyExistsException');
  });

  it.each([
    ['no-prefix', 'ValidationException'],
    ['alias/', 'ValidationException'],
    ['alias/with space', 'ValidationException'],
    [`alias/${'x'.repeat(251)}`, 'ValidationException'],
    ['alias/aws/mine', 'InvalidAliasNameException'],
  ])('the name %s', async (name, error) => {
    expect(await outcome(create(name, one))).toBe(error);
  });

  it('an alias as the target', async () => {
    await create('alias/app', one);
    expect(await outcome(create('alias/other', 'alias/app'))).toBe('ValidationException');
  });

  it('to move or delete an alias that is not there', async () => {
    expect(await outcome(update('alias/none', one))).toBe('NotFoundException');
    expect(await outcome(kms.send(new DeleteAliasCommand({ AliasName: 'alias/none' })))).toBe('NotFoundException');
  });
});
