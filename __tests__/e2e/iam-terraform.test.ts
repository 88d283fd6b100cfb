import type { LocalAws } from '../../local-aws';
import { iamRequest } from '../conformance/iam-requests';
import { startTestAws } from '../support/embedded-aws';
import { type KeptProvider, keepProvider } from '../support/kept-provider';
import { openTerraformFolder, type TerraformFolder } from '../support/terraform-folder';

let aws: LocalAws;
let kept: KeptProvider;
let folder: TerraformFolder;

beforeAll(async () => {
  aws = await startTestAws();
  kept = await keepProvider(aws);
  folder = await openTerraformFolder(aws, kept.terraform);
});
afterAll(async () => {
  await folder.close();
  await kept.close();
  await aws.close();
});

const apply = () => folder.run(['apply', '-auto-approve']);
/** 0 where there is nothing to do. */
const plan = async () => (await folder.run(['plan', '-detailed-exitcode'])).code;

const reference = (name: string): string => `$\{${name}}`;

interface Declared {
  readonly description: string;
  readonly seconds: number;
  readonly trust: object;
  readonly policy: object;
  readonly tags: Readonly<Record<string, string>>;
}

async function declare({ description, seconds, trust, policy, tags }: Declared, protect = false): Promise<void> {
  const document = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
  await folder.declare({
    resource: {
      aws_iam_role: {
        jobs: {
          name: 'keyturn-payroll-batch',
          path: '/jobs/',
          description,
          max_session_duration: seconds,
          assume_role_policy: document(trust),
          tags,
          ...(protect && { lifecycle: { prevent_destroy: true } }),
        },
      },
      aws_iam_role_policy: {
        jobs: { name: 'jobs', role: reference('aws_iam_role.jobs.id'), policy: document(policy) },
      },
    },
  });
}

const first: Declared = {
  description: 'The role of the jobs.',
  seconds: 3600,
  trust: {
    Effect: 'Allow',
    Principal: { Service: 'batchoperations.s3.amazonaws.com' },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } },
  },
  policy: { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'], Resource: ['arn:aws:s3:::payroll/*'] },
  tags: { team: 'a', rotation: 'payroll' },
};

it('serves the Terraform AWS provider a role and its policy through their life', async () => {
  await declare(first);
  expect(await folder.run(['init'])).toMatchObject({ code: 0 });
  expect((await apply()).output).toContain('2 added, 0 changed, 0 destroyed');
  expect(await plan()).toBe(0);

  const changed: Declared = {
    description: 'The role of all jobs.',
    seconds: 7200,
    trust: { ...first.trust, Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:*:123456789012:job/*' } } },
    policy: { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::other/*' },
    tags: { team: 'b' },
  };
  await declare(changed);
  expect(await plan()).toBe(2);
  expect((await apply()).output).toContain('0 added, 2 changed, 0 destroyed');
  expect(await plan()).toBe(0);
  const RoleName = 'keyturn-payroll-batch';
  const { result } = await iamRequest(aws, 'GetRole', { RoleName });
  expect(result.Role).toMatchObject({
    Description: 'The role of all jobs.',
    MaxSessionDuration: '7200',
    Tags: { member: [{ Key: 'team', Value: 'b' }] },
  });

  await iamRequest(aws, 'PutRolePolicy', {
    RoleName,
    PolicyName: 'jobs',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: '*', Resource: '*' },
    }),
  });
  expect(await plan()).toBe(2);
  await apply();
  expect(await plan()).toBe(0);

  await declare(changed, true);
  const protectedRole = await folder.run(['destroy', '-auto-approve']);
  expect(protectedRole.output).toContain('Instance cannot be destroyed');
  await declare(changed);
  const gone = await folder.run(['destroy', '-auto-approve']);
  expect(gone.output).toContain('Destroy complete! Resources: 2 destroyed.');
  expect((await iamRequest(aws, 'GetRole', { RoleName })).status).toBe(404);
}, 480_000);
