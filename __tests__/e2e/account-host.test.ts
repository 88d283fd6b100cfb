import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { openTerraformFolder, type TerraformFolder } from '../support/terraform-folder';

let aws: LocalAws;
let folder: TerraformFolder;

beforeAll(async () => {
  aws = await startTestAws();
  folder = await openTerraformFolder(aws);
  await folder.declare({
    provider: { aws: { max_retries: 1 } },
    resource: { aws_s3_account_public_access_block: { account: { block_public_acls: true } } },
  });
  expect(await folder.run(['init'])).toMatchObject({ code: 0 });
}, 120_000);
afterAll(async () => {
  await folder.close();
  await aws.close();
});

it("brings Terraform's S3 Control to the endpoint, under the host of the account", async () => {
  const applied = await folder.run(['apply', '-auto-approve']);
  expect(applied.output).toContain('1 added');
  const served = [...aws.requests].filter(({ service }) => service === 's3control');
  expect(new Set(served.map(({ operation }) => operation))).toEqual(
    new Set(['GetPublicAccessBlock', 'PutPublicAccessBlock']),
  );
}, 120_000);

it('fails when the host of the account leads nowhere', async () => {
  const direct = await folder.run(['plan'], { HTTP_PROXY: '', http_proxy: '' });
  expect(direct).toMatchObject({ code: 1, output: expect.stringContaining('lookup 123456789012.127.0.0.1') });
}, 120_000);
