import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { awsCli, itWithCli } from './aws-cli';

let aws: LocalAws;

beforeAll(async () => {
  aws = await startTestAws();
});
afterAll(() => aws.close());

const iam = (...args: readonly string[]) => awsCli(aws, 'iam', ...args);

const trust = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'batchoperations.s3.amazonaws.com' },
      Action: 'sts:AssumeRole',
    },
  ],
};
const policy = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::a%20b+c/*' }],
};

itWithCli(
  'takes a role from its creation to its end with the AWS CLI alone',
  async () => {
    const name = ['--role-name', 'job'] as const;
    const document = ['--assume-role-policy-document', JSON.stringify(trust)] as const;
    const made = await iam('create-role', ...name, ...document, '--tags', 'Key=team,Value=a');
    expect(made.Role).toMatchObject({ RoleName: 'job', AssumeRolePolicyDocument: trust });
    const inline = [...name, '--policy-name', 'own'] as const;
    await iam('put-role-policy', ...inline, '--policy-document', JSON.stringify(policy));
    expect(await iam('get-role-policy', ...inline)).toMatchObject({ PolicyDocument: policy });
    expect(await iam('get-role', ...name)).toMatchObject({ Role: { Tags: [{ Key: 'team', Value: 'a' }] } });
    expect(await iam('list-attached-role-policies', ...name)).toEqual({ AttachedPolicies: [] });
    await expect(iam('delete-role', ...name)).rejects.toThrow(
      'An error occurred (DeleteConflict) when calling the DeleteRole operation',
    );
    await iam('delete-role-policy', ...inline);
    await iam('delete-role', ...name);
    expect(await iam('list-roles')).toEqual({ Roles: [] });
  },
  120_000,
);

itWithCli(
  'shows the AWS CLI its refusals',
  async () => {
    await expect(iam('get-role', '--role-name', 'none')).rejects.toThrow(
      'An error occurred (NoSuchEntity) when calling the GetRole operation: The role with name none cannot be found.',
    );
    await expect(iam('list-policies')).rejects.toThrow('Could not find operation ListPolicies');
  },
  60_000,
);
