import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DescribeKeyCommand, GetKeyPolicyCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { generateIdentity } from '../../lib/key-material/age-identity';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { Forge, type Job } from '../support/forge';
import type { Finished } from '../support/keyturn-process';

/**
 * A whole rotation as a pipeline lives it: proposals, pull requests, merges, and the steps that `examples/` ships, each job
 * in a clone of its own. Told in order: each test goes on from where the one before it left the repository and AWS.
 */
const BUCKET = 'kms-key-rotation-test-bucket';
const STATE = 'rotation-test-state';
const OBJECTS = ['plain', 'names/with space <b>&amp; ünïcode'];

jest.setTimeout(900_000);

let endpoint: LocalAws;
let forge: Forge;
let kms: KMSClient;
let s3: S3Client;

beforeAll(async () => {
  endpoint = await startTestAws();
  const client = { endpoint: endpoint.url, region: endpoint.region, credentials: endpoint.accessKey };
  kms = new KMSClient(client);
  s3 = new S3Client({ ...client, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: STATE }));
  forge = new Forge(endpoint);
  const { recipient } = await generateIdentity(path.join(path.dirname(forge.developer), 'identity.txt'));
  writeFileSync(path.join(forge.developer, 'rotation.yaml'), rotationFile(endpoint.region, recipient));
});

afterAll(async () => {
  kms.destroy();
  s3.destroy();
  await forge.close();
  await endpoint.close();
});

it('begins a rotation from an empty repository: the first key, then what points at it', async () => {
  forge.push('main', 'Begin the rotation');
  const job = forge.job('main');
  await pass(job, 'restore.sh evidence custody');
  await pass(job, 'plan.sh');
  expect((await job.step('apply.sh')).exitCode).toBe(64);
  job.approve(job);
  expect((await job.step('apply.sh')).exitCode).toBe(3);
  expect(archived()).toContain('custody/rotation-test-v1.age');
  // This job has shown how the steps start Terraform's provider.
  await forge.keepProvider();
  const again = forge.job('main');
  await pass(again, 'restore.sh evidence custody', 'plan.sh');
  again.approve(again);
  await pass(again, 'apply.sh', 'post-apply.sh', 'archive.sh');
  expect(await stateOf('v1')).toBe('Enabled');
  for (const Key of OBJECTS) await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key }));
  expect(await keysOfObjects()).toEqual([await arnOf('v1')]);
});

it('declares v2 by a pull request of one added line', async () => {
  const { title, branch, diff, body } = await propose('version');
  expect(diff.match(/^[-+](?![-+])/gm)).toEqual(['+']);
  expect(body).toContain(`| \`${BUCKET}\` | 2 | 2 |`);
  forge.push(branch, `${title}\n\n${body}`);
  const review = commentOf(await reviewing(branch));
  expect(review).toContain('v2');
  forge.merge(branch);
  await applied();
  expect(await stateOf('v2')).toBe('Enabled');
  expect(await keysOfObjects()).toEqual([await arnOf('v1')]);
});

it('switches by a second pull request: objects move, v1 retires behind the gate', async () => {
  const { title, branch, diff, body } = await propose('switch');
  expect(diff).toContain('-activeVersion: v1 # moved to switch\n+activeVersion: v2 # moved to switch');
  expect(body).not.toContain('Do not merge yet');
  forge.push(branch, `${title}\n\n${body}`);
  forge.merge(branch);
  const job = await applied();
  expect(await keysOfObjects()).toEqual([await arnOf('v2')]);
  expect([await stateOf('v1'), await stateOf('v2')]).toEqual(['Disabled', 'Enabled']);
  for (const Key of OBJECTS) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    expect(await Body?.transformToString()).toBe(Key);
  }
  const page = readFileSync(path.join(job.directory, 'keyturn-out/report.html'), 'utf8');
  expect(page).toContain('class="verdict sound"');
});

