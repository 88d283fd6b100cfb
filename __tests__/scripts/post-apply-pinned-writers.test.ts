import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { bucketPolicy } from '../../stacks/bucket-policy';
import { outcome } from '../conformance/byok';
import { speak } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

/** An owned bucket with `pinWriters: true`: its policy denies writes that name another key than the active one. */
let site: SwitchedSite;
let [v1, v2] = ['', ''];

beforeEach(async () => {
  // Only the date can be set; timers go on as they are. The endpoint, which takes its clock at the start, has the same date.
  const doNotFake = [
    ...(['nextTick', 'setImmediate', 'clearImmediate', 'setInterval', 'clearInterval', 'setTimeout'] as const),
    ...(['clearTimeout', 'queueMicrotask', 'performance', 'hrtime'] as const),
  ];
  jest.useFakeTimers({ advanceTimers: true, doNotFake: [...doNotFake] });
  site = await switchedSite();
  [v1, v2] = site.arns;
  await site.put('moved');
});

afterEach(async () => {
  jest.useRealTimers();
  await site[Symbol.asyncDispose]();
});

const MINUTES = 60_000;
const postApply = (...more: string[]) =>
  speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s', '--json', ...more]);

async function pin(keyArn: string): Promise<void> {
  const Policy = JSON.stringify(bucketPolicy({ bucket: site.bucket, partition: 'aws', pinnedTo: keyArn }));
  await site.s3.send(new PutBucketPolicyCommand({ Bucket: site.bucket, Policy }));
}

async function unpin(): Promise<void> {
  await site.s3.send(new DeleteBucketPolicyCommand({ Bucket: site.bucket }));
}

async function switchPinned(more = ''): Promise<void> {
  await site.switch(more);
  const file = path.join(site.directory, 'rotation.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('manage: encryption', 'manage: bucket, pinWriters: true'));
}

/** An upload that is begun some minutes later. */
async function begin(minutes: number): Promise<() => Promise<void>> {
  jest.setSystemTime(Date.now() + minutes * MINUTES);
  const object = { Bucket: site.bucket, Key: 'in parts' };
  const { UploadId } = await site.s3.send(new CreateMultipartUploadCommand(object));
  return async () => {
    await site.s3.send(new AbortMultipartUploadCommand({ ...object, UploadId }));
  };
}

/** A run that sees the pin and leaves v1 on, because an upload of before the switch is open. */
async function seenOnce(): Promise<void> {
  const abort = await begin(0);
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('may finish under it')]);
  await abort();
}

describe('the statement', () => {
  const named = (SSEKMSKeyId: string) => ({ ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId });
  const put = (more: object) =>
    outcome(site.s3.send(new PutObjectCommand({ Bucket: site.bucket, Key: 'x', Body: 'x', ...more })));
  const upload = (more: object) =>
    outcome(site.s3.send(new CreateMultipartUploadCommand({ Bucket: site.bucket, Key: 'x', ...more })));
  const copy = (more: object) =>
    outcome(
      site.s3.send(
        new CopyObjectCommand({ Bucket: site.bucket, Key: 'y', CopySource: `${site.bucket}/moved`, ...more }),
      ),
    );

  it('denies everybody to name another key, by ARN, id or alias, in each way to write', async () => {
    await pin(v2);
    for (const write of [put, upload, copy]) {
      for (const key of [v1, v1.split('/').at(-1) ?? '', 'alias/ledger/v1']) {
        expect(await write(named(key))).toBe('AccessDenied');
      }
    }
    expect(await put({ ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: v1 })).toBe('AccessDenied');
  });

  it('denies nobody to name the active key, no key, or another encryption', async () => {
    await pin(v2);
    for (const write of [put, upload, copy]) {
      for (const more of [named(v2), {}, { ServerSideEncryption: 'AES256' }]) expect(await write(more)).toBe('ok');
    }
  });
});

it.each([['rewrap'], ['rewrite']])('lets Keyturn itself move objects by %s, and v1 retires', async (method) => {
  await pin(v2);
  await switchPinned(`reencrypt: { method: ${method} }\n`);
  const { exitCode, stderr } = await postApply();
  // A rewrite leaves the version below the copy under v1, so that its gate stays shut.
  expect([exitCode, stderr]).toEqual([method === 'rewrap' ? 0 : 4, expect.any(String)]);
  expect(await site.keyOf('moved')).toBe(v2);
});

it('opens over an upload that was begun after the pin was seen in force', async () => {
  await pin(v2);
  await switchPinned();
  await seenOnce();
  await begin(16);
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('v1 is Disabled')]);
  expect(await site.stateOf(v1)).toBe('Disabled');
});

it.each([
  ['it was begun within the slack of clocks after the pin was seen', async () => undefined, 14],
  ['no run has seen the pin before', () => rm(path.join(site.directory, '.keyturn'), { recursive: true }), 16],
  ['the policy is gone', unpin, 16],
  ['the policy names another key', () => pin(v1), 16],
])('refuses over an open upload where %s', async (_title, change, minutes) => {
  await pin(v2);
  await switchPinned();
  await seenOnce();
  await change();
  await begin(minutes);
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('the open multipart upload of "in parts"')]);
  expect(await site.stateOf(v1)).toBe('Enabled');
});

it('begins anew where a run between saw the pin not in force', async () => {
  await pin(v2);
  await switchPinned();
  await seenOnce();
  await unpin();
  await seenOnce();
  await pin(v2);
  await begin(16);
  // As it is seen now for the first time since.
  expect((await postApply()).exitCode).toBe(4);
});

it('says that the pin could not be looked at, and does not count on it', async () => {
  await pin(v2);
  await switchPinned();
  const then = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;
  site.endpoint.faults.inject({ match: { operation: 'GetBucketPolicy' }, then });
  await begin(16);
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('s3:GetBucketPolicy is denied')]);
});
