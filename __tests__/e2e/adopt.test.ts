import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { DescribeKeyCommand, type KMSClient, ListAliasesCommand, ListKeysCommand } from '@aws-sdk/client-kms';
import { GetBucketEncryptionCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { itWithCli } from '../conformance/aws-cli';
import { kmsClient } from '../conformance/byok';
import { madeByHand } from '../support/by-hand';
import { compiledKeyturn } from '../support/compiled-keyturn';
import { openSite, type Site } from '../support/keyturn-process';

jest.setTimeout(300_000);

/** Keys, aliases and buckets that somebody made by hand come under a rotation, by real Terraform and its provider. */
let site: Site;
let kms: KMSClient;
let s3: S3Client;
let terraform: string;
beforeAll(async () => {
  site = await openSite();
  terraform = await site.keepProvider();
  const { url, region, accessKey: credentials } = site.endpoint;
  kms = kmsClient(site.endpoint);
  s3 = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true });
});
afterAll(async () => {
  kms.destroy();
  s3.destroy();
  await site.close();
});

const key = async (KeyId: string) => (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata;
const text = async (Bucket: string, Key: string) =>
  (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
const defaultOf = async (Bucket: string) => {
  const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
  return ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID;
};

/** The commands of a marked code block of the README, as they stand there. */
async function blockOf(mark: string): Promise<string> {
  const readme = await readFile(path.resolve(__dirname, '../../README.md'), 'utf8');
  const [, marked = ''] = new RegExp(`<!-- ${mark}:begin -->([\\s\\S]*?)<!-- ${mark}:end -->`).exec(readme) ?? [];
  return /```sh\n([\s\S]*?)```/.exec(marked)?.[1] ?? '';
}

/** A shell in which `npx keyturn` is this program, and all variables of the site are set. */
async function shell(script: string, directory: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const bin = path.join(directory, 'bin');
  await mkdir(bin, { recursive: true });
  const npx = path.join(bin, 'npx');
  await writeFile(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${compiledKeyturn()}" "$@"\n`);
  await chmod(npx, 0o755);
  const isolated = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_PAGER: '' };
  const { PATH = '', HOME = '' } = process.env;
  const env = {
    PATH: `${bin}:${PATH}`,
    HOME,
    ...isolated,
    ...site.endpoint.environment(),
    TERRAFORM_BINARY_NAME: terraform,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  return promisify(execFile)('bash', ['--norc', '-eo', 'pipefail', '-c', script], {
    cwd: directory,
    env,
    maxBuffer: 1e8,
  });
}

describe('the walk-through of the README', () => {
  let old = '';

  itWithCli('begins with a key, an alias and a bucket made by hand', async () => {
    await writeFile(path.join(site.directory, 'photo.jpg'), 'a photo');
    await shell(await blockOf('by-hand'), site.directory);
    old = (await key('alias/photos'))?.Arn ?? '';
    expect(await key(old)).toMatchObject({ Origin: 'EXTERNAL', KeyState: 'Enabled' });
  });

  it('ends, three commands later, with a rotation that the gate let finish', async () => {
    if (old === '') old = await madeByHand({ kms, s3 }, 'alias/photos', 'photos-originals', 'photo.jpg', 'a photo');
    const missing: string[] = [];
    const unhook = site.endpoint.requests.hook({
      async after({ operation }) {
        const { Aliases = [] } = operation === 'ListAliases' ? {} : await kms.send(new ListAliasesCommand({}));
        if (operation !== 'ListAliases' && !Aliases.some(({ AliasName }) => AliasName === 'alias/photos'))
          missing.push(operation);
        return undefined;
      },
    });
    const { stderr } = await shell(await blockOf('adopt'), site.directory);
    unhook();
    expect(missing).toEqual([]);
    const now = await key('alias/photos');
    expect(stderr).toContain(`~ change aws_kms_alias.main, imported from alias/photos`);
    expect(stderr).toContain(`target_key_id: "${old.replace(/.*\//, '')}" → "${now?.Arn}"`);
    expect(stderr).toContain('aws_kms_external_key.version_v1, imported from');
    expect([await defaultOf('photos-originals'), (await key(old))?.KeyState]).toEqual([now?.Arn, 'Disabled']);
    expect(await text('photos-originals', 'photo.jpg')).toBe('a photo');
    expect((await kms.send(new ListKeysCommand({}))).Keys).toHaveLength(2);
  });

  it('leaves nothing to plan, and a review that is clean', async () => {
    const planned = await site.run(['plan', '--out', 'plan']);
    expect([planned.exitCode, planned.stderr]).toEqual([0, expect.stringContaining('review: clean')]);
    expect(planned.stderr.match(/no changes$/gm)).toHaveLength(4);
  });
});

describe('somebody else’s key, that objects are to move away from', () => {
  const file = ['--rotation-file', 'reports/rotation.yaml'] as const;
  let old = '';

  it('is declared without a new version, and the first plan is an import that changes nothing', async () => {
    old = await madeByHand({ kms, s3 }, 'alias/reports', 'reports-of-the-team', 'report.txt', 'a report');
    await mkdir(path.join(site.directory, 'reports'));
    const adopted = ['adopt', '--alias', 'alias/reports', '--move-away', '--no-new-version', '--yes', ...file];
    expect(await site.run(adopted)).toMatchObject({ exitCode: 0 });
    expect(await site.run(['plan', '--out', 'reports/plan', ...file])).toMatchObject({ exitCode: 0 });
    const review = await readFile(path.join(site.directory, 'reports/plan/review.md'), 'utf8');
    expect(review).toContain('imported from `alias/reports`');
    expect(review).toContain('imported from `reports-of-the-team`');
    expect(review).toContain('nothing to decide');
    expect(await site.run(['apply', 'reports/plan', '--yes', ...file])).toMatchObject({ exitCode: 0 });
    expect([(await key('alias/reports'))?.Arn, await defaultOf('reports-of-the-team')]).toEqual([old, old]);
  });

  it('is left in use by `leave`: Terraform forgets alias and bucket, and nothing is destroyed', async () => {
    const left = await site.run(['leave', '--json', ...file]);
    expect([left.exitCode, left.stderr]).toEqual([0, expect.stringContaining('apply')]);
    const { stacks } = JSON.parse(left.stdout);
    expect(stacks[1].addresses).toEqual([
      'aws_kms_alias.main',
      'aws_s3_bucket_server_side_encryption_configuration.bucket_reports-of-the-team',
    ]);
    const before = [...site.endpoint.requests].length;
    const at = 'reports/keyturn-leave/stacks/reports-storage';
    const settings = 'export TF_CLI_CONFIG_FILE=$PWD/reports/.keyturn/terraform.tfrc CHECKPOINT_DISABLE=1';
    const run = `"$TERRAFORM_BINARY_NAME" -chdir=${at}`;
    const { stdout } = await shell(
      `${settings}; ${run} init -input=false && ${run} apply -input=false -auto-approve && ${run} state list`,
      site.directory,
    );
    expect(stdout).toMatch(/will no longer be managed by Terraform[\s\S]*0 destroyed/);
    expect(stdout.trim().split('\n').at(-1)).not.toContain('aws_');
    const operations = [...site.endpoint.requests].slice(before).map(({ operation }) => operation);
    expect(operations.filter((one) => /^(Delete|Put|Update|Disable|Schedule|Create)/.test(one))).toEqual([]);
    expect([(await key('alias/reports'))?.Arn, await defaultOf('reports-of-the-team')]).toEqual([old, old]);
    expect(await text('reports-of-the-team', 'report.txt')).toBe('a report');
  });
});
