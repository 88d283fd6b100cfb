import fc from 'fast-check';
import { manifestLister } from '../../../lib/batch/generated-manifest';
import type { JobStatus } from '../../../lib/reencrypt/job-record';
import { StoreFault } from '../../../lib/s3/store-fault';
import type { BucketVerification } from '../../../lib/verify/bucket-verification';
import { type ManifestVerifyRequest, verifyByManifest } from '../../../lib/verify/verify-by-manifest';
import { runs } from '../../runner/slow';
import { MemoryJobs } from '../batch/memory-jobs';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, underKey } from '../s3/memory-store';

const DAY = 86_400_000;
const PLACE = { account: '123456789012', roleArn: 'role', bucket: 'jobs-bucket', prefix: 'keyturn/r/', priority: 1 };

async function verify(
  bucket: MemoryBucket,
  jobs: MemoryJobs,
  { rotation = 'r', ...over }: Partial<ManifestVerifyRequest> & { readonly rotation?: string } = {},
): Promise<BucketVerification> {
  const tools = { jobs: jobs.jobs, cleanUp: jobs.jobs, files: jobs.content };
  const listUnderKey = await manifestLister(tools, {
    rotation,
    bucket: 'b',
    activeKeyArn: NEW_KEY,
    place: PLACE,
    signal: over.signal,
    poll: { firstMs: 0, mostMs: 0 },
  });
  return verifyByManifest(memoryStore(bucket), listUnderKey, {
    bucket: 'b',
    activeKeyArn: NEW_KEY,
    supersededKeyArns: [OLD_KEY],
    noConcurrentWrites: false,
    retry: { baseMs: 0, capMs: 0, transientAttempts: 1, throttledAttempts: 1 },
    ...over,
  });
}

/** A bucket whose objects were written a day ago under the active key. */
function moved(count = 10): MemoryBucket {
  const bucket = new MemoryBucket();
  for (let at = 0; at < count; at += 1) old(bucket, `k${at}`);
  return bucket;
}

function old(bucket: MemoryBucket, key: string, keyArn = NEW_KEY) {
  return bucket.put(key, { head: { encryption: underKey(keyArn), lastModified: bucket.clock - DAY } });
}

const isClean = ({ byKey, unknownTotal, covers }: BucketVerification) =>
  (covers === 'every-key' || covers.includes(OLD_KEY)) &&
  (byKey[OLD_KEY] ?? 0) + (byKey[`DSSE:${OLD_KEY}`] ?? 0) + unknownTotal === 0;

