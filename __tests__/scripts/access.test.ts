import {
  AddUserToGroupCommand,
  AttachUserPolicyCommand,
  CreateGroupCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  IAMClient,
  PutGroupPolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateGrantCommand,
  GenerateDataKeyCommand,
  PutKeyPolicyCommand,
  TagResourceCommand,
} from '@aws-sdk/client-kms';
import {
  GetObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketInventoryConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketReplicationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { awsQuotas } from '../../local-aws';
import { speak } from '../support/command-line';
import { socketless } from '../support/socketless';
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
  expect(stdout).toContain('IAM policies of the account');
  expect(stdout).toContain('CloudTrail: uses of the key of v1 in the last 30 days');
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

/** Somebody reads an object under v1; the policy of v2 names everybody else. */
async function readByStranger(...readers: readonly string[]): Promise<string[]> {
  const { endpoint, s3, bucket } = site;
  const own = endpoint.accessKey;
  await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: 'a', Body: 'a', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: v1 }),
  );
  for (const name of readers) {
    const credentials = endpoint.credentials.addUser(name);
    const requestHandler = socketless(() => endpoint);
    const client = {
      endpoint: endpoint.url,
      region: endpoint.region,
      forcePathStyle: true,
      credentials,
      requestHandler,
    };
    await new S3Client(client).send(new GetObjectCommand({ Bucket: bucket, Key: 'a' }));
  }
  const named = endpoint.credentials.find(own.accessKeyId)?.caller.arn ?? '';
  const manages = {
    Effect: 'Allow',
    Principal: { AWS: root },
    Action: ['kms:Put*', 'kms:List*', 'kms:Get*', 'kms:Describe*'],
    Resource: '*',
  };
  const uses = { Effect: 'Allow', Principal: { AWS: named }, Action: 'kms:*', Resource: '*' };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [manages, uses] });
  await site.kms.send(new PutKeyPolicyCommand({ KeyId: v2, PolicyName: 'default', Policy }));
  return readers.map((name) => `arn:aws:iam::${endpoint.accountId}:user/${name}`);
}

