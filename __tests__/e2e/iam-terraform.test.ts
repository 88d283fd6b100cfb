import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AWS_PROVIDER_VERSION } from '../../lib/rotation/provider-version';
import { findTerraform } from '../../lib/terraform/binary';
import { providerSource, writeCliConfiguration } from '../../lib/terraform/cli-configuration';
import { terraformEnvironment } from '../../lib/terraform/terraform-environment';
import type { LocalAws } from '../../local-aws';
import { iamRequest } from '../conformance/iam-requests';
import { startTestAws } from '../support/embedded-aws';
import { type KeptProvider, keepProvider } from '../support/kept-provider';

const run = promisify(execFile);

let aws: LocalAws;
let folder: string;
let kept: KeptProvider;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  aws = await startTestAws();
  folder = await mkdtemp(join(tmpdir(), 'iam-terraform-'));
  const found = await findTerraform({ env: process.env });
  kept = await keepProvider(aws);
  const configuration = await writeCliConfiguration(await providerSource({ binary: found, env: process.env }), folder);
  env = terraformEnvironment({ ...process.env, ...aws.environment() }, configuration);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await kept.close();
  await aws.close();
});

async function terraform(...args: readonly string[]): Promise<{ code: number; output: string }> {
  try {
    const { stdout } = await run(kept.terraform, [...args], { cwd: folder, env });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: `${stdout}${stderr}` };
  }
}

const apply = () => terraform('apply', '-auto-approve', '-no-color', '-input=false');
/** 0 where there is nothing to do. */
const plan = async () => (await terraform('plan', '-detailed-exitcode', '-no-color', '-input=false')).code;

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
  const configuration = {
    terraform: { required_providers: { aws: { source: 'hashicorp/aws', version: AWS_PROVIDER_VERSION } } },
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
  };
  await writeFile(join(folder, 'main.tf.json'), JSON.stringify(configuration));
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
  expect(await terraform('init', '-no-color', '-input=false')).toMatchObject({ code: 0 });
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
  const kept = await terraform('destroy', '-auto-approve', '-no-color', '-input=false');
  expect(kept.output).toContain('Instance cannot be destroyed');
  await declare(changed);
  const gone = await terraform('destroy', '-auto-approve', '-no-color', '-input=false');
  expect(gone.output).toContain('Destroy complete! Resources: 2 destroyed.');
  expect((await iamRequest(aws, 'GetRole', { RoleName })).status).toBe(404);
}, 480_000);