describe('a verification by manifests', () => {
  it.each(['fails', 'suspended', 'suspended without a file', 'complete'] as const)(
    'inspects only a sample when nothing is left and a manifest without objects %s',
    async (empty) => {
      const bucket = moved();
      const jobs = new MemoryJobs(bucket);
      jobs.generator.empty = empty;
      const found = await verify(bucket, jobs, { sample: 3 });
      expect(isClean(found)).toBe(true);
      expect(found).toMatchObject({ objectVersions: 10, covers: [OLD_KEY], byKey: { [NEW_KEY]: 3 } });
      expect(found.sources).toMatchObject({ heads: { sample: 3 }, notInspected: 7, because: undefined });
      expect(found.sources.generated.map(({ underKeyArn, layers, rows }) => [underKeyArn, layers, rows])).toEqual([
        [NEW_KEY, 'SSE-KMS', 1],
        [OLD_KEY, 'SSE-KMS', 0],
        [OLD_KEY, 'DSSE-KMS', 0],
        // Asked again after the listing.
        [OLD_KEY, 'SSE-KMS', 0],
        [OLD_KEY, 'DSSE-KMS', 0],
      ]);
      expect(jobs.open).toEqual([]);
    },
  );

  it.each(['csv', 'inventory', 'inventory, gzipped'] as const)(
    'inspects what a manifest names, whatever its form (%s) and the key',
    async (format) => {
      const bucket = moved();
      const keys = ['left', 'a b+c', 'ü/"quoted",\n', '%2F'];
      for (const key of keys) old(bucket, key, OLD_KEY);
      const jobs = new MemoryJobs(bucket);
      jobs.generator.format = format;
      const found = await verify(bucket, jobs, { sample: 0 });
      expect(found.left.map((one) => one.key).sort()).toEqual([...keys].sort());
      expect(found.sources.heads).toEqual({ 'named by a generated manifest': 4 });
      expect(isClean(found)).toBe(false);
    },
  );

  it('finds what is under two layers of the old key', async () => {
    const bucket = moved();
    const stored = old(bucket, 'layers');
    stored.head = { ...stored.head, encryption: { kind: 'dsse-kms', keyArn: OLD_KEY } };
    expect((await verify(bucket, new MemoryJobs(bucket), { sample: 0 })).byKey).toEqual({ [`DSSE:${OLD_KEY}`]: 1 });
  });

  it('finds what was written under the old key while S3 was listing', async () => {
    const bucket = moved();
    const jobs = new MemoryJobs(bucket);
    jobs.spoil = ({ state }) => {
      if (state.jobId === 'job-3') bucket.put('late');
    };
    const found = await verify(bucket, jobs, { sample: 0 });
    expect(found.left.map((one) => one.key)).toEqual(['late']);
    expect(found.sources.heads).toEqual({ 'written since the manifests were requested': 1 });
  });

  it.each([
    ['an object that no list had named', 'k5'],
    ['an object that came anew', 'replica'],
  ])('finds %s and that came under the old key with an old date after S3 listed', async (_title, key) => {
    const bucket = moved();
    const jobs = new MemoryJobs(bucket);
    jobs.spoil = ({ state }) => {
      if (state.jobId === 'job-3') old(bucket, key, OLD_KEY);
    };
    const found = await verify(bucket, jobs, { sample: 0 });
    expect(found.left.map((one) => one.key)).toEqual([key]);
    expect(found).toMatchObject({ covers: 'every-key', byKey: { [OLD_KEY]: 1 } });
    expect(found.sources.because).toBe(`S3 named "${key}" under ${OLD_KEY} only after the listing`);
  });

  it('finds what a list named, was moved before its HEAD, and came back under the old key after it', async () => {
    const bucket = moved();
    const back = old(bucket, 'back', OLD_KEY);
    const jobs = new MemoryJobs(bucket);
    jobs.spoil = ({ state }) => {
      if (state.jobId === 'job-3') back.head = { ...back.head, encryption: underKey(NEW_KEY) };
    };
    jobs.before = (operation) => {
      if (operation === 'create' && jobs.made.size >= 3) back.head = { ...back.head, encryption: underKey(OLD_KEY) };
    };
    const found = await verify(bucket, jobs, { sample: 0 });
    expect(found.left.map((one) => one.key)).toEqual(['back']);
    expect(found.covers).toBe('every-key');
  });

  it('finds what came of an upload that was open, which bears the date it was started', async () => {
    const bucket = moved();
    const upload = { key: 'late', uploadId: 'u', initiated: bucket.clock - DAY, storageClass: 'STANDARD' };
    bucket.uploads.push(upload);
    const jobs = new MemoryJobs(bucket);
    jobs.spoil = ({ state }) => {
      if (state.jobId === 'job-3') old(bucket, 'late', OLD_KEY);
    };
    expect((await verify(bucket, jobs, { sample: 0 })).left.map((one) => one.key)).toEqual(['late']);
  });

  it('inspects what other sources name, and records where a manifest and a HEAD differ', async () => {
    const bucket = moved();
    const stale = old(bucket, 'stale', OLD_KEY);
    const jobs = new MemoryJobs(bucket);
    jobs.spoil = ({ state }) => {
      if (state.jobId !== 'job-3') return;
      stale.head = { ...stale.head, encryption: underKey(NEW_KEY) };
    };
    const found = await verify(bucket, jobs, { sample: 0, named: new Map([['k3', 'failed before']]) });
    expect(found.sources.heads).toEqual({ 'named by a generated manifest': 1, 'failed before': 1 });
    const differing = { key: 'stale', source: 'generated manifest', reported: OLD_KEY, found: NEW_KEY };
    expect(found.sources.disagreements).toEqual([expect.objectContaining(differing)]);
    expect(isClean(found)).toBe(true);
  });
});

