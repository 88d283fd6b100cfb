import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { synthesize } from '../../lib/terraform/synthesize';
import { stage } from './stacks-stage';

const ROTATION = `name: payroll
region: ap-northeast-1
alias: alias/payroll
keyVersions:
  - name: v1
activeVersion: v1
buckets:
  - name: payroll-data
    manage: bucket
terraform:
  backend: s3
  s3:
    bucket: payroll-state
`;

it('keeps the state in S3, where another checkout finds it', async () => {
  await using on = await stage();
  await on.keepProvider();
  await on.createBucket('payroll-state');
  const { keys } = await on.declare(ROTATION);
  const terraform = await on.terraform();
  await terraform.apply(await terraform.plan(keys));
  const written = [...on.aws.requests].filter(({ operation }) => operation === 'PutObject').map(({ key }) => key);
  expect(new Set(written)).toEqual(new Set(['keyturn/payroll-keys.tfstate', 'keyturn/payroll-keys.tfstate.tflock']));
  await expect(access(join(on.folder, 'terraform.payroll-keys.tfstate'))).rejects.toMatchObject({ code: 'ENOENT' });

  const elsewhere = await synthesize({
    rotationFile: join(on.folder, 'rotation.yaml'),
    name: 'payroll',
    workDirectory: join(on.folder, 'another-checkout'),
    env: on.env,
  });
  expect((await terraform.plan(elsewhere.keys)).changes).toBe(false);
}, 180_000);

it('refuses to plan on an empty state when the backend was changed without moving it', async () => {
  await using on = await stage();
  await on.createBucket('payroll-state');
  const terraform = await on.terraform();
  const { keys } = await on.declare(ROTATION.replace(/terraform:[\s\S]*/, ''));
  await terraform.init(keys);
  await on.declare(ROTATION);
  await expect(terraform.plan(keys)).rejects.toMatchObject({
    code: 'terraform-backend-changed',
    hint: expect.stringContaining('terraform init -migrate-state'),
  });
}, 180_000);
