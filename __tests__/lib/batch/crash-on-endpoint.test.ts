import { copyFileSync, existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import { ListJobsCommand } from '@aws-sdk/client-s3-control';

import { reencryptBucketByJobs } from '../../../lib/batch/batch-reencrypt';
import { openJobs } from '../../../lib/batch/jobs';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { type JobsStand, jobsStand } from './jobs-stand';

/**
 * A process that is killed sends no further request and writes no further byte, while the jobs it created go on in S3.
 * Here the endpoint drops every request from one boundary on, before it takes effect or after. What the run keeps on this
 * machine is set aside as it is in that moment for the second run, or lost with the machine, turn by turn: every boundary
 * meets both. None is left to chance.
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

/** All that a person could see of a bucket, but for what S3 makes up: ids, and the ETags and dates of copies. */
async function stateOf(Bucket: string) {
  const { Versions = [], DeleteMarkers = [] } = await stand.s3.send(new ListObjectVersionsCommand({ Bucket }));
  const versions = [];
  for (const { Key, VersionId, IsLatest, StorageClass } of Versions) {
    const head = await stand.s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }));
    const tags = await stand.s3.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId }));
    const body =
      head.StorageClass === 'GLACIER'
        ? 'archived'
        : await (await stand.s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body?.transformToString();
    const { Metadata, SSEKMSKeyId, ServerSideEncryption, BucketKeyEnabled, ContentLength } = head;
    const under = { SSEKMSKeyId, ServerSideEncryption, BucketKeyEnabled };
    versions.push({ Key, IsLatest, StorageClass, Metadata, ContentLength, TagSet: tags.TagSet, body, ...under });
  }
  return { versions, deleteMarkers: DeleteMarkers.map(({ Key, IsLatest }) => ({ Key, IsLatest })) };
}

/** Descriptions of the jobs of a bucket, as often as there are such jobs. */
async function jobsOf(bucket: string): Promise<readonly string[]> {
  const { Jobs = [] } = await stand.control.send(new ListJobsCommand({ AccountId: stand.account }));
  return Jobs.map(({ Description = '' }) => Description)
    .filter((text) => text.includes(` ${bucket} to `))
    .toSorted();
}

const settings = (method: Method) => ({
  scope: { method },
  noConcurrentWrites: true,
  poll: { firstMs: 12, mostMs: 24 },
});

/** What a run keeps on this machine. */
const kept = (bucket: string): readonly string[] =>
  ['rest.ndjson', 'jobs.json'].map((name) => path.join(stand.directory, `${bucket}.${name}`));

/** Runs until the n-th request, from which on nothing gets through. True when the run ended before it. */
async function endsBefore(nth: number, side: 'before' | 'after', bucket: string, method: Method): Promise<boolean> {
  let seen = 0;
  let isDead = false;
  const die = () => {
    for (const file of isDead ? [] : kept(bucket)) if (existsSync(file)) copyFileSync(file, `${file}.killed`);
    isDead = true;
    return 'reset' as const;
  };
  const unhook = stand.aws.requests.hook({
    before: () => {
      seen += 1;
      return isDead || (side === 'before' && seen === nth) ? die() : undefined;
    },
    after: () => (isDead || seen === nth ? die() : undefined),
  });
  const request = stand.jobsRequest(bucket, {
    ...settings(method),
    remainder: { concurrency: 1, retry: NO_RETRY },
    retry: NEVER_AGAIN,
  });
  const jobs = openJobs({ client: stand.control, account: stand.account, retry: NEVER_AGAIN });
  await reencryptBucketByJobs({ ...stand.tools(), jobs }, request).catch(() => undefined);
  unhook();
  if (!isDead) return true;
  const isLost = (nth + (side === 'before' ? 0 : 1)) % 2 === 0;
  for (const file of kept(bucket)) {
    rmSync(file, { force: true });
    if (existsSync(`${file}.killed`) && !isLost) copyFileSync(`${file}.killed`, file);
    rmSync(`${file}.killed`, { force: true });
  }
  return false;
}

describe.each<[Method, Kind]>([
  ['rewrap', 'versioned'],
  ['rewrap', 'unversioned'],
  ['rewrite', 'versioned'],
  ['rewrite', 'unversioned'],
])('a %s by jobs of a bucket of each kind, %s', (method, kind) => {
  it.each(['before', 'after'] as const)(
    'killed %s the effect of any request, ends in the same state and with the same jobs when run again',
    async (side) => {
      await seeded('calm', kind);
      const calm = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest('calm', settings(method)));
      expect(calm).toMatchObject({ complete: true, failedTotal: 0 });
      const expected = await stateOf('calm');
      const expectedJobs = await jobsOf('calm');
      expect(expectedJobs.length).toBeGreaterThan(0);

      let boundaries = 0;
      for (let nth = 1; ; nth += 1) {
        const bucket = `crash-${nth}`;
        await seeded(bucket, kind);
        if (await endsBefore(nth, side, bucket, method)) break;
        boundaries += 1;
        const again = await reencryptBucketByJobs(stand.tools(), stand.jobsRequest(bucket, settings(method)));
        expect({ nth, ...again }).toMatchObject({ nth, complete: true, failedTotal: 0 });
        expect({ nth, ...(await stateOf(bucket)) }).toEqual({ nth, ...expected });
        expect({ nth, jobs: await jobsOf(bucket) }).toEqual({
          nth,
          jobs: expectedJobs.map((text) => text.replace(' calm ', ` ${bucket} `)),
        });
      }
      // Looking for jobs, beginning, listing, creating, confirming, waiting, reading and the local engine's part.
      expect(boundaries).toBeGreaterThan(25);
      const left = await verifyBucket(stand.store(), { bucket: 'calm', activeKeyArn: stand.newKey });
      expect(left.unknownTotal).toBe(0);
    },
    300_000,
  );
});
