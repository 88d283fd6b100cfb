import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { type BatchStand, batchStand } from '../s3-control/batch-stand';
import { newRole } from '../s3-control/iam-role';
import { policyOf } from './account';

let stand: BatchStand;

beforeAll(async () => {
  stand = await batchStand();
});
afterAll(() => stand.close());

/** The rows that a job reports which rewraps the one object of a bucket with this policy. */
async function reported(name: string, statement: (bucketArn: string) => object) {
  const bucket = await stand.bucket(name);
  await stand.put(bucket, 'a');
  const Policy = policyOf([statement(`arn:aws:s3:::${bucket}`)]);
  await stand.s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  const RoleArn = await newRole(stand.aws, `role-${name}`);
  const { JobId = '' } = await stand.run(bucket, { RoleArn, ...(await stand.manifest([`${bucket},a`])) });
  return stand.report(JobId);
}

const denied = (fields: object) => (bucket: string) => ({
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:UpdateObjectEncryption',
  Resource: `${bucket}/*`,
  ...fields,
});

it('keeps a job out that it denies, whatever the role may', async () => {
  expect(await reported('denied', denied({}))).toMatchObject([
    { outcome: 'failed', status: '403', code: 'AccessDenied' },
  ]);
});

it('lets a job through where it asks for TLS', async () => {
  const withoutTls = denied({ Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
  expect(await reported('tls', withoutTls)).toMatchObject([{ outcome: 'succeeded' }]);
});

it('keeps a job out by an operator that is not evaluated', async () => {
  const elsewhere = denied({ Condition: { NotIpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } });
  expect(await reported('elsewhere', elsewhere)).toMatchObject([{ outcome: 'failed', code: 'AccessDenied' }]);
});
