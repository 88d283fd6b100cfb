import type { S3Client } from '@aws-sdk/client-s3';
import { pinnedWriters } from '../../../lib/s3/pinned-writers';
import { bucketPolicy } from '../../../stacks/bucket-policy';

const keyArn = 'arn:aws:kms:eu-west-1:123456789012:key/1';
const KEY_ID = 's3:x-amz-server-side-encryption-aws-kms-key-id';
const answering = (Policy: string) => ({ send: async () => ({ Policy }) }) as unknown as S3Client;
const pinned = async (policy: unknown) => {
  const text = typeof policy === 'string' ? policy : JSON.stringify(policy);
  return (await pinnedWriters(answering(text), { bucket: 'ledger', account: '123456789012', keyArn })).inForce;
};
const [tls, pin] = bucketPolicy({ bucket: 'ledger', partition: 'aws', pinnedTo: keyArn }).Statement;
const policyOf = (...Statement: unknown[]) => ({ Version: '2012-10-17', Statement });

it.each<[string, unknown]>([
  ['as the stack writes it', policyOf(tls, pin)],
  ['among others', policyOf({ Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: '*' }, pin)],
  ['as the only statement', { Statement: pin }],
  [
    'with single values as lists, and everybody as AWS writes it',
    policyOf({
      ...pin,
      Principal: { AWS: ['*'] },
      Action: ['s3:PutObject'],
      Resource: ['arn:aws:s3:::ledger/*'],
      Condition: { Null: { [KEY_ID]: ['false'] }, StringNotEquals: { [KEY_ID]: [keyArn] } },
    }),
  ],
])('finds the pin %s', async (_title, policy) => {
  expect(await pinned(policy)).toBe(true);
});

it.each<[string, unknown]>([
  ['no policy that can be read', '{'],
  ['no statement', {}],
  ['an Allow', policyOf({ ...pin, Effect: 'Allow' })],
  ['another key', policyOf({ ...pin, Condition: { ...pin?.Condition, StringNotEquals: { [KEY_ID]: `${keyArn}2` } } })],
  [
    'a second key that may be named',
    policyOf({ ...pin, Condition: { ...pin?.Condition, StringNotEquals: { [KEY_ID]: [keyArn, 'x'] } } }),
  ],
  [
    'one more condition',
    policyOf({ ...pin, Condition: { ...pin?.Condition, Bool: { 'aws:SecureTransport': 'false' } } }),
  ],
  [
    'no Null, which would deny what names no key',
    policyOf({ ...pin, Condition: { StringNotEquals: { [KEY_ID]: keyArn } } }),
  ],
  ['some principals', policyOf({ ...pin, Principal: { AWS: 'arn:aws:iam::123456789012:role/app' } })],
  ['principals that are left out', policyOf({ ...pin, Principal: undefined, NotPrincipal: { AWS: '*' } })],
  ['another bucket', policyOf({ ...pin, Resource: 'arn:aws:s3:::other/*' })],
  ['a prefix', policyOf({ ...pin, Resource: 'arn:aws:s3:::ledger/a/*' })],
  ['another action', policyOf({ ...pin, Action: 's3:PutObjectAcl' })],
  ['everything but an action', policyOf({ ...pin, Action: undefined, NotAction: 's3:GetObject' })],
])('finds none in a policy with %s', async (_title, policy) => {
  expect(await pinned(policy)).toBe(false);
});