describe('who used the old key, by CloudTrail', () => {
  it('refuses the switch for whom the new key refuses, names the use, and lets a waiver set it aside', async () => {
    const [reader = ''] = await readByStranger('nightly-report');
    const { exitCode, comparisons } = await asJson();
    expect(exitCode).toBe(4);
    expect(comparisons[0].used).toMatchObject([
      {
        who: reader,
        operation: 'Decrypt',
        through: 's3',
        bucket: site.bucket,
        count: 1,
        verdict: 'lost',
        waiver: null,
      },
      { who: expect.stringContaining('user/local-aws'), operation: 'GenerateDataKey', verdict: 'keeps' },
    ]);
    const { stdout } = await access();
    expect(stdout).toContain(`used it: Decrypt through s3 in bucket ${site.bucket}, once, last `);
    expect(stdout).toContain('loses it: stops the switch');
    expect(stdout).toContain(`next (${reader}): keyPolicy.users: ${reader}`);

    const waiver = (until: string) =>
      site.switch(
        `access: { waivers: [{ who: '${reader}', reason: the report was retired in May, until: ${until} }] }`,
      );
    await waiver('2020-01-31');
    expect((await access()).exitCode).toBe(4);
    await waiver('2999-01-31');
    const waived = await access();
    expect(waived.stdout).toContain('loses it; waived until 2999-01-31: the report was retired in May');
    // The account, which the old key admits and the new one does not, is still to decide.
    expect(waived.exitCode).toBe(2);
  });

  it('calls whom the new key leaves to IAM to decide, and counts no use out of the window or that was refused', async () => {
    await site.put('b', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: v1 });
    const { exitCode, comparisons } = await asJson();
    expect([exitCode, comparisons[0].used]).toMatchObject([
      2,
      [{ operation: 'GenerateDataKey', verdict: 'left-to-iam' }],
    ]);

    await site.switch('access: { days: 1 }');
    const { trail, accountId, clock } = site.endpoint;
    clock.advance(-2 * 86_400_000);
    const by = { service: 'delivery.logs.amazonaws.com' };
    const same = {
      name: 'GenerateDataKey',
      readOnly: true,
      by,
      via: undefined,
      encryptionContext: undefined,
      requestId: '',
    };
    trail.record({ ...same, resources: [v1], error: undefined });
    clock.offset = 0;
    trail.record({ ...same, resources: [v1], error: { code: 'AccessDenied', message: accountId } });
    expect((await asJson()).comparisons[0].used).toHaveLength(1);
    trail.record({ ...same, resources: [v1], error: undefined });
    expect((await asJson()).comparisons[0].used[0]).toMatchObject({ who: by.service, verdict: 'lost', through: null });
  });

  it('leaves out proofs of an import, and nobody who adds their context to a call of his own', async () => {
    const generate = (EncryptionContext: Record<string, string>) =>
      site.kms.send(new GenerateDataKeyCommand({ KeyId: v1, KeySpec: 'AES_256', EncryptionContext }));
    await generate({ 'keyturn:proof': 'ledger' });
    expect((await asJson()).comparisons[0].used).toEqual([]);
    await generate({ 'keyturn:proof': 'ledger', 'payroll:row': '7' });
    expect((await asJson()).comparisons[0].used).toMatchObject([
      { operation: 'GenerateDataKey', through: null, count: 1 },
    ]);
  });

  const partner = 'arn:aws:iam::999900001111:user/partner';
  const colleague = 'arn:aws:iam::999900001111:user/colleague';
  it.each([
    ['keeps', 'names its user', 'names that user', partner, [partner, colleague]],
    ['lost', 'names its user', 'names another one', partner, [colleague]],
    ['unknown', 'names it', 'names a user of it', '999900001111', [partner]],
    ['lost', 'names it', 'names nobody of it', '999900001111', []],
  ])('says %s of another account where the old key %s and the new key %s', async (verdict, _, __, who, named) => {
    const { endpoint, bucket } = site;
    await site.put('shared', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: v1 });
    const may = (AWS: unknown, Action: string, Resource = '*') => ({
      Effect: 'Allow',
      Principal: { AWS },
      Action,
      Resource,
    });
    await keyPolicy(v1, may(who, 'kms:Decrypt'));
    if (named.length > 0) await keyPolicy(v2, may(named, 'kms:Decrypt'));
    const Policy = JSON.stringify({ Statement: [may('999900001111', 's3:GetObject', `arn:aws:s3:::${bucket}/*`)] });
    await site.s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    endpoint.credentials.enforced = true;
    const credentials = endpoint.credentials.addUser('partner', undefined, '999900001111');
    const requestHandler = socketless(() => endpoint);
    const client = {
      endpoint: endpoint.url,
      region: endpoint.region,
      forcePathStyle: true,
      credentials,
      requestHandler,
    };
    await new S3Client(client).send(new GetObjectCommand({ Bucket: bucket, Key: 'shared' }));
    const { exitCode, comparisons } = await asJson();
    expect(comparisons[0].used[0]).toMatchObject({ who: 'account 999900001111', operation: 'Decrypt', verdict });
    expect(exitCode).toBe(verdict === 'lost' ? 4 : 2);
  });

  it('fails to be green where KMS reports a later use than CloudTrail shows, and says where KMS reports none', async () => {
    await readByStranger('reader');
    const { clock, faults } = site.endpoint;
    const [day, minute] = [86_400_000, 60_000];
    faults.trailDelay = 5 * minute;
    const unseen =
      /^CloudTrail: uses of the key of v1 .*: KMS reports Decrypt at \S+, which no event shows: CloudTrail is some minutes late$/;
    const late = await asJson();
    expect([late.exitCode, late.comparisons[0].unread]).toEqual([2, [expect.stringMatching(unseen)]]);
    clock.advance(6 * minute);
    expect((await asJson()).comparisons[0]).toMatchObject({ unread: [], used: [{ operation: 'Decrypt' }, {}] });
    clock.offset = -3 * day;
    await site.put('old', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: v1 });
    clock.offset = 0;
    await site.switch('access: { days: 1 }');
    expect((await asJson()).comparisons[0].unread).toEqual([]);
    const then = { kind: 'answer', status: 400, code: 'AccessDeniedException' } as const;
    faults.inject({ match: { operation: 'GetKeyLastUsage' }, then });
    expect((await asJson()).comparisons[0].notRead).toContain(
      'the last use of the key of v1 that KMS reports: kms:GetKeyLastUsage is denied',
    );
  });

  it('reads every page, and a page that is throttled again', async () => {
    await site[Symbol.asyncDispose]();
    site = await switchedSite({ quotas: awsQuotas });
    [v1, v2] = site.arns;
    await site.switch();
    await readByStranger(...Array.from({ length: 60 }, (_, at) => `reader-${at}`));
    const then = { status: 400, code: 'ThrottlingException', kind: 'answer' } as const;
    site.endpoint.faults.inject({ match: { operation: 'LookupEvents', nth: 2 }, then });
    const { comparisons } = await asJson();
    expect(comparisons[0].used).toHaveLength(61);
    expect([...site.endpoint.requests].filter(({ operation }) => operation === 'LookupEvents').length).toBeGreaterThan(
      2,
    );
  });

  it.each([
    ['cloudtrail:LookupEvents is denied', 'AccessDeniedException', 'LookupEvents'],
    ['the endpoint does not know cloudtrail:LookupEvents', 'UnknownOperationException', 'LookupEvents'],
    ['cloudtrail:LookupEvents has no answer', 'InternalServiceError', 'LookupEvents'],
    ['iam:GetAccountAuthorizationDetails is denied', 'AccessDenied', 'GetAccountAuthorizationDetails'],
    ['the endpoint does not know iam:GetAccount', 'InvalidAction', 'GetAccountAuthorizationDetails'],
  ])('fails to be green, and goes on, where %s', async (reason, code, operation) => {
    const then = { kind: 'answer', status: 400, code } as const;
    site.endpoint.faults.inject({ match: { operation }, then });
    const { exitCode, comparisons } = await asJson();
    expect([exitCode, comparisons[0].unread]).toEqual([2, [expect.stringContaining(`: not asked, ${reason}`)]]);
  });
});

