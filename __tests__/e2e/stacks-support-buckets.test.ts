import {
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { StackDirectory } from '../../lib/terraform/synthesize';
import type { Terraform } from '../../lib/terraform/terraform';
import { type Stage, stage } from './stacks-stage';

/** A rotation of two versions with a bucket for evidence, and what else it is given. */
const rotationFile = (active: string, more = ''): string => `name: payroll
region: ap-northeast-1
account: "123456789012"
alias: alias/payroll
keyVersions:
  - name: v1
  - name: v2
activeVersion: ${active}
buckets:
  - name: payroll-data
    manage: bucket
evidence:
  bucket:
    name: payroll-evidence
    retention: { mode: COMPLIANCE, days: 30 }
${more}`;

/** Jobs as the engine, with a bucket of their own, and users whom the key policy names. */
const JOBS = `reencrypt:
  engine: batch
  batch: { bucket: payroll-jobs, manifest: generated }
keyPolicy: { users: ["arn:aws:iam::123456789012:role/app"] }
`;

const MINUTES = 180_000;

describe('what serves a rotation, by real Terraform', () => {
  let on: Stage;
  let terraform: Terraform;
  let s3: S3Client;
  let keys: StackDirectory;
  let storage: StackDirectory;

  beforeAll(async () => {
    on = await stage();
    terraform = await on.terraform();
    s3 = new S3Client({
      endpoint: on.aws.url,
      region: on.aws.region,
      credentials: on.aws.accessKey,
      forcePathStyle: true,
    });
    ({ keys, storage } = await on.declare(rotationFile('v1')));
    await terraform.apply(await terraform.plan(keys));
    for (const version of ['v1', 'v2']) await on.importMaterial(`alias/payroll/${version}`);
  }, MINUTES);
  afterAll(async () => {
    s3.destroy();
    await on[Symbol.asyncDispose]();
  });

  const applied = async (stack: StackDirectory) => {
    const plan = await terraform.plan(stack);
    await terraform.apply(plan);
    return plan.summary.resources.map(({ address, action }) => `${action} ${address}`).sort();
  };

  it(
    'the bucket of the evidence is made with its lock',
    async () => {
      await applied(storage);
      const lock = await s3.send(new GetObjectLockConfigurationCommand({ Bucket: 'payroll-evidence' }));
      expect(lock.ObjectLockConfiguration).toEqual({
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 30 } },
      });
      const encryption = await s3.send(new GetBucketEncryptionCommand({ Bucket: 'payroll-evidence' }));
      expect(encryption.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault).toEqual({
        SSEAlgorithm: 'AES256',
      });
    },
    MINUTES,
  );

  it('what is put there is locked for the days of the file, and its deletion is refused', async () => {
    const place = { Bucket: 'payroll-evidence', Key: 'payroll/one.ndjson' };
    const { VersionId } = await s3.send(new PutObjectCommand({ ...place, Body: '{}' }));
    const { Retention } = await s3.send(new GetObjectRetentionCommand(place));
    expect(Retention?.Mode).toBe('COMPLIANCE');
    const days = ((Retention?.RetainUntilDate?.getTime() ?? 0) - on.aws.clock.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
    await expect(s3.send(new DeleteObjectCommand({ ...place, VersionId }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });

  it(
    'the role of the jobs and their bucket are added when the engine changes',
    async () => {
      ({ keys, storage } = await on.declare(rotationFile('v1', JOBS)));
      expect(await applied(keys)).toEqual([
        'update aws_kms_external_key.version_v1',
        'update aws_kms_external_key.version_v2',
      ]);
      expect(await applied(storage)).toEqual(
        [
          'create aws_iam_role.batch',
          'create aws_iam_role_policy.batch',
          'create aws_s3_bucket.batch',
          'create aws_s3_bucket_ownership_controls.batch',
          'create aws_s3_bucket_policy.batch',
          'create aws_s3_bucket_public_access_block.batch',
          'create aws_s3_bucket_server_side_encryption_configuration.batch',
          'create aws_s3_bucket_versioning.batch',
        ].sort(),
      );
    },
    3 * MINUTES,
  );

  it(
    'the switch moves alias and defaults, names the old key to the role, and both plans are empty after',
    async () => {
      ({ keys, storage } = await on.declare(rotationFile('v2', JOBS)));
      expect((await terraform.plan(keys)).changes).toBe(false);
      expect(await applied(storage)).toEqual([
        'update aws_iam_role_policy.batch',
        'update aws_kms_alias.main',
        'update aws_s3_bucket_server_side_encryption_configuration.bucket_payroll-data',
      ]);
      expect((await terraform.plan(storage)).changes).toBe(false);
    },
    3 * MINUTES,
  );

  it(
    'Terraform refuses to destroy either bucket, when the file lets go of them',
    async () => {
      const without = rotationFile('v2').replace(/evidence:[\s\S]*days: 30 }\n/, '');
      ({ storage } = await on.declare(without));
      await expect(terraform.plan(storage)).rejects.toMatchObject({
        code: 'terraform-destroys',
        message: expect.stringMatching(/aws_s3_bucket\.(batch|evidence)/),
      });
    },
    MINUTES,
  );
});