describe('every version is inspected, and the record gives the reason, when', () => {
  const all = { heads: { 'every version': expect.any(Number) }, notInspected: 0 };

  it('the sample holds what a manifest should have named', async () => {
    const bucket = moved();
    old(bucket, 'left', OLD_KEY);
    old(bucket, 'left too', OLD_KEY);
    const jobs = new MemoryJobs(bucket);
    jobs.generator.overlooks = (key) => key.startsWith('left');
    const found = await verify(bucket, jobs);
    expect(found).toMatchObject({ byKey: { [OLD_KEY]: 2 }, covers: 'every-key' });
    expect(found.sources).toMatchObject({ ...all, because: expect.stringContaining('no manifest named it') });
    expect(found.sources.disagreementsTotal).toBeGreaterThan(0);
  });

  it('S3’s filter does not find what is known to be there', async () => {
    const bucket = moved();
    old(bucket, 'left', OLD_KEY);
    const jobs = new MemoryJobs(bucket);
    jobs.generator.overlooks = () => true;
    const found = await verify(bucket, jobs, { sample: 0 });
    expect(found.sources).toMatchObject({ ...all, because: expect.stringMatching(/^S3 did not name "k\d", which/) });
    expect(isClean(found)).toBe(false);
    expect(jobs.open).toEqual([]);
  });

  it('nothing is under the active key to test the filter with', async () => {
    const bucket = new MemoryBucket();
    old(bucket, 'left', OLD_KEY);
    const found = await verify(bucket, new MemoryJobs(bucket));
    expect(found.sources).toMatchObject({ ...all, because: expect.stringContaining('no object under the active key') });
  });

  it.each(['enabled', 'suspended'] as const)('versioning is %s and writers are not paused', async (versioning) => {
    const bucket = moved();
    bucket.versioning = versioning;
    const jobs = new MemoryJobs(bucket);
    const found = await verify(bucket, jobs);
    expect(found.sources).toMatchObject({ ...all, because: expect.stringContaining('its writers are not paused') });
    expect(jobs.made.size).toBe(0);
  });
});

it('inspects every noncurrent version where writers are paused, whatever S3 lists', async () => {
  for (const versions of ['current', 'all'] as const) {
    const bucket = new MemoryBucket();
    bucket.versioning = 'enabled';
    old(bucket, 'k', OLD_KEY);
    for (let at = 0; at < 5; at += 1) old(bucket, `k${at}`);
    old(bucket, 'k');
    const jobs = new MemoryJobs(bucket);
    jobs.generator.versions = versions;
    const found = await verify(bucket, jobs, { noConcurrentWrites: true, sample: 0 });
    expect(found.byKey[OLD_KEY]).toBe(1);
    expect(found.sources).toMatchObject({ heads: { noncurrent: 1 }, because: undefined });
  }
});

const spoiled: readonly [string, (jobs: MemoryJobs) => void, RegExp][] = [
  ['a manifest is cut short', (jobs) => cut(jobs), /has the ETag/],
  [
    'a manifest has fewer rows than the job has tasks',
    (jobs) => each(jobs, (job) => ({ ...job, total: job.total + 1 })),
    /2 task\(s\), and its manifest 1 row/,
  ],
  ['a manifest is missing', (jobs) => each(jobs, (job) => ({ ...job, manifest: undefined })), /names no manifest/],
  [
    'a job failed for another reason',
    (jobs) =>
      each(jobs, (job) => ({
        ...job,
        status: 'Failed',
        total: 0,
        failureReasons: [{ code: 'ManifestGenerationForbidden', reason: 'AccessDenied' }],
      })),
    /is Failed \(ManifestGenerationForbidden: AccessDenied\)/,
  ],
  ...(['Active', 'Cancelled', 'Complete'] as const).map(
    (status: JobStatus) =>
      [
        `somebody else made a job ${status}`,
        (jobs: MemoryJobs) => each(jobs, (job) => ({ ...job, status })),
        new RegExp(`is ${status}`),
      ] as [string, (jobs: MemoryJobs) => void, RegExp],
  ),
  ['a row is of another bucket', (jobs) => foreign(jobs), /it is of the bucket "other"/],
];

function each(jobs: MemoryJobs, change: (state: Parameters<MemoryJobs['spoil']>[0]['state']) => object): void {
  jobs.spoil = (job) => {
    job.state = change(job.state) as typeof job.state;
  };
}

function cut(jobs: MemoryJobs): void {
  jobs.spoil = (_job, files) => {
    for (const [key, body] of files) files.set(key, body.subarray(0, body.length - 3));
  };
}

function foreign(jobs: MemoryJobs): void {
  jobs.generator.format = 'inventory';
  const spoil: MemoryJobs['spoil'] = (_job, files) => {
    for (const [key, body] of files) {
      if (key.endsWith('.csv')) files.set(key, Buffer.from(body.toString().replaceAll('"b"', '"other"')));
    }
  };
  jobs.spoil = spoil;
}