const iam = () => {
  const { url: endpoint, region, accessKey: credentials } = site.endpoint;
  return new IAMClient({ endpoint, region, credentials, requestHandler: socketless(() => site.endpoint) });
};

describe('whom IAM lets use the old key', () => {
  const document = (...statements: readonly object[]) =>
    JSON.stringify({ Version: '2012-10-17', Statement: statements });
  const allowing = (Resource: string, Condition: object = {}) =>
    document({ Effect: 'Allow', Action: ['kms:Decrypt'], Resource, Condition });
  const role = (name: string, ...may: readonly object[]) => {
    const trust = [{ Effect: 'Allow', Principal: { AWS: root }, Action: 'sts:AssumeRole' }];
    return site.endpoint.addRole({ name, trust, may });
  };
  const may = (Resource: string, Condition: object = {}) => ({
    Effect: 'Allow',
    Action: 'kms:Decrypt',
    Resource,
    Condition,
  });
  async function user(UserName: string): Promise<string> {
    return (await iam().send(new CreateUserCommand({ UserName }))).User?.Arn ?? '';
  }

  it('names users, by a group or a managed policy, and roles that name the old ARN, its alias or its tag', async () => {
    await site.kms.send(new TagResourceCommand({ KeyId: v1, Tags: [{ TagKey: 'team', TagValue: 'reports' }] }));
    const byArn = role('by-arn', may(v1));
    const byTag = role('by-tag', may('*', { StringEquals: { 'aws:ResourceTag/team': 'reports' } }));
    const any = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/ledger/v1' } };
    const byAlias = role('by-alias', may('*', any));
    role('by-main-alias', may('*', { 'ForAnyValue:StringLike': { 'kms:ResourceAliases': 'alias/ledger*' } }));
    role('by-both', may(v1), may(v2));
    role('by-date', may('*', { DateLessThan: { 'aws:CurrentTime': '2999-01-01T00:00:00Z' } }));
    const [grouped, attached] = [await user('grouped'), await user('attached')];
    await iam().send(new CreateGroupCommand({ GroupName: 'readers' }));
    await iam().send(
      new PutGroupPolicyCommand({ GroupName: 'readers', PolicyName: 'read', PolicyDocument: allowing(v1) }),
    );
    await iam().send(new AddUserToGroupCommand({ GroupName: 'readers', UserName: 'grouped' }));
    const { Policy } = await iam().send(
      new CreatePolicyCommand({ PolicyName: 'old-key', PolicyDocument: allowing(v1) }),
    );
    await iam().send(new AttachUserPolicyCommand({ UserName: 'attached', PolicyArn: Policy?.Arn }));

    const { exitCode, comparisons } = await asJson();
    const found = (arn: string, policy: string) => ({ arn, uses: ['read'], verdict: 'lost', policies: [policy] });
    expect(exitCode).toBe(2);
    expect(comparisons[0].identities).toMatchObject([
      found(attached, Policy?.Arn ?? ''),
      found(grouped, 'read'),
      ...[byAlias, byArn, byTag].map((arn) => found(arn, 'inline')),
    ]);
    expect((await access()).stdout).toContain(`next (${byArn}): name ${v2} in inline, too`);
  });

  it('decides for whom used the old key: allowed, refused by policies or a boundary, denied, unknown', async () => {
    await iam().send(new CreatePolicyCommand({ PolicyName: 'bound', PolicyDocument: allowing(v1) }));
    const PermissionsBoundary = `arn:aws:iam::${site.endpoint.accountId}:policy/bound`;
    const denies = document(
      { Effect: 'Deny', Action: '*', Resource: v2 },
      { Effect: 'Allow', Action: '*', Resource: '*' },
    );
    const dated = allowing('*', { DateLessThan: { 'aws:CurrentTime': '2999-01-01T00:00:00Z' } });
    const policies = { anywhere: allowing('*'), narrow: allowing(v1), denied: denies, dated, bounded: allowing('*') };
    for (const [UserName, PolicyDocument] of Object.entries(policies)) {
      await iam().send(new CreateUserCommand({ UserName, ...(UserName === 'bounded' && { PermissionsBoundary }) }));
      await iam().send(new PutUserPolicyCommand({ UserName, PolicyName: 'own', PolicyDocument }));
    }
    await readByStranger('stranger', ...Object.keys(policies));
    await keyPolicy(v2);
    const { exitCode, comparisons } = await asJson();
    const verdicts = comparisons[0].used.map(({ who, verdict }: Record<string, string>) => [
      who?.split('/')[1],
      verdict,
    ]);
    expect([exitCode, Object.fromEntries(verdicts)]).toEqual([
      4,
      {
        anywhere: 'keeps',
        narrow: 'lost',
        denied: 'lost',
        dated: 'unknown',
        bounded: 'lost',
        stranger: 'left-to-iam',
        'local-aws': 'left-to-iam',
      },
    ]);
  });

  it('reads every page, and a page that is throttled again', async () => {
    for (let at = 0; at < 1000; at += 1) role(`reader-${at}`, may('*'));
    await user('one-more');
    const then = { status: 400, code: 'Throttling', kind: 'answer' } as const;
    site.endpoint.faults.inject({ match: { operation: 'GetAccountAuthorizationDetails', nth: 1 }, then });
    const { comparisons } = await asJson();
    expect(comparisons[0].asked).toContain('IAM policies of the account');
    expect(
      [...site.endpoint.requests].filter(({ operation }) => operation === 'GetAccountAuthorizationDetails'),
    ).toHaveLength(3);
  });
});

