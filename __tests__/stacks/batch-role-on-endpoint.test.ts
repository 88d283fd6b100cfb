/**
 * The role as the storage stack declares it, taken by real jobs on the embedded endpoint, which holds its sessions to trust and
 * policy: what the jobs need it may, and what it may some job needs.
 */
import { PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { reencryptBucketByJobs } from '../../lib/batch/batch-reencrypt';
import type { BatchRequest } from '../../lib/batch/batch-request';
import type { BucketReencryption } from '../../lib/reencrypt/reencrypt-bucket';
import type { ReencryptMethod } from '../../lib/rotation/settings';
import { batchRolePolicy, batchTrustPolicy } from '../../stacks/batch-role-policy';
import { keyPolicy } from '../../stacks/key-policy';
import { JOBS_BUCKET, type JobsStand, jobsStand } from '../lib/batch/jobs-stand';
import { newRole } from '../local-aws/s3-control/iam-role';

/** Actions that no job on the embedded endpoint asks for: AWS's pages list them for the operation. */
const NEVER_ASKED: Readonly<Record<ReencryptMethod, readonly string[]>> = {
  // The endpoint moves a data key by ReEncrypt alone, and reads nothing of the object. S3's own listing it does not read back.
  rewrap: ['kms:Decrypt', 'kms:Encrypt', 's3:GetObject', 's3:GetObjectVersion', 's3:PutInventoryConfiguration'],
  // A bucket that enforces its owner has no ACLs, and every row names a version.
  rewrite: ['s3:GetObjectAcl', 's3:GetObjectTagging', 's3:GetObjectVersionAcl', 's3:PutObjectAcl'],
};

let stand: JobsStand;
beforeAll(async () => {
  stand = await jobsStand();
  // Objects of an hour ago: what was written as late as the listing, jobs do not copy.
  stand.aws.clock.advance(-3_600_000);
});
afterAll(() => stand.close());

const policyFor = (method: ReencryptMethod, bucket: string, listedByS3: boolean) =>
  batchRolePolicy({
    partition: 'aws',
    region: stand.aws.region,
    method,
    buckets: [bucket],
    listedByS3: listedByS3 ? [bucket] : [],
    store: { bucket: JOBS_BUCKET, prefix: 'keyturn/rot/' },
    oldKeys: [stand.oldKey],
    newKey: stand.newKey,
  });

/** Runs the engine on a bucket under the stack's own role, and says what its jobs asked for. */
async function movedBy(
  method: ReencryptMethod,
  manifest: BatchRequest['manifest'],
  bucket: string,
  may: readonly object[] = policyFor(method, bucket, manifest === 'generated').Statement,
) {
  const [trust] = batchTrustPolicy(stand.account).Statement;
  const roleArn = await newRole(stand.aws, `keyturn-${bucket}-batch`, { may, trust });
  stand.aws.requests.clear();
  const request = stand.jobsRequest(bucket, {
    scope: { method },
    place: { roleArn },
    manifest,
    noConcurrentWrites: true,
    supersededKeyArns: [stand.oldKey],
    sources: {
      versionKeyArns: [stand.oldKey],
      unresolvedVersions: [],
      from: { any: false, sseS3: true, keyArns: [], unresolved: undefined },
    },
  });
  const done = await reencryptBucketByJobs(stand.tools(), request);
  const tasks = [...stand.aws.requests].filter(({ service }) => service === 'batchoperations');
  return { done, asked: new Set(tasks.flatMap(({ actions }) => actions)) };
}

const tasksOf = ({ jobs }: BucketReencryption) => jobs.reduce((sum, { total }) => sum + total, 0);

const allowed = (statements: readonly { readonly Action: readonly string[] }[]) => [
  ...new Set(statements.flatMap(({ Action }) => Action)),
];

describe.each([
  ['rewrap', 'listed', 'Enabled'],
  ['rewrap', 'generated', undefined],
  ['rewrite', 'listed', 'Enabled'],
] as const)('%s by a manifest that is %s', (method, manifest, versioning) => {
  const name = `${method}-${manifest}`;

  it('moves every object by jobs, and nothing that the role may is never asked for', async () => {
    const bucket = await stand.bucket(name, versioning);
    await stand.put(bucket, 'plain');
    await stand.put(bucket, 'tagged', { Tagging: 'a=b' });
    await stand.put(bucket, 'under-s3', {
      ServerSideEncryption: 'AES256',
      SSEKMSKeyId: undefined,
      BucketKeyEnabled: undefined,
    });
    const { done, asked } = await movedBy(method, manifest, bucket);
    expect(done.jobs.map(({ status, failed }) => [status, failed])).toEqual(done.jobs.map(() => ['Complete', 0]));
    expect([done.complete, done.moved, tasksOf(done)]).toEqual([true, 3, 3]);
    const may = allowed(policyFor(method, bucket, manifest === 'generated').Statement);
    expect(may.filter((action) => !asked.has(action) && !NEVER_ASKED[method].includes(action))).toEqual([]);
  });

  it.each(['MoveObjects', 'UseNewKey', 'LeaveOldKeys'])('fails its tasks without the statement %s', async (sid) => {
    const bucket = await stand.bucket(`${name}-${sid.toLowerCase()}`, versioning);
    await stand.put(bucket, 'plain');
    const may = policyFor(method, bucket, manifest === 'generated').Statement.filter(({ Sid }) => Sid !== sid);
    const { done } = await movedBy(method, manifest, bucket, may);
    expect(done.jobs.reduce((sum, { failed }) => sum + failed, 0)).toBe(1);
  });
});

it.each(['ListByS3', 'WriteManifests'])('S3 makes no manifest without the statement %s', async (sid) => {
  const bucket = await stand.bucket(`unlisted-${sid.toLowerCase()}`);
  await stand.put(bucket, 'plain');
  const may = policyFor('rewrap', bucket, true).Statement.filter(({ Sid }) => Sid !== sid);
  await expect(movedBy('rewrap', 'generated', bucket, may)).rejects.toMatchObject({
    code: expect.stringMatching(/^job-/),
  });
});

it('what the role reads of a key it may not have without the condition on S3', async () => {
  const bucket = await stand.bucket('elsewhere', 'Enabled');
  await stand.put(bucket, 'plain');
  const { Statement } = policyFor('rewrap', bucket, false);
  const may = Statement.map((one) =>
    one.Condition?.StringEquals?.['kms:ViaService'] === undefined
      ? one
      : { ...one, Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-3.amazonaws.com' } } },
  );
  const { done } = await movedBy('rewrap', 'listed', bucket, may);
  expect(done.jobs.map(({ failed }) => failed)).toEqual([1]);
});

it.each(['rewrap', 'rewrite'] as const)(
  'fails its tasks where %s names another key than the policy',
  async (method) => {
    const bucket = await stand.bucket(`pinned-${method}`, 'Enabled');
    await stand.put(bucket, 'plain');
    const pinned = { StringEqualsIfExists: { 's3:x-amz-server-side-encryption-aws-kms-key-id': stand.oldKey } };
    const may = policyFor(method, bucket, false).Statement.map((one) =>
      one.Sid === 'MoveObjects' ? { ...one, Condition: pinned } : one,
    );
    const { done } = await movedBy(method, 'listed', bucket, may);
    expect(done.jobs.map(({ failed }) => failed)).toEqual([1]);
  },
);

it('a role whose trust names another account is taken by no job', async () => {
  const bucket = await stand.bucket('stranger', 'Enabled');
  await stand.put(bucket, 'plain');
  const [trust] = batchTrustPolicy('999988887777').Statement;
  const roleArn = await newRole(stand.aws, 'keyturn-stranger-batch', { trust });
  const request = stand.jobsRequest(bucket, { place: { roleArn } });
  await expect(reencryptBucketByJobs(stand.tools(), request)).rejects.toMatchObject({ code: 'job-role-missing' });
});

describe('a key policy that names users', () => {
  const setPolicies = async (jobRole: string | undefined) => {
    const policy = keyPolicy({
      account: stand.account,
      partition: 'aws',
      region: stand.aws.region,
      rotation: 'rot',
      administrators: [],
      users: [`arn:aws:iam::${stand.account}:user/somebody`],
      breakGlass: [],
      services: [],
      inPlace: false,
      jobRole,
    });
    for (const KeyId of [stand.oldKey, stand.newKey]) {
      await stand.kms.send(new PutKeyPolicyCommand({ KeyId, Policy: JSON.stringify(policy) }));
    }
  };
  const failedIn = async (bucket: string, roleOf: string | undefined): Promise<number> => {
    await stand.bucket(bucket, 'Enabled');
    await stand.put(bucket, 'plain');
    await setPolicies(roleOf && `arn:aws:iam::${stand.account}:role/keyturn-${roleOf}-batch`);
    const { done } = await movedBy('rewrap', 'listed', bucket);
    return done.jobs.reduce((sum, { failed }) => sum + failed, 0);
  };

  it('keeps the jobs out where it does not know their role', async () => {
    expect(await failedIn('unknown-role', undefined)).toBe(1);
  });

  it('lets the jobs’ role through, and no other role of the account', async () => {
    expect(await failedIn('known-role', 'known-role')).toBe(0);
    expect(await failedIn('other-role', 'known-role')).toBe(1);
  });
});