describe('a verification by manifests fails, and leaves no job behind, when', () => {
  it.each(spoiled)('%s', async (_title, spoil, detail) => {
    const bucket = moved();
    const jobs = new MemoryJobs(bucket);
    spoil(jobs);
    const error: unknown = await verify(bucket, jobs).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'generated-manifest-invalid' });
    expect((error as Error).message).toMatch(detail);
    expect(jobs.open).toEqual([]);
  });

  it('it is interrupted while S3 lists', async () => {
    const bucket = moved();
    const jobs = new MemoryJobs(bucket);
    const controller = new AbortController();
    jobs.before = (operation, jobId) => {
      if (operation === 'describe' && jobId === 'job-2') controller.abort();
    };
    const failed = verify(bucket, jobs, { signal: controller.signal });
    await expect(failed).rejects.toMatchObject({ code: 'interrupted' });
    expect(jobs.open).toEqual([]);
  });
});

it('cancels what a killed verification of this bucket left behind, and no other job', async () => {
  const bucket = moved();
  const jobs = new MemoryJobs(bucket);
  const dies = new Error('killed');
  jobs.before = (operation) => {
    if (operation === 'cancel') throw dies;
  };
  jobs.spoil = () => {
    throw dies;
  };
  await expect(verify(bucket, jobs)).rejects.toBe(dies);
  await expect(verify(bucket, jobs, { rotation: 'another' })).rejects.toBe(dies);
  expect(jobs.open).toHaveLength(2);
  jobs.before = () => undefined;
  jobs.spoil = () => undefined;
  await verify(bucket, jobs);
  expect(jobs.open).toEqual(['job-2']);
});

describe('at every request', () => {
  /** Calls `act` before the request of that number, to S3, to its jobs, or for a file. */
  function atRequest(bucket: MemoryBucket, jobs: MemoryJobs, act: (nth: number) => void): { count: number } {
    const seen = { count: 0 };
    const before = () => {
      seen.count += 1;
      act(seen.count);
    };
    bucket.hooks = { before };
    jobs.before = before;
    return seen;
  }

  function withOneLeft(): readonly [MemoryBucket, MemoryJobs] {
    const bucket = moved(3);
    bucket.pageSize = 2;
    old(bucket, 'c left', OLD_KEY);
    return [bucket, new MemoryJobs(bucket)];
  }

  const all = async (): Promise<number> => {
    const [bucket, jobs] = withOneLeft();
    const seen = atRequest(bucket, jobs, () => undefined);
    expect(isClean(await verify(bucket, jobs, { sample: 1 }))).toBe(false);
    return seen.count;
  };

  it.each([
    [403, 'AccessDenied'],
    [404, 'NoSuchKey'],
    [503, 'SlowDown'],
    [0, 'ECONNRESET'],
  ])('it is never clean because one was answered %s %s', async (status, code) => {
    const requests = await all();
    expect(requests).toBeGreaterThan(15);
    for (let nth = 1; nth <= requests; nth += 1) {
      const [bucket, jobs] = withOneLeft();
      atRequest(bucket, jobs, (at) => {
        if (at === nth) throw new StoreFault({ operation: 'HeadObject', status, code, message: code });
      });
      const found = await verify(bucket, jobs, { sample: 1 }).catch(() => undefined);
      expect({ nth, isClean: found !== undefined && isClean(found) }).toEqual({ nth, isClean: false });
    }
  });

  it('it may be interrupted, and no job is left waiting', async () => {
    const requests = await all();
    for (let nth = 1; nth <= requests; nth += 1) {
      const [bucket, jobs] = withOneLeft();
      const controller = new AbortController();
      atRequest(bucket, jobs, (at) => (at === nth ? controller.abort() : undefined));
      const found = await verify(bucket, jobs, { sample: 1, signal: controller.signal }).catch(
        (error: unknown) => error,
      );
      expect({ nth, isClean: !(found instanceof Error) && isClean(found as BucketVerification) }).toEqual({
        nth,
        isClean: false,
      });
      expect({ nth, open: jobs.open }).toEqual({ nth, open: [] });
    }
  });

  it('it may be killed, and the next one leaves no job waiting and finds the same', async () => {
    const requests = await all();
    for (let nth = 1; nth <= requests; nth += 1) {
      const [bucket, jobs] = withOneLeft();
      atRequest(bucket, jobs, (at) => {
        if (at >= nth) throw new Error('killed');
      });
      await expect(verify(bucket, jobs, { sample: 1 })).rejects.toThrow();
      atRequest(bucket, jobs, () => undefined);
      const found = await verify(bucket, jobs, { sample: 1 });
      expect({ nth, left: found.leftTotal, open: jobs.open }).toEqual({ nth, left: 1, open: [] });
    }
  });
});