describe("IAM's own simulation", () => {
  const reads = { Effect: 'Allow', Action: ['kms:Decrypt', 's3:GetObject'], Resource: '*' };
  const policy = (...Statement: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
  async function reader(PolicyDocument: string): Promise<void> {
    await iam().send(new CreateUserCommand({ UserName: 'reader' }));
    await iam().send(new PutUserPolicyCommand({ UserName: 'reader', PolicyName: 'own', PolicyDocument }));
    await readByStranger('reader');
    await keyPolicy(v2);
  }
  const used = async () => {
    const { exitCode, comparisons } = await asJson();
    const [{ asked, notRead, used: uses }] = comparisons;
    return {
      exitCode,
      asked,
      notRead: notRead.join(),
      use: uses.find(({ who }: { readonly who: string }) => who.endsWith('/reader')),
    };
  };
  const simulated = "IAM's own simulation of 1 requests";

  it('agrees with what the policies say, as far as the request is known', async () => {
    const byTag = { StringNotEquals: { 'aws:ResourceTag/team': 'reports' } };
    await reader(policy({ ...reads, Condition: byTag }));
    expect(await used()).toMatchObject({
      use: { verdict: 'keeps', note: null },
      asked: expect.arrayContaining([simulated]),
    });
    await iam().send(
      new PutUserPolicyCommand({
        UserName: 'reader',
        PolicyName: 'own',
        PolicyDocument: policy({ ...reads, Resource: v1 }),
      }),
    );
    expect(await used()).toMatchObject({ exitCode: 4, use: { verdict: 'lost', note: null } });
  });

  it('makes unknown what a policy of the organization refuses', async () => {
    await reader(policy(reads));
    site.endpoint.controlBy([{ Effect: 'Allow', Action: '*', Resource: '*' }]);
    expect(await used()).toMatchObject({ use: { verdict: 'keeps' } });
    site.endpoint.controlBy([
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', Action: 'kms:*', Resource: v2 },
    ]);
    expect(await used()).toMatchObject({ exitCode: 2, use: { verdict: 'unknown' } });
    expect((await access()).stdout).toContain('unknown: a policy of the organization refuses it, as IAM simulates it');
  });

  it('makes unknown what it contradicts', async () => {
    await reader(policy(reads));
    const PolicyDocument = policy(reads, { Effect: 'Deny', Action: 'kms:*', Resource: v2 });
    const unhook = site.endpoint.requests.hook({
      async before({ operation }) {
        if (operation === 'SimulatePrincipalPolicy')
          await iam().send(new PutUserPolicyCommand({ UserName: 'reader', PolicyName: 'own', PolicyDocument }));
        return undefined;
      },
    });
    const note = 'IAM simulates explicitDeny, and its policies as they were read say allowed';
    expect(await used()).toMatchObject({ exitCode: 2, use: { verdict: 'unknown', note } });
    unhook();
  });

  it.each(['AccessDenied', 'InvalidAction', 'ServiceFailure'])('is said not to be asked after %s', async (code) => {
    await reader(policy(reads));
    const then = { kind: 'answer', status: 400, code } as const;
    site.endpoint.faults.inject({ match: { operation: 'SimulatePrincipalPolicy' }, then });
    expect(await used()).toMatchObject({
      use: { verdict: 'keeps', note: null },
      notRead: expect.stringContaining("IAM's own simulation, which tells of policies of the organization: "),
    });
  });
});

describe('what names the old key', () => {
  const replicate = (ReplicaKmsKeyID: string) =>
    site.s3.send(
      new PutBucketReplicationCommand({
        Bucket: site.bucket,
        ReplicationConfiguration: {
          Role: `arn:aws:iam::${site.endpoint.accountId}:role/replicates`,
          Rules: [
            {
              ID: 'to-osaka',
              Status: 'Enabled',
              Filter: { Prefix: '' },
              DeleteMarkerReplication: { Status: 'Disabled' },
              SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: 'Enabled' } },
              Destination: { Bucket: 'arn:aws:s3:::replica', EncryptionConfiguration: { ReplicaKmsKeyID } },
            },
          ],
        },
      }),
    );

  const inventory = (Id: string, KeyId: string) =>
    site.s3.send(
      new PutBucketInventoryConfigurationCommand({
        Bucket: site.bucket,
        Id,
        InventoryConfiguration: {
          Id,
          IsEnabled: true,
          IncludedObjectVersions: 'All',
          Schedule: { Frequency: 'Weekly' },
          Destination: {
            S3BucketDestination: { Bucket: 'arn:aws:s3:::lists', Format: 'CSV', Encryption: { SSEKMS: { KeyId } } },
          },
        },
      }),
    );

  it('are replication rules, inventories and the defaults of other buckets', async () => {
    await replicate(v1);
    await inventory('weekly', v1);
    for (const [Bucket, KMSMasterKeyID] of [
      ['by-alias', 'alias/ledger/v1'],
      ['by-new-key', v2],
    ] as const) {
      await site.createBucket(Bucket);
      const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID } } as const;
      const ServerSideEncryptionConfiguration = { Rules: [rule] };
      await site.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }));
    }
    const { exitCode, comparisons } = await asJson();
    expect([exitCode, comparisons[0].naming]).toEqual([
      2,
      [
        { bucket: site.bucket, setting: 'replication rule to-osaka', keyId: v1 },
        { bucket: site.bucket, setting: 'inventory weekly', keyId: v1 },
        { bucket: 'by-alias', setting: 'default encryption', keyId: 'alias/ledger/v1' },
      ],
    ]);
    const then = { kind: 'answer', status: 400, code: 'AccessDeniedException' } as const;
    const without = site.endpoint.faults.inject({ match: { operation: 'ListAliases' }, then });
    expect((await asJson()).comparisons[0].unread).toContain(
      'default encryption of bucket by-alias: which key alias/ledger/v1 is, for kms:ListAliases is denied',
    );
    without();
    expect((await access()).stdout).toContain(
      `next (replication rule to-osaka of bucket ${site.bucket}): name ${v2} there`,
    );
    await replicate(v2);
    expect((await asJson()).comparisons[0].naming).toHaveLength(2);
  });

  it('are found on every page, though every source is throttled once', async () => {
    for (let at = 100; at < 200; at += 1) await inventory(`list-${at}`, v2);
    await inventory('weekly', v1);
    await site.kms.send(new CreateGrantCommand({ KeyId: v1, GranteePrincipal: root, Operations: ['Decrypt'] }));
    const ofS3 = ['GetBucketReplication', 'ListBucketInventoryConfigurations', 'ListBuckets', 'GetBucketPolicy'];
    const ofKms = ['GetKeyPolicy', 'ListGrants', 'ListResourceTags', 'GetKeyLastUsage', 'ListAliases'];
    for (const operation of [...ofS3, ...ofKms]) {
      const code = ofKms.includes(operation) ? 'ThrottlingException' : 'SlowDown';
      const then = { kind: 'answer', status: code === 'SlowDown' ? 503 : 400, code } as const;
      site.endpoint.faults.inject({ match: { operation, nth: 1 }, then });
    }
    const { exitCode, comparisons } = await asJson();
    expect([exitCode, comparisons]).toMatchObject([
      2,
      [{ naming: [{ setting: 'inventory weekly' }], grants: [{ operations: ['Decrypt'] }], unread: [] }],
    ]);
    const refused = [...site.endpoint.requests].filter(
      ({ code }) => code === 'SlowDown' || code === 'ThrottlingException',
    );
    expect(refused.map(({ operation }) => operation).sort()).toEqual([...ofS3, ...ofKms].sort());
  });

  it.each([
    ['GetBucketReplication', 'replication of bucket ledger-of-the-team: s3:GetReplicationConfiguration is denied'],
    [
      'ListBucketInventoryConfigurations',
      'inventories of bucket ledger-of-the-team: s3:GetInventoryConfiguration is denied',
    ],
    ['ListBuckets', 'default keys of the other buckets of the account: s3:ListAllMyBuckets is denied'],
  ])('fails to be green without %s', async (operation, unread) => {
    const then = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;
    site.endpoint.faults.inject({ match: { operation }, then });
    const { exitCode, comparisons } = await asJson();
    expect([exitCode, comparisons[0].unread]).toEqual([2, [unread]]);
  });
});

