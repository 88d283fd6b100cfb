import { CreateGrantCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { speak } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

/** `access`: before the switch, who may use the old key and not the new one. */
let site: SwitchedSite;
let [v1, v2] = ['', ''];
let root = '';

beforeEach(async () => {
  site = await switchedSite();
  [v1, v2] = site.arns;
  root = `arn:aws:iam::${site.endpoint.accountId}:root`;
  await site.switch();
});
afterEach(() => site[Symbol.asyncDispose]());

const access = (...more: string[]) => speak(site.directory, ['access', ...more]);
async function asJson(...more: string[]) {
  const { exitCode, stdout } = await access('--json', ...more);
  return { exitCode, comparisons: JSON.parse(stdout).comparisons };
}

const keyPolicy = (key: string, ...more: readonly object[]) =>
  site.kms.send(
    new PutKeyPolicyCommand({
      KeyId: key,
      PolicyName: 'default',
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { AWS: root }, Action: 'kms:*', Resource: '*' }, ...more],
      }),
    }),
  );

it('finds nothing between keys with one policy, and says what it did not look at', async () => {
  const { exitCode, stdout } = await access();
  expect(exitCode).toBe(0);
  expect(stdout).toContain('nobody loses access, by what was looked at');
  expect(stdout).toContain('looked at: key policy of v1; key policy of v2; grants on the key of v1');
  expect(stdout).toContain('not looked at: IAM policies of the account');
  expect(stdout).toContain('not looked at: CloudTrail');
});

it('names a partner, a log delivery, a grant and a bucket policy that need the old key', async () => {
  const bucket = site.bucket;
  await keyPolicy(
    v1,
    { Effect: 'Allow', Principal: { AWS: '999900001111' }, Action: 'kms:Decrypt', Resource: '*' },
    {
      Effect: 'Allow',
      Principal: { Service: 'delivery.logs.amazonaws.com' },
      Action: 'kms:GenerateDataKey*',
      Resource: '*',
      Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:logs:eu-central-1:111122223333:*' } },
    },
  );
  await site.kms.send(
    new CreateGrantCommand({ KeyId: v1, GranteePrincipal: root, Operations: ['Decrypt'], Name: 'backup' }),
  );
  const denies = {
    Sid: 'OurKeyAlone',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:PutObject',
    Resource: `arn:aws:s3:::${bucket}/*`,
    Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption-aws-kms-key-id': v1 } },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [denies] });
  await site.s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));

  const { exitCode, comparisons } = await asJson();
  expect(exitCode).toBe(2);
  expect(comparisons).toMatchObject([
    {
      from: { version: 'v1', keyArn: v1 },
      to: { version: 'v2', keyArn: v2 },
      lost: [
        { who: 'account 999900001111', uses: ['read'], verdict: 'lost' },
        {
          who: 'delivery.logs.amazonaws.com for arn:aws:logs:eu-central-1:111122223333:*',
          uses: ['write'],
          verdict: 'lost',
        },
      ],
      grants: [{ grantee: root, operations: ['Decrypt'], fix: expect.stringContaining(`--key-id ${v2}`) }],
      pinned: [{ bucket, statement: 'OurKeyAlone', deniesOthers: true }],
      unread: [],
    },
  ]);
  const { stdout } = await access();
  expect(stdout).toContain('denies what names another key');
  expect(stdout).toContain('keyPolicy.services: { service: delivery.logs.amazonaws.com');
});

it.each([
  ['kms:GetKeyPolicy', 'key policy of v1: kms:GetKeyPolicy is denied'],
  ['kms:ListGrants', 'grants on the key of v1: kms:ListGrants is denied'],
  ['s3:GetBucketPolicy', 'policy of bucket ledger-of-the-team: s3:GetBucketPolicy is denied'],
])('fails to be green without %s', async (action, unread) => {
  const all = ['kms:DescribeKey', 'kms:ListAliases', 'kms:GetKeyPolicy', 'kms:ListGrants', 's3:GetBucketPolicy'];
  site.endpoint.credentials.limit(
    site.endpoint.accessKey.accessKeyId,
    all.filter((one) => one !== action),
  );
  const { exitCode, comparisons } = await asJson();
  expect([exitCode, comparisons[0].unread]).toEqual([2, expect.arrayContaining([unread])]);
  expect((await access()).stdout).toContain('nothing was found, but not all was read');
});

it('compares with the version that --to names, and refuses one without a key', async () => {
  expect((await asJson('--to', 'v2')).comparisons).toHaveLength(1);
  expect((await asJson('--to', 'v1')).comparisons).toMatchObject([{ from: { version: 'v2' }, to: { version: 'v1' } }]);
  const refused = await access('--to', 'v9');
  expect([refused.exitCode, refused.stderr]).toEqual([
    64,
    expect.stringContaining('no key stands behind the version v9'),
  ]);
});
