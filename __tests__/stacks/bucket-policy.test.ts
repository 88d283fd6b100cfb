import { bucketPolicy } from '../../stacks/bucket-policy';

const [statement] = bucketPolicy({ bucket: 'payroll-data', partition: 'aws-us-gov' }).Statement;

it('denies everybody everything without TLS, on the bucket and on its objects', () => {
  expect(statement).toMatchObject({ Effect: 'Deny', Principal: '*', Action: 's3:*' });
  expect(statement.Condition).toEqual({ Bool: { 'aws:SecureTransport': 'false' } });
  expect(statement.Resource).toEqual(['arn:aws-us-gov:s3:::payroll-data', 'arn:aws-us-gov:s3:::payroll-data/*']);
});

it('pins no key', () => {
  expect(JSON.stringify(statement)).not.toContain('kms');
});