describe('a switch with every policy enforced', () => {
  it('loses nobody whom access named and the new key admits by then', async () => {
    const { endpoint, bucket } = site;
    const [reader = ''] = await readByStranger('reader');
    const own = endpoint.credentials.find(endpoint.accessKey.accessKeyId)?.caller.arn ?? '';
    const statements = [
      {
        Effect: 'Allow',
        Principal: { AWS: [own, reader] },
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: '*',
      },
      { Effect: 'Allow', Principal: { AWS: '999900001111' }, Action: 'kms:Decrypt', Resource: '*' },
      {
        Effect: 'Allow',
        Principal: { Service: 'delivery.logs.amazonaws.com' },
        Action: 'kms:GenerateDataKey*',
        Resource: '*',
        Condition: { ArnLike: { 'aws:SourceArn': `arn:aws:logs:${endpoint.region}:${endpoint.accountId}:*` } },
      },
    ];
    await keyPolicy(v1, ...statements);
    const before = await asJson();
    const named = before.comparisons[0].lost.map(({ who }: { readonly who: string }) => who);
    expect(named).toEqual(
      expect.arrayContaining([
        reader,
        'account 999900001111',
        expect.stringMatching(/^delivery\.logs\.amazonaws\.com/),
      ]),
    );
    expect(before.exitCode).toBe(4);

    await iam().send(new CreateUserCommand({ UserName: 'reader' }));
    const may = JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` },
    });
    await iam().send(new PutUserPolicyCommand({ UserName: 'reader', PolicyName: 'read', PolicyDocument: may }));
    await site.put('under v2');
    endpoint.credentials.enforced = true;
    const credentials = endpoint.credentials.addUser('reader');
    const requestHandler = socketless(() => endpoint);
    const client = {
      endpoint: endpoint.url,
      region: endpoint.region,
      forcePathStyle: true,
      credentials,
      requestHandler,
    };
    const read = (Key: string) => new S3Client(client).send(new GetObjectCommand({ Bucket: bucket, Key }));
    await read('a');
    await expect(read('under v2')).rejects.toThrow('is not authorized to perform: kms:Decrypt');

    await keyPolicy(v2, ...statements);
    expect(await asJson()).toMatchObject({ exitCode: 0, comparisons: [{ lost: [], identities: [], unread: [] }] });
    await Promise.all([read('a'), read('under v2'), site.put('again')]);
    await expect(
      new S3Client(client).send(new PutObjectCommand({ Bucket: bucket, Key: 'b', Body: 'b' })),
    ).rejects.toThrow('s3:PutObject');
  });
});
