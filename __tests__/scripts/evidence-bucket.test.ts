import { appendFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { speak } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

const ARCHIVE = 'ledger-evidence';
const DECLARED = `evidence: { bucket: { name: ${ARCHIVE}, retention: { mode: GOVERNANCE, days: 30 } } }\n`;
const DENIED = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;
let site: SwitchedSite;

beforeEach(async () => {
  site = await switchedSite();
  await site.put('one');
  await site.switch(DECLARED);
});

afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

const postApply = (...more: string[]) =>
  speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s', ...more]);
const evidence = () => path.join(site.directory, '.keyturn', 'evidence');
const check = (...args: string[]) => speak(site.directory, ['verify-evidence', ...args]);

async function keys(): Promise<readonly string[]> {
  const { Contents = [] } = await site.s3.send(new ListObjectsV2Command({ Bucket: ARCHIVE }));
  return Contents.map(({ Key = '' }) => Key);
}

it('puts evidence and outcomes under SSE-S3, kept as declared, and finds both places the same', async () => {
  await site.createLockedBucket(ARCHIVE, 'GOVERNANCE', 30);
  const { exitCode, stdout } = await postApply('--json');
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).evidenceBucket).toEqual({ bucket: ARCHIVE, put: 2, there: 0 });
  const [run = '', outcomes = ''] = [...(await keys())].sort();
  expect(run).toMatch(/^ledger\/\d{8}T\d{6}Z-[0-9a-f]{16}\.ndjson$/);
  expect(outcomes).toMatch(/\.outcomes\/ledger-of-the-team-000001\.ndjson\.gz$/);
  const head = await site.s3.send(new HeadObjectCommand({ Bucket: ARCHIVE, Key: run }));
  expect(head).toMatchObject({
    ServerSideEncryption: 'AES256',
    ContentType: 'application/x-ndjson',
    ObjectLockMode: 'GOVERNANCE',
  });
  const both = await check(evidence(), '--bucket');
  expect(both.stderr).toContain(`${ARCHIVE} holds 2 file(s)`);
  expect(both.exitCode).toBe(0);
  const alone = await check('--bucket', '--json');
  expect(alone.exitCode).toBe(0);
  expect(JSON.parse(alone.stdout)).toMatchObject({ faults: [], bucket: { files: 2, faults: [] } });
  expect(JSON.parse(alone.stdout).files[0].file).toBe(`s3://${ARCHIVE}/${path.basename(run)}`);
});

it('puts each file once, and those of a run that was killed too', async () => {
  await site.createLockedBucket(ARCHIVE, 'GOVERNANCE', 30);
  await postApply();
  const [first = ''] = (await readdir(evidence())).filter((name) => name.endsWith('.ndjson'));
  const killed = '20260101T000000Z-0123456789abcdef.ndjson';
  const text = `{"at":"x","data":{"command":"rotate","rotation":"ledger"},"type":"run-opened"}\n`;
  await writeFile(path.join(evidence(), killed), text);
  await writeFile(
    path.join(evidence(), '20260101T000000Z-ffffffffffffffff.ndjson'),
    text.replace('"ledger"', '"another"'),
  );
  const { stdout } = await postApply('--json');
  // The two files of this run and the killed one's; the first run's two are there, another rotation's stays here.
  expect(JSON.parse(stdout).evidenceBucket).toMatchObject({ put: 3, there: 2 });
  expect(await keys()).toContain(`ledger/${killed}`);
  expect((await keys()).filter((key) => key === `ledger/${first}`)).toHaveLength(1);
  expect(await keys()).not.toContain('ledger/20260101T000000Z-ffffffffffffffff.ndjson');
});

it('reports a missing bucket, exits 3, and archives everything later', async () => {
  const before = await postApply('--json');
  expect(before.exitCode).toBe(3);
  expect(JSON.parse(before.stdout).evidenceBucket.fault.code).toBe('evidence-bucket-missing');
  expect(before.stderr).toContain('apply the storage stack');
  expect(await site.stateOf(site.arns[0])).toBe('Disabled');
  await site.createLockedBucket(ARCHIVE, 'GOVERNANCE', 30);
  const after = await postApply('--json');
  expect(after.exitCode).toBe(0);
  expect(JSON.parse(after.stdout).evidenceBucket).toMatchObject({ put: 4, there: 0 });
});

