import { bucketPolicy } from '../../stacks/bucket-policy';

const [statement] = bucketPolicy({ bucket: 'payroll-data', partition: 'aws-us-gov' }).Statement;

it('denies everybody everything without TLS, on the bucket and on its objects', () => {
  expect(statement).toMatchObject({ Effect: 'Deny', Principal: '*', Action: 's3:*' });
  expect(statement.Condition).toEqual({ Bool: { 'aws:SecureTransport': 'false' } });
  expect(statement.Resource).toEqual(['arn:aws-us-gov:s3:::payroll-data', 'arn:aws-us-gov:s3:::payroll-data/*']);
});

it('pins no key unless it is asked to', () => {
  expect(JSON.stringify(statement)).not.toContain('kms');
});

it('denies everybody a write that names another key than the pinned one, and none that names no key', () => {
  const [, pin, ...more] = bucketPolicy({
    bucket: 'payroll-data',
    partition: 'aws-us-gov',
    pinnedTo: 'the key',
  }).Statement;
  const name = 's3:x-amz-server-side-encryption-aws-kms-key-id';
  expect(pin).toEqual({
    Sid: 'PinWriters',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:PutObject',
    Resource: 'arn:aws-us-gov:s3:::payroll-data/*',
    Condition: { Null: { [name]: 'false' }, StringNotEquals: { [name]: 'the key' } },
  });
  expect(more).toEqual([]);
});
