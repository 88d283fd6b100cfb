import { readFile } from 'node:fs/promises';
import { DisableKeyCommand } from '@aws-sdk/client-kms';
import { UpdateObjectEncryptionCommand } from '@aws-sdk/client-s3';
import { speak } from '../support/command-line';
import { type Answer, type Asked, type Liar, startLiar } from '../support/liar';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

/** The endpoint has no annotations: a proxy answers that these objects have some, at first or for good. */
let annotated: Set<string>;
let site: SwitchedSite;
let proxy: Liar;

beforeEach(async () => {
  site = await switchedSite();
  site.endpoint.jobs.stepMs = 1;
  annotated = new Set();
  proxy = await startLiar();
  answering((answer, { url }) => {
    const isAnnotated = [...annotated].some((key) => new URL(url, 'http://host').pathname.endsWith(`/${key}`));
    return isAnnotated ? { ...answer, body: ANNOTATED } : answer;
  });
  process.env.AWS_ENDPOINT_URL = proxy.url;
});

afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

const ANNOTATED =
  '<ListObjectAnnotationsResult><Annotations><AnnotationName>note</AnnotationName></Annotations></ListObjectAnnotationsResult>';

/** Answers what is asked about annotations. */
function answering(tell: (answer: Answer, asked: Asked) => Answer): void {
  const [oldKeyArn, activeKeyArn] = site.arns;
  const facts = { oldKeyArn, activeKeyArn, otherKeyArn: '' };
  const lie = { name: 'annotations', of: ['ListObjectAnnotations'], lasting: true, tell };
  const telling = { lie, nth: 1, to: 'direct', pick: 0 } as const;
  proxy.begin({ aws: site.endpoint, facts, telling, before: async () => undefined });
}

const postApply = (...more: string[]) =>
  speak(site.directory, ['post-apply', '--yes', '--confirm', '--relist-delay', '0s', '--json', ...more]);
const WAIVER = `retire: { waivers: [{ what: annotations, of: ledger-of-the-team, reason: the notes may be lost, until: ${new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)} }] }\n`;

/** Somebody else moves an object, and does not ask. */
async function movedByAnother(key: string): Promise<void> {
  const ObjectEncryption = { SSEKMS: { KMSKeyArn: site.arns[1], BucketKeyEnabled: true } };
  await site.s3.send(new UpdateObjectEncryptionCommand({ Bucket: site.bucket, Key: key, ObjectEncryption }));
}

it('keeps the gate closed for annotations of what a manifest of S3 moved, and opens it with a waiver', async () => {
  for (const key of ['noted', 'plain']) await site.put(key);
  annotated.add('noted');
  const jobs = await site.jobs({ more: ', manifest: generated' });
  await site.switch(jobs);
  const { exitCode, stderr } = await postApply();
  expect(await site.keyOf('noted')).toBe(site.arns[1]);
  expect([exitCode, stderr]).toEqual([
    4,
    expect.stringContaining('1 object version(s) with annotations that were moved'),
  ]);
  expect(await site.stateOf(site.arns[0])).toBe('Enabled');
  await site.switch(jobs + WAIVER);
  const waived = await postApply();
  expect([waived.exitCode, waived.stderr]).toEqual([0, expect.stringContaining('the notes may be lost')]);
  expect(await site.stateOf(site.arns[0])).toBe('Disabled');
  const records = (await readFile(JSON.parse(waived.stdout).evidence, 'utf8')).trim().split('\n');
  const gate = records.map((line) => JSON.parse(line)).find(({ type }) => type === 'gate');
  expect(gate.data.waived).toMatchObject([
    { reason: { code: 'annotations-unknown' }, waiver: { what: 'annotations' } },
  ]);
  // The next run looks at a key that is off already: the waiver holds there, too.
  expect((await postApply()).exitCode).toBe(0);
});

it('lists a bucket itself for jobs by default, and moves no annotated object', async () => {
  for (const key of ['noted', 'plain']) await site.put(key);
  annotated.add('noted');
  await site.switch(await site.jobs());
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('annotated')]);
  expect([await site.keyOf('noted'), await site.keyOf('plain')]).toEqual(site.arns);
});

it('keeps the gate closed for annotations of what somebody else moved before the switch', async () => {
  for (const key of ['noted', 'plain']) await site.put(key);
  await movedByAnother('noted');
  annotated.add('noted');
  await site.switch();
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('"noted"')]);
  expect(await site.stateOf(site.arns[0])).toBe('Enabled');
});

it('keeps a key that somebody disabled from counting as empty, for annotations of what was moved', async () => {
  await site.put('noted');
  await movedByAnother('noted');
  annotated.add('noted');
  await site.switch();
  await site.kms.send(new DisableKeyCommand({ KeyId: site.arns[0] }));
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('annotations')]);
});

it('does not mind annotations of what was written after the switch', async () => {
  await site.put('plain');
  await site.switch();
  site.endpoint.clock.offset = 3_600_000;
  await site.put('new');
  site.endpoint.clock.offset = 0;
  annotated.add('new');
  expect((await postApply()).exitCode).toBe(0);
  expect(await site.stateOf(site.arns[0])).toBe('Disabled');
});

it('keeps the gate closed where S3 does not say whether what was moved has annotations', async () => {
  await site.put('plain');
  await movedByAnother('plain');
  await site.switch();
  const body = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
  answering(({ headers: { date = '' } }) => ({ status: 403, headers: { date }, body }));
  const { exitCode, stderr } = await postApply();
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('whether they have annotations is unknown')]);
  expect(await site.stateOf(site.arns[0])).toBe('Enabled');
});

it('does not believe one answer that the endpoint knows no annotations', async () => {
  for (const key of ['noted', 'plain']) await site.put(key);
  for (const key of ['noted', 'plain']) await movedByAnother(key);
  await site.switch();
  let asked = 0;
  answering((answer) => {
    asked += 1;
    return asked === 1
      ? { ...answer, status: 501, body: '<Error><Code>NotImplemented</Code></Error>' }
      : { ...answer, body: ANNOTATED };
  });
  expect((await postApply()).exitCode).toBe(4);
});