it('only notes a missing bucket before the storage stack is applied', async () => {
  const { exitCode, stdout, stderr } = await speak(site.directory, ['pre-apply', '--yes', '--json']);
  expect(stderr).toContain(`bucket ${ARCHIVE} does not exist yet`);
  expect(JSON.parse(stdout).evidenceBucket).toEqual({ bucket: ARCHIVE, missing: true });
  expect(exitCode).not.toBe(3);
});

it('never hides how the run itself ended', async () => {
  await site.createLockedBucket(ARCHIVE, 'GOVERNANCE', 30);
  await site.put('held', {
    SSEKMSKeyId: site.arns[0],
    ServerSideEncryption: 'aws:kms',
    ObjectLockLegalHoldStatus: 'ON',
  });
  // biome-ignore lint/suspicious/noThenProperty: the fault rule's own word; nobody awaits it
  const rule = { match: { service: 's3', operation: 'PutObject' }, then: DENIED };
  site.endpoint.faults.inject(rule);
  const { exitCode, stdout, stderr } = await postApply('--json');
  expect(exitCode).toBe(4);
  expect(stderr).toContain('gate-refused');
  const document = JSON.parse(stdout);
  expect(document.error.code).toBe('gate-refused');
  expect(document.evidenceBucket.fault.code).toBe('evidence-not-archived');
  expect(document.evidenceBucket.fault.message).toContain('s3:PutObject');
});

it('puts nothing in a dry run', async () => {
  await site.createLockedBucket(ARCHIVE, 'GOVERNANCE', 30);
  const { stdout } = await speak(site.directory, ['post-apply', '--dry-run', '--json']);
  expect(JSON.parse(stdout)).not.toHaveProperty('evidenceBucket');
  expect(await keys()).toEqual([]);
});

it('finds a file changed here, one missing here, one put over, one hidden and one kept too short', async () => {
  await site.createLockedBucket(ARCHIVE, 'GOVERNANCE', 7);
  await postApply();
  const [name = ''] = (await readdir(evidence())).filter((one) => one.endsWith('.ndjson'));
  const short = JSON.parse((await check(evidence(), '--bucket', '--json')).stdout).bucket.faults;
  expect(new Set(short.map((one: { code: string }) => one.code))).toEqual(new Set(['retained-too-short']));
  await appendFile(path.join(evidence(), name), '\n');
  await site.s3.send(new PutObjectCommand({ Bucket: ARCHIVE, Key: `ledger/${name}`, Body: 'another' }));
  await site.s3.send(new PutObjectCommand({ Bucket: ARCHIVE, Key: 'ledger/../../evil', Body: 'x' }));
  await site.s3.send(new DeleteObjectCommand({ Bucket: ARCHIVE, Key: `ledger/${name}` }));
  await rm(path.join(evidence(), name.replace('.ndjson', '.outcomes')), { recursive: true });
  const { exitCode, stdout } = await check(evidence(), '--bucket', '--json');
  expect(exitCode).toBe(1);
  const codes = JSON.parse(stdout).bucket.faults.map((one: { code: string }) => one.code);
  expect(codes).toEqual(expect.arrayContaining(['differs', 'replaced', 'hidden', 'odd-name', 'not-here']));
});

it('reports a local file that is not in the bucket, and a changed one at the next run', async () => {
  await site.createLockedBucket(ARCHIVE, 'GOVERNANCE', 30);
  await postApply();
  const [name = ''] = (await readdir(evidence())).filter((one) => one.endsWith('.ndjson'));
  await appendFile(path.join(evidence(), name), '\n');
  const { exitCode, stderr } = await postApply();
  expect(exitCode).toBe(3);
  expect(stderr).toContain('one of the two was changed');
  const { Versions = [] } = await site.s3.send(
    new ListObjectVersionsCommand({ Bucket: ARCHIVE, Prefix: `ledger/${name}` }),
  );
  expect(Versions).toHaveLength(1);
});

it('refuses --bucket without a declared one, --rotation-file without --bucket, and nothing to check', async () => {
  await site.switch('');
  expect(await check('--bucket')).toMatchObject({
    exitCode: 64,
    stderr: expect.stringContaining('declares no evidence bucket'),
  });
  expect((await check('.', '--rotation-file', 'rotation.yaml')).exitCode).toBe(64);
  expect((await check()).exitCode).toBe(64);
});