describe('whatever the bucket, the generator and the writers', () => {
  const KEYS = ['a', 'c d', 'e+f'];
  interface Write {
    readonly at: number;
    readonly act: string;
    readonly key: string;
  }
  const write: fc.Arbitrary<Write> = fc.record({
    at: fc.integer({ min: 0, max: 16 }),
    act: fc.constantFrom('put old', 'put new', 'delete', 'remove current', 'remove current', 'move away'),
    key: fc.constantFrom(...KEYS),
  });
  const cases = fc.record({
    versioning: fc.constantFrom('unversioned' as const, 'enabled' as const, 'suspended' as const),
    noConcurrentWrites: fc.boolean(),
    initial: fc.array(fc.record({ key: fc.constantFrom(...KEYS), under: fc.constantFrom(0, 1, 1, 2) }), {
      maxLength: 12,
    }),
    writes: fc.array(write, { maxLength: 6 }),
    versions: fc.constantFrom('current' as const, 'all' as const),
    empty: fc.constantFrom(
      'fails' as const,
      'suspended' as const,
      'suspended without a file' as const,
      'complete' as const,
    ),
    format: fc.constantFrom('csv' as const, 'inventory' as const),
    sample: fc.constantFrom(0, 0, 0, 1, 100),
    skipsKeyOfGoneMarker: fc.boolean(),
  });

  it('never reports that nothing is left while a version that was there before is still under the old key', async () => {
    let believed = 0;
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const bucket = new MemoryBucket();
        bucket.versioning = one.versioning;
        bucket.pageSize = 3;
        bucket.skipsKeyOfGoneMarker = one.skipsKeyOfGoneMarker;
        bucket.clock -= 2 * DAY;
        old(bucket, 'anchor');
        for (const { key, under } of one.initial) {
          const encryption =
            under === 2 ? ({ kind: 'dsse-kms', keyArn: OLD_KEY } as const) : underKey(under ? NEW_KEY : OLD_KEY);
          bucket.put(key, { head: { encryption } });
        }
        bucket.clock += 2 * DAY;
        const wereLeft = bucket.versions.filter((version) => isLeft(version)).map(({ head }) => head.etag);
        const jobs = new MemoryJobs(bucket);
        Object.assign(jobs.generator, { versions: one.versions, empty: one.empty, format: one.format });
        play(bucket, jobs, one.noConcurrentWrites ? [] : one.writes);
        const found = await verify(bucket, jobs, { noConcurrentWrites: one.noConcurrentWrites, sample: one.sample });
        if (found.sources.because === undefined) believed += 1;
        const stillLeft = bucket.versions.filter((version) => isLeft(version) && wereLeft.includes(version.head.etag));
        expect({ stillLeft: stillLeft.length > 0 && isClean(found) }).toEqual({ stillLeft: false });
        expect(jobs.open).toEqual([]);
      }),
      { numRuns: runs(2_000) },
    );
    expect(believed).toBeGreaterThan(50);
  });

  function isLeft({ head, deleteMarker }: MemoryBucket['versions'][number]): boolean {
    const { encryption } = head;
    return !deleteMarker && 'keyArn' in encryption && encryption.keyArn === OLD_KEY;
  }

  /** Writers act between the requests of the verification. */
  function play(bucket: MemoryBucket, jobs: MemoryJobs, writes: readonly Write[]): void {
    let request = 0;
    const tick = () => {
      bucket.clock += 1_000;
      for (const { act, key } of writes.filter((one) => one.at === request)) {
        if (act === 'put old') bucket.put(key);
        else if (act === 'put new') bucket.put(key, { head: { encryption: underKey(NEW_KEY) } });
        else if (act === 'delete') bucket.delete(key);
        else if (act === 'remove current') {
          const current = bucket.current(key);
          if (current) bucket.remove(key, current.versionId);
        } else {
          const current = bucket.current(key);
          if (current && !current.deleteMarker) current.head = { ...current.head, encryption: underKey(NEW_KEY) };
        }
      }
      request += 1;
    };
    bucket.hooks = { before: tick };
    jobs.before = tick;
  }
});
