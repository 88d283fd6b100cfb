import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DeleteAliasCommand,
  KMSClient,
  ListKeysCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { findTerraform } from '../../lib/terraform/binary';
import { openSite, rotationText, type Site } from '../support/keyturn-process';

jest.setTimeout(300_000);

/** What Terraform would make anew although AWS holds it: a state that is lost, and an alias that was made by hand. */
let site: Site;
let kms: KMSClient;
let arn: string;
beforeAll(async () => {
  site = await openSite();
  await site.keepProvider();
  const { url, region, accessKey } = site.endpoint;
  kms = new KMSClient({ endpoint: url, region, credentials: accessKey });
  await site.declare(rotationText(['v1'], 'v1'));
  arn = await keyBehind('alias/rotation-test-key/v1');
  await keyBehind('alias/rotation-test-key');
});
afterAll(async () => {
  kms.destroy();
  await site.close();
});

async function keyBehind(alias: string): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
  await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: KeyMetadata?.KeyId }));
  return KeyMetadata?.Arn ?? '';
}

const keys = async () => (await kms.send(new ListKeysCommand({}))).Keys?.length;

it('refuses to make a key anew whose state is lost, and its own command imports the one that exists', async () => {
  const refused = await site.run(['rotate', '--yes']);
  expect([refused.exitCode, refused.stderr]).toEqual([4, expect.stringContaining(`names key ${arn} already`)]);
  expect(await keys()).toBe(2);
  const commands = [...refused.stderr.matchAll(/`terraform (-chdir=\S+ import [^`]+)`/g)].map(([, one = '']) => one);
  expect(commands).toHaveLength(2);
  const { file } = await findTerraform({ env: process.env });
  const env = { ...process.env, ...site.endpoint.environment() };
  for (const command of commands) await promisify(execFile)(file, command.split(' '), { cwd: site.directory, env });
  // The storage stack cannot be planned yet; that its alias exists is found all the same.
  const planned = await site.run(['plan', '--out', 'plan']);
  expect([planned.exitCode, planned.stderr]).toEqual([
    4,
    expect.stringContaining('import aws_kms_alias.main alias/rotation-test-key'),
  ]);
  expect(planned.stderr).not.toContain('will be created');
});

it('refuses in the review to replace a key whose deletion is scheduled, which Terraform takes for gone', async () => {
  await kms.send(new DeleteAliasCommand({ AliasName: 'alias/rotation-test-key' }));
  await kms.send(new ScheduleKeyDeletionCommand({ KeyId: arn, PendingWindowInDays: 7 }));
  const planned = await site.run(['plan', '--out', 'plan']);
  expect(planned.exitCode).toBe(4);
  expect(planned.stderr).toContain('`npx keyturn apply` refuses these plans');
  const review = await readFile(path.join(site.directory, 'plan', 'review.md'), 'utf8');
  expect(review).toContain('KT006');
  expect(review).toContain('cancel-key-deletion');
});
