import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { type Finished, openSite, rotationText, type Site } from '../support/keyturn-process';

const MINUTES = 300_000;
const LEDGER = 'ledger-with-locks';
const OWNED = 'kms-key-rotation-test-bucket';
const JOBS = 'rotation-test-jobs';
const EVIDENCE = 'rotation-test-evidence';

/** A bucket of our own and an adopted one with object lock; jobs do the bulk, and evidence goes where nobody can delete it. */
function declared(versions: readonly string[], active: string): string {
  return rotationText(versions, active).replace(
    'custody:',
    `  - name: ${LEDGER}
    manage: encryption
reencrypt:
  engine: batch
  batch: { bucket: ${JOBS} }
evidence:
  bucket: { name: ${EVIDENCE}, retention: { mode: COMPLIANCE, days: 30 } }
custody:`,
  );
}

describe('a rotation by jobs, from the stacks to the retired key', () => {
  let site: Site;
  let kms: KMSClient;
  let s3: S3Client;
  let bulk: number;

  const keyState = async (version: string) =>
    (await kms.send(new DescribeKeyCommand({ KeyId: `alias/rotation-test-key/${version}` }))).KeyMetadata?.KeyState;
  const done = (finished: Finished): Finished => {
    expect(`${finished.exitCode} ${finished.stderr}`).toMatch(/^0 /);
    return finished;
  };
  const put = (Bucket: string, Key: string, more: object = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body: Key, ...more }));
  const postApply = (...more: string[]) => site.run(['post-apply', '--yes', '--json', '--relist-delay', '0s', ...more]);
  const passesOf = ({ stdout }: Finished) => JSON.parse(stdout).steps[0].facts.passes;

  beforeAll(async () => {
    site = await openSite();
    await site.keepProvider();
    const { url, region, accessKey: credentials } = site.endpoint;
    kms = new KMSClient({ endpoint: url, region, credentials });
    s3 = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true });
    const location = { LocationConstraint: region as 'ap-northeast-1' };
    await s3.send(
      new CreateBucketCommand({
        Bucket: LEDGER,
        CreateBucketConfiguration: location,
        ObjectLockEnabledForBucket: true,
      }),
    );
    await s3.send(new PutBucketVersioningCommand({ Bucket: LEDGER, VersioningConfiguration: { Status: 'Enabled' } }));
    await site.declare(declared(['v1'], 'v1'));
  });
  afterAll(async () => {
    kms.destroy();
    s3.destroy();
    await site.close();
  });

  it(
    'declares the role, the bucket of the jobs and the locked bucket of the evidence, and both plans are empty after',
    async () => {
      done(await site.run(['rotate', '--yes', '--json']));
      const planned = await site.run(['plan', '--out', 'plan', '--detailed-exitcode']);
      expect([planned.exitCode, planned.stderr]).toEqual([0, expect.stringContaining('0 planned job(s)')]);
    },
    MINUTES,
  );

  it(
    'writes the specification of the jobs to come beside the plan of the switch, for review',
    async () => {
      for (let index = 0; index < 40; index += 1) {
        await put(OWNED, `photos/${index}`);
        await put(LEDGER, `entries/${index}`);
      }
      await put(LEDGER, 'entries/0', { Body: 'a second version' });
      await put(LEDGER, 'held', { ObjectLockLegalHoldStatus: 'ON' });
      await put(LEDGER, 'archived', { StorageClass: 'GLACIER' });
      const customerKey = randomBytes(32);
      await put(LEDGER, 'of a customer', {
        SSECustomerAlgorithm: 'AES256',
        SSECustomerKey: customerKey.toString('base64'),
        SSECustomerKeyMD5: createHash('md5').update(customerKey).digest('base64'),
      });
      bulk = 40 + 42;
      await site.declare(declared(['v1', 'v2'], 'v1'));
      done(await site.run(['rotate', '--yes', '--json']));
      await site.declare(declared(['v1', 'v2'], 'v2'));
      const planned = await site.run(['plan', '--out', 'plan', '--json']);
      expect(planned.exitCode).toBe(0);
      const folder = path.join(site.directory, 'plan');
      const { jobs } = JSON.parse(await readFile(path.join(folder, 'jobs.json'), 'utf8'));
      expect(jobs.map((one: { bucket: string }) => one.bucket)).toEqual(expect.arrayContaining([OWNED, LEDGER]));
      expect(JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8')).files).toHaveProperty([
        'jobs.json',
      ]);
      const text = await readFile(path.join(folder, 'jobs.json'), 'utf8');
      await cp(path.join(folder, 'jobs.json'), path.join(site.directory, 'reviewed-jobs.json'));
      expect(text).toContain('"S3UpdateObjectEncryption"');
      done(await site.run(['apply', 'plan', '--yes', '--json']));
    },
    MINUTES,
  );

  it(
    'counts the tasks and waits for confirmation; killed and interrupted, it resumes the same jobs',
    async () => {
      const waiting = await postApply();
      expect([waiting.exitCode, waiting.stderr]).toEqual([3, expect.stringContaining('--confirm')]);
      expect(site.endpoint.jobs.ids).toHaveLength(2);
      site.endpoint.jobs.hold(['Active']);
      try {
        const killed = await site.run(['post-apply', '--yes', '--confirm', '--relist-delay', '0s'], {
          interrupt: { when: /is active/, signal: 'SIGKILL' },
        });
        expect(killed.signal).toBe('SIGKILL');
        const interrupted = await site.run(['post-apply', '--yes', '--confirm', '--relist-delay', '0s'], {
          interrupt: { when: /is active/, signal: 'SIGINT' },
        });
        expect([interrupted.exitCode, interrupted.stderr]).toEqual([130, expect.stringContaining('continues in S3')]);
        expect((await site.run(['job', 'status'])).stdout).toContain('S3 works through its tasks');
      } finally {
        site.endpoint.jobs.release();
      }
    },
    MINUTES,
  );

  it(
    'moves the bulk by the jobs and the rest here, also with a second run from another machine, and keeps v1 on for the held one',
    async () => {
      const elsewhere = await mkdtemp(path.join(tmpdir(), 'keyturn-second-'));
      await cp(site.rotationFile, path.join(elsewhere, 'rotation.yaml'));
      const second = site.run([
        'post-apply',
        '--yes',
        '--confirm',
        '--relist-delay',
        '0s',
        '--rotation-file',
        path.join(elsewhere, 'rotation.yaml'),
      ]);
      const first = await postApply('--confirm');
      expect((await second).stderr).toContain('gate-refused');
      await rm(elsewhere, { recursive: true, force: true });
      expect([first.exitCode, first.stderr]).toEqual([4, expect.stringContaining('"held"')]);
      expect(site.endpoint.jobs.ids).toHaveLength(2);
      expect(await keyState('v1')).toBe('Enabled');
    },
    MINUTES,
  );

  it(
    'retires v1 once nothing holds it, with one bundle of evidence that is sound here and in its bucket',
    async () => {
      await s3.send(new PutObjectLegalHoldCommand({ Bucket: LEDGER, Key: 'held', LegalHold: { Status: 'OFF' } }));
      const last = done(await postApply('--confirm'));
      const moved = passesOf(last).flatMap((pass: { jobs: readonly { succeeded: number }[] }) => pass.jobs);
      expect(moved.reduce((sum: number, one: { succeeded: number }) => sum + one.succeeded, 0)).toBe(bulk);
      expect(await keyState('v1')).toBe('Disabled');
      const evidence = path.join(site.directory, '.keyturn', 'evidence');
      const checked = await site.run(['verify-evidence', evidence, '--bucket', '--json']);
      const { faults, bucket } = JSON.parse(checked.stdout);
      // What the second machine left is in the bucket and not here.
      expect(new Set(bucket.faults.map((one: { code: string }) => one.code))).toEqual(new Set(['not-here']));
      const kept = JSON.parse((await site.run(['verify-evidence', '--bucket', '--json'])).stdout);
      expect(kept.bucket.faults).toEqual([]);
      expect(kept.faults.map((one: { code: string }) => one.code)).toEqual(['not-closed']);
      // The run that was killed has no end, here and there alike.
      expect(faults.map((one: { code: string }) => one.code)).toEqual(['not-closed']);
      expect(bucket.files).toBeGreaterThan((await readdir(evidence)).filter((name) => name.endsWith('.ndjson')).length);
      const page = path.join(site.directory, 'report.html');
      await site.run(['report', evidence, '--out', page]);
      expect(await readFile(page, 'utf8')).toContain('Jobs of S3 Batch Operations');
    },
    MINUTES,
  );

  it(
    'asked for what was reviewed, and keeps the evidence from deletion',
    async () => {
      const reviewed = JSON.parse(await readFile(path.join(site.directory, 'reviewed-jobs.json'), 'utf8')).jobs;
      const evidence = path.join(site.directory, '.keyturn', 'evidence');
      const texts = await Promise.all(
        (await readdir(evidence))
          .filter((name) => name.endsWith('.ndjson'))
          .map((name) => readFile(path.join(evidence, name), 'utf8')),
      );
      const specified = texts
        .flatMap((text) => text.trim().split('\n'))
        .map((line) => JSON.parse(line))
        .filter((record) => record.type === 'job')
        .map((record) => record.data.spec);
      expect(specified).toHaveLength(2);
      for (const { spec } of reviewed) {
        // The token names the switch, whose time no plan knows.
        const { Operation, RoleArn, Report } = spec;
        expect(specified).toContainEqual(expect.objectContaining({ Operation, RoleArn, Report }));
      }
      const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: EVIDENCE }));
      const [{ Key, VersionId } = {}] = Versions;
      await expect(s3.send(new DeleteObjectCommand({ Bucket: EVIDENCE, Key, VersionId }))).rejects.toMatchObject({
        name: 'AccessDenied',
      });
    },
    MINUTES,
  );
});