it('records the retirement by a third, which plans nothing: the file says what is so', async () => {
  const { title, branch, diff, body } = await propose('retire');
  expect(diff.match(/^[-+](?![-+])/gm)).toEqual(['+']);
  forge.push(branch, `${title}\n\n${body}`);
  // What the pull request also brings is not run, and the comment says that nobody has reviewed it.
  forge.git('checkout', '--quiet', '-b', 'with-code');
  writeFileSync(path.join(forge.developer, 'examples/steps/plan.sh'), 'echo "every plan is clean"\n');
  commitAll('Simplify the plan');
  forge.git('push', '--quiet', 'origin', 'with-code');
  const job = await reviewing('with-code');
  const comment = commentOf(job);
  expect(comment).toMatch(/### Not reviewed here[\s\S]*\n {4}examples\/steps\/plan\.sh\n/);
  expect(comment).toMatch(/: a person must decide\n[\s\S]*KT082[\s\S]*changed: `examples\/steps\/plan\.sh`/);
  const { stacks } = JSON.parse(readFileSync(path.join(job.directory, 'keyturn-plan/manifest.json'), 'utf8'));
  expect([stacks.keys.changes, stacks.storage.changes]).toEqual([false, false]);
  forge.merge(branch);
});

it('refuses a pull request that brings a provider, evidence of a retirement and custody, and uses none of it', async () => {
  const provider = 'cdktf.out/stacks/rotation-test-keys/terraform.d/plugins/registry.terraform.io/hashicorp/aws/x';
  const evidence = '.keyturn/evidence/20260101T000000000Z-post-apply-forged.ndjson';
  forge.git('checkout', '--quiet', '-b', 'with-files', 'main');
  for (const file of [provider, evidence, 'custody/rotation-test-v1.age']) {
    mkdirSync(path.dirname(path.join(forge.developer, file)), { recursive: true });
    writeFileSync(path.join(forge.developer, file), '#!/bin/sh\ntouch "$CALLED"\n', { mode: 0o755 });
  }
  commitAll('Bring files along');
  forge.git('push', '--quiet', 'origin', 'with-files');
  const job = forge.job('main', { KEYTURN_RANGE: 'origin/main..origin/with-files' });
  await pass(job, 'restore.sh evidence', 'proposal.sh origin/with-files');
  expect((await job.step('plan.sh')).exitCode).toBe(4);
  const comment = commentOf(job);
  for (const file of [provider, evidence]) expect(comment).toContain(`\`${file}\`: a working file`);
  expect(comment).toContain('added: `custody/rotation-test-v1.age`');
  for (const file of [provider, evidence]) expect(existsSync(path.join(job.directory, file))).toBe(false);
  // Were it merged all the same, no job would run Terraform or believe the evidence.
  const merged = forge.job('with-files');
  await pass(merged, 'restore.sh evidence custody');
  for (const step of ['plan.sh', 'drift.sh', 'post-apply.sh']) expect((await merged.step(step)).exitCode).toBe(4);
  const error = readFileSync(path.join(merged.directory, 'keyturn-out/comment.md'), 'utf8');
  expect(error).toContain('working-files-committed');
  forge.git('checkout', '--quiet', '--force', 'main');
});

it('leaves an archive on the remote that is one sound chain, with custody and nothing secret', async () => {
  const job = forge.job('main');
  await pass(job, 'restore.sh evidence custody');
  const check = await forge.keyturn('verify-evidence', path.join(job.directory, '.keyturn/evidence'), '--json');
  const { faults, files, beginnings } = JSON.parse(check.stdout);
  expect(faults).toEqual([]);
  expect(beginnings).toBe(1);
  expect(files.length).toBeGreaterThanOrEqual(9);
  const archive = archived();
  expect(archive).toContain('custody/rotation-test-v2.age');
  expect(archive).not.toContain('AGE-SECRET-KEY-');
  expect(archive).not.toContain(endpoint.accessKey.secretAccessKey);
});

it('finds nothing that calls for anybody in the scheduled look, and says where the rotation stands', async () => {
  const job = forge.job('main');
  await pass(job, 'restore.sh evidence', 'drift.sh');
  expect(readFileSync(job.summary, 'utf8')).toContain('    next: nothing, the rotation is done');
});

it('fails when AWS is not what the stacks declare, with the values that somebody changed', async () => {
  const KeyId = await arnOf('v2');
  const { Policy = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId }));
  const foreign = {
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::999988887777:root' },
    Action: 'kms:*',
    Resource: '*',
  };
  const opened = { ...JSON.parse(Policy), Statement: [...JSON.parse(Policy).Statement, foreign] };
  await kms.send(new PutKeyPolicyCommand({ KeyId, Policy: JSON.stringify(opened) }));
  await s3.send(
    new PutPublicAccessBlockCommand({ Bucket: BUCKET, PublicAccessBlockConfiguration: { BlockPublicPolicy: false } }),
  );
  await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Suspended' } }));
  const job = forge.job('main');
  await pass(job, 'restore.sh evidence');
  expect((await job.step('drift.sh')).exitCode).toBe(2);
  const summary = readFileSync(job.summary, 'utf8');
  expect(summary).toContain('    next: nothing, the rotation is done');
  expect(summary).toMatch(/outside Terraform: key version `v2`.*was changed: .*policy .*999988887777:root/);
  expect(summary).toMatch(/outside Terraform: .*block public policy `?true`? → `?false/);
  expect(summary).toMatch(/outside Terraform: .*status `?Enabled`? → `?Suspended/);
});

