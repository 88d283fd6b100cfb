import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { PutObjectCommand, UpdateObjectEncryptionCommand } from '@aws-sdk/client-s3';
import { reencryptBucketByJobs } from '../../../lib/batch/batch-reencrypt';
import { compareRows } from '../../../lib/batch/compare-rows';
import { manifestRow } from '../../../lib/batch/manifest-row';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { JOBS_BUCKET, type JobsStand, jobsStand } from './jobs-stand';

const DAY = 86_400_000;
let stand: JobsStand;
beforeAll(async () => {
  stand = await jobsStand();
});
afterAll(() => stand.close());

/** A bucket of yesterday whose job ended, whose report is `change`d, and in which `n2` is under the old key all the same. */
async function withReport(bucket: string, change: (rows: readonly string[]) => readonly string[]): Promise<void> {
  await stand.bucket(bucket, 'Enabled');
  stand.aws.clock.offset = -DAY;
  for (let n = 0; n < 5; n += 1) await stand.put(bucket, `n${n}`);
  stand.aws.clock.offset = 0;
  const first = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket));
  const { files = [], manifestKey = '' } = first.jobs[0]?.report ?? {};
  const [{ key } = { key: '' }] = files;
  const body = change((await stand.text(key)).split('\n').filter(Boolean)).join('\n');
  const manifest = JSON.parse(await stand.text(manifestKey));
  manifest.Results[0].MD5Checksum = createHash('md5').update(`${body}\n`).digest('hex');
  await stand.s3.send(new PutObjectCommand({ Bucket: JOBS_BUCKET, Key: key, Body: `${body}\n` }));
  const Body = JSON.stringify(manifest);
  await stand.s3.send(new PutObjectCommand({ Bucket: JOBS_BUCKET, Key: manifestKey, Body }));
  const ObjectEncryption = { SSEKMS: { KMSKeyArn: stand.oldKey, BucketKeyEnabled: true } };
  await stand.s3.send(new UpdateObjectEncryptionCommand({ Bucket: bucket, Key: 'n2', ObjectEncryption }));
  // As on another machine, which reads the report again.
  rmSync(`${stand.directory}/${bucket}.jobs.json`);
  rmSync(`${stand.directory}/${bucket}.rest.ndjson`, { force: true });
}

const instead = (from: string, to: string) => (rows: readonly string[]) =>
  rows.map((row) => row.replace(`,${from},`, `,${to},`));

test.each([
  ['missing-unknown', instead('n2', 'other'), { unknown: 1, missing: 1, twice: 0 }, ['n2', 'other']],
  [
    'missing-twice',
    (rows: readonly string[]) =>
      rows.map((row) => (row.includes(',n2,') ? (rows.find((one) => one.includes(',n1,')) ?? '') : row)),
    { unknown: 0, missing: 1, twice: 1 },
    ['n1', 'n2'],
  ],
] as const)(
  'counts nothing as moved that the report has otherwise than the manifest: %s',
  async (name, change, counts, keys) => {
    const bucket = `rows-${name}`;
    await withReport(bucket, change);
    const notes: string[] = [];
    const request = stand.jobsRequest(bucket, { onNote: (text) => notes.push(text) });
    const done = await reencryptBucketByJobs(stand.tools(), request);
    expect(done.jobs[0]?.differences).toMatchObject(counts);
    expect(done.jobs[0]?.differences?.examples.map(({ key }) => key).toSorted()).toEqual(keys);
    expect(notes.join('\n')).toContain('differs from its manifest');
    expect(done).toMatchObject({ complete: true, objectVersions: 5, moved: 4 - (counts.twice > 0 ? 1 : 0) + 1 });
    const found = await verifyBucket(stand.store(), { bucket, activeKeyArn: stand.newKey });
    expect(found.byKey).toEqual({ [stand.newKey]: 5 });
  },
);

test('takes a plus in a reported key for itself or a blank, whichever is in the manifest', async () => {
  const keys = ['a b', 'a+b', 'c d', 'plain'];
  const text = keys.map((key) => manifestRow('b', key, 'v')).join('');
  async function* chunks() {
    yield Buffer.from(text);
  }
  const row = (encodedKey: string, ...names: [string, ...string[]]) => ({
    ...{ keys: names, encodedKey, versionId: 'v', ok: true, code: '', status: 200, message: '' },
  });
  const compare = (rows: readonly ReturnType<typeof row>[]) =>
    compareRows({
      files: { content: async () => ({ etag: 'e', chunks: chunks() }) },
      uploaded: {
        key: 'k',
        etag: 'e',
        rows: keys.length,
        digest: '',
        leftOut: {},
        outOfScope: {},
        there: 0,
        again: 0,
        undecided: [],
      },
      report: async function* () {
        yield* rows;
      },
      reportRows: rows.length,
      withVersionIds: true,
    });
  const whole = [row('a+b', 'a b', 'a+b'), row('a%2Bb', 'a+b'), row('c+d', 'c d', 'c+d'), row('plain', 'plain')];
  expect(await compare(whole)).toMatchObject({ unknown: 0, missing: 0, twice: 0 });
  const found = await compare([...whole.slice(0, 3), row('c%20d', 'c d')]);
  expect(found).toMatchObject({ unknown: 0, missing: 1, twice: 1 });
  expect(['c d', 'plain', 'a b'].map((key) => found.keys.has(key))).toEqual([true, true, false]);
});
