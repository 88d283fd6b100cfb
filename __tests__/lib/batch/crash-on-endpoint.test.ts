import { copyFileSync, existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DeleteObjectCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { ListJobsCommand } from '@aws-sdk/client-s3-control';

import { reencryptBucketByJobs } from '../../../lib/batch/batch-reencrypt';
import { openJobs } from '../../../lib/batch/jobs';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { SLOW } from '../../runner/slow';
import { stateOf } from '../../support/bucket-state';
import { killAt } from '../../support/killed-run';
import { alsoFrom } from '../s3/memory-store';
import { type JobsStand, jobsStand } from './jobs-stand';

/**
 * A run is killed at one boundary after the other, before a request takes effect and after it, while the jobs it created go
 * on in S3. What it kept on this machine is there for the second run as it was in that moment, or was lost with the machine.
 * No boundary is left to chance.
 */

let stand: JobsStand;
beforeEach(async () => {
  stand = await jobsStand();
  stand.aws.jobs.stepMs = 0;
});
afterEach(() => stand.close());

const NEVER_AGAIN = { attempts: 1, baseMs: 0, capMs: 0 };
const NO_RETRY = { transientAttempts: 1, throttledAttempts: 1, baseMs: 0, capMs: 0 };
type Kind = 'unversioned' | 'versioned';
type Method = 'rewrap' | 'rewrite';

/** One of each kind that a run by jobs treats differently, old enough for a copy by a job to be let near it. */
async function seeded(bucket: string, kind: Kind): Promise<void> {
  stand.aws.clock.offset = -10_000;
  await stand.bucket(bucket);
  await stand.put(bucket, 'a null version', { Metadata: { m: '1' }, Tagging: 't=1' });
  if (kind === 'versioned') {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await stand.s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    await stand.put(bucket, 'a null version', { Body: 'second' });
    await stand.put(bucket, 'deleted');
    await stand.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'deleted' }));
  }
  await stand.put(bucket, 'already there', { SSEKMSKeyId: stand.newKey });
  await stand.put(bucket, 'both layers', { ServerSideEncryption: 'aws:kms:dsse', BucketKeyEnabled: undefined });
  await stand.put(bucket, 'sse-s3', {
    ServerSideEncryption: 'AES256',
    SSEKMSKeyId: undefined,
    BucketKeyEnabled: undefined,
  });
  await stand.put(bucket, 'archived', { StorageClass: 'GLACIER' });
  stand.aws.clock.offset = 0;
}

/** Descriptions of the jobs of a bucket, as often as there are such jobs. */
async function jobsOf(bucket: string): Promise<readonly string[]> {
  const { Jobs = [] } = await stand.control.send(new ListJobsCommand({ AccountId: stand.account }));
  return Jobs.map(({ Description = '' }) => Description)
    .filter((text) => text.includes(` ${bucket} to `))
    .toSorted();
}

const settings = (method: Method) => ({
  sources: alsoFrom({ sseS3: true }, stand.jobsRequest('').sources),
  scope: { method },
  noConcurrentWrites: true,
  poll: { firstMs: 12, mostMs: 24 },
});

/** What a run keeps on this machine. */
const kept = (bucket: string): readonly string[] =>
  ['rest.ndjson', 'jobs.json'].map((name) => path.join(stand.directory, `${bucket}.${name}`));

/** Runs until the n-th boundary, from which on nothing gets through. Tells if the run ended before it, and if it kept a file by then. */
async function killedAt(nth: number, remnant: 'kept' | 'lost', bucket: string, method: Method) {
  const files = kept(bucket);
  const killed = killAt(stand.aws, nth, { bucket, files }, () => {
    for (const file of files) if (existsSync(file)) copyFileSync(file, `${file}.killed`);
  });
  const request = stand.jobsRequest(bucket, {
    ...settings(method),
    remainder: { concurrency: 1, retry: NO_RETRY },
    retry: NEVER_AGAIN,
  });
  const jobs = openJobs({ client: stand.control, account: stand.account, retry: NEVER_AGAIN });
  await reencryptBucketByJobs({ ...stand.tools(), jobs }, request).catch(() => undefined);
  killed.end();
  const hadFiles = files.some((file) => existsSync(`${file}.killed`));
  for (const file of killed.isDead ? files : []) {
    rmSync(file, { force: true });
    if (existsSync(`${file}.killed`) && remnant === 'kept') copyFileSync(`${file}.killed`, file);
    rmSync(`${file}.killed`, { force: true });
  }
  return { ended: !killed.isDead, hadFiles };
}

describe.each<[Method, Kind]>([
  ['rewrap', 'versioned'],
  ['rewrap', 'unversioned'],
  ['rewrite', 'versioned'],
  ['rewrite', 'unversioned'],
])('a %s by jobs of a bucket of each kind, %s', (method, kind) => {
  /** The first boundary with a file to lose. */
  let firstToLose: number | undefined;
  it.each(['kept', 'lost'] as const)(
    'killed before or after the effect of any request, its files %s, ends in the same state and with the same jobs when run again',
    async (remnant) => {
      await seeded('calm', kind);
      const calm = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest('calm', settings(method)));
      expect(calm).toMatchObject({ complete: true, failedTotal: 0 });
      const expected = await stateOf(stand.s3, 'calm');
      const expectedJobs = await jobsOf('calm');
      expect(expectedJobs.length).toBeGreaterThan(0);

      let boundaries = 0;
      // Two earlier, since the jobs go on by themselves.
      const first = remnant === 'lost' && !SLOW ? Math.max(1, (firstToLose ?? 1) - 2) : 1;
      for (let nth = first; ; nth += 1) {
        const bucket = `crash-${nth}`;
        await seeded(bucket, kind);
        const { ended, hadFiles } = await killedAt(nth, remnant, bucket, method);
        if (ended) break;
        boundaries = nth;
        if (hadFiles) firstToLose ??= nth;
        // Before a file is there, a run whose files are lost is the run whose files are kept.
        if (remnant === 'lost' && !hadFiles && !SLOW) continue;
        const again = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket, settings(method)));
        expect({ nth, ...again }).toMatchObject({ nth, complete: true, failedTotal: 0 });
        expect({ nth, ...(await stateOf(stand.s3, bucket)) }).toEqual({ nth, ...expected });
        expect({ nth, jobs: await jobsOf(bucket) }).toEqual({
          nth,
          jobs: expectedJobs.map((text) => text.replace(' calm ', ` ${bucket} `)),
        });
      }
      // Beginning, creating, confirming, waiting, reading and the local engine's part.
      expect(boundaries).toBeGreaterThan(8);
      const left = await verifyBucket(stand.store(), { bucket: 'calm', activeKeyArn: stand.newKey });
      expect(left.unknownTotal).toBe(0);
    },
    300_000,
  );
});