it('refuses to archive evidence that was changed after it was archived', async () => {
  const job = forge.job('main');
  await pass(job, 'restore.sh evidence');
  const evidence = path.join(job.directory, '.keyturn/evidence');
  const [first = ''] = execFileSync('ls', [evidence], { encoding: 'utf8' }).split('\n');
  const file = path.join(evidence, first);
  writeFileSync(file, readFileSync(file, 'utf8').replace('"rotation-test"', '"rotation-tesT"'));
  const refused = await job.step('archive.sh');
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain(first);
});

/** What git ignores too. */
function commitAll(message: string): void {
  forge.git('add', '--all', '--force');
  forge.git('commit', '--quiet', '-m', message);
}

/** Everything on the archive branch of the remote. */
function archived(): string {
  return execFileSync('git', ['archive', 'keyturn-archive'], { cwd: forge.remote, maxBuffer: 1 << 26 }).toString(
    'latin1',
  );
}

async function propose(phase: string): Promise<{ title: string; branch: string; diff: string; body: string }> {
  const made = await forge.keyturn('propose', phase, '--yes', '--json');
  if (made.exitCode !== 0) throw new Error(`propose ${phase} ended with ${made.exitCode}:\n${made.stderr}`);
  return JSON.parse(made.stdout);
}

/** What the pipeline does on a pull request: the code of the base branch reviews the proposed rotation file. */
async function reviewing(branch: string): Promise<Job> {
  const job = forge.job('main', { KEYTURN_RANGE: `origin/main..origin/${branch}` });
  await pass(job, 'restore.sh evidence', `proposal.sh origin/${branch}`, 'plan.sh');
  return job;
}

/** What `plan.sh` wrote to comment, which is the summary of its job too. */
function commentOf(job: Job): string {
  const comment = readFileSync(path.join(job.directory, 'keyturn-out/comment.md'), 'utf8');
  expect(readFileSync(job.summary, 'utf8')).toBe(comment);
  return comment;
}

/** What it does on a merge: one job plans, another applies exactly that. */
async function applied(): Promise<Job> {
  const planning = forge.job('main');
  await pass(planning, 'restore.sh evidence', 'plan.sh');
  commentOf(planning);
  const applying = forge.job('main');
  applying.approve(planning);
  await pass(applying, 'restore.sh evidence custody', 'apply.sh', 'post-apply.sh', 'archive.sh');
  return applying;
}

async function pass(job: Job, ...steps: readonly string[]): Promise<void> {
  for (const step of steps) {
    const finished: Finished = await job.step(step);
    if (finished.exitCode !== 0)
      throw new Error(`${step} ended with ${finished.exitCode}:\n${finished.stdout}\n${finished.stderr}`);
  }
}

async function arnOf(version: string): Promise<string | undefined> {
  return (await kms.send(new DescribeKeyCommand({ KeyId: `alias/rotation-test-key/${version}` }))).KeyMetadata?.Arn;
}

async function stateOf(version: string): Promise<string | undefined> {
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: `alias/rotation-test-key/${version}` }));
  return KeyMetadata?.KeyState;
}

async function keysOfObjects(): Promise<readonly (string | undefined)[]> {
  const heads = await Promise.all(OBJECTS.map((Key) => s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key }))));
  return [...new Set(heads.map((head) => head.SSEKMSKeyId))];
}

function rotationFile(region: string, recipient: string): string {
  return `# The key of our test bucket.
name: rotation-test
region: ${region}
alias: alias/rotation-test-key
keyVersions: # in order
  - name: v1
activeVersion: v1 # moved to switch
rotateEveryDays: 365
buckets:
  - name: ${BUCKET}
    manage: bucket
custody:
  age: { recipients: [${recipient}] }
terraform:
  backend: s3
  s3: { bucket: ${STATE} }
`;
}
