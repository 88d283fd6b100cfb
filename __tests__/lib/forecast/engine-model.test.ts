import fc from 'fast-check';
import { ASSUMPTIONS } from '../../../lib/forecast/assumptions';
import { batchEngine, localEngine, type Scale } from '../../../lib/forecast/engine-model';
import { kmsQuota } from '../../../lib/forecast/service-limits';

const scales: fc.Arbitrary<Scale> = fc.record({
  versions: fc.integer({ min: 1, max: 1e11 }),
  noncurrent: fc.constantFrom(0, 0.3, 1),
  bytesEach: fc.constant(1e6),
  prefixes: fc.integer({ min: 1, max: 200 }),
  bucketKeys: fc.constantFrom(0, 0.5, 1),
  kmsPerSecond: fc.constantFrom(1_000, 10_000, 100_000),
  method: fc.constantFrom('rewrap' as const, 'rewrite' as const),
  manifest: fc.constantFrom('listed' as const, 'generated' as const),
  verify: fc.constantFrom('heads' as const, 'manifest' as const),
});

describe.each([
  ['local', localEngine],
  ['batch', batchEngine],
] as const)('the model of the %s engine', (engine, model) => {
  it('never promises less time or money for more versions', () => {
    fc.assert(
      fc.property(scales, fc.integer({ min: 1, max: 1e9 }), (scale, more) => {
        const [one, other] = [model(scale), model({ ...scale, versions: scale.versions + more })];
        expect(one.engine).toBe(engine);
        expect(other.seconds).toBeGreaterThanOrEqual(one.seconds);
        expect(other.cost.amount).toBeGreaterThanOrEqual(one.cost.amount);
      }),
    );
  });

  it('is never slower with more prefixes, a larger KMS quota or bucket keys', () => {
    fc.assert(
      fc.property(scales, (scale) => {
        const { seconds } = model(scale);
        for (const better of [{ prefixes: 400 }, { kmsPerSecond: 1e6 }, { bucketKeys: 1 }]) {
          expect(model({ ...scale, ...better }).seconds).toBeLessThanOrEqual(seconds);
        }
      }),
    );
  });
});

const bucket: Scale = {
  versions: 1e9,
  noncurrent: 0,
  bytesEach: 1e6,
  prefixes: 10,
  bucketKeys: 1,
  kmsPerSecond: kmsQuota('ap-northeast-1'),
  method: 'rewrap',
  manifest: 'generated',
  verify: 'heads',
};

it('is bound by CPU and two HEADs for each version in a process, and by writes or KMS in a job', () => {
  const longest = (phases: readonly { boundBy: string; name: string }[], name: string) =>
    phases.find((one) => one.name === name)?.boundBy;
  expect(longest(localEngine(bucket).phases, 're-encrypt')).toBe('CPU of one process');
  expect(longest(localEngine({ ...bucket, prefixes: 1 }).phases, 're-encrypt')).toBe('S3 reads');
  expect(longest(batchEngine(bucket).phases, 'job')).toBe('S3 writes');
  expect(longest(batchEngine({ ...bucket, bucketKeys: 0 }).phases, 'job')).toBe('KMS quota');
});

it('splits what exceeds one job into several', () => {
  const listed = { ...bucket, manifest: 'listed' } as const;
  expect(batchEngine({ ...listed, versions: 2e10 }).jobs).toBe(1);
  expect(batchEngine({ ...listed, versions: 1e11 }).jobs).toBe(5);
});

it('leaves the noncurrent versions of a rewrite out of jobs', () => {
  const { requests } = batchEngine({ ...bucket, noncurrent: 0.3, method: 'rewrite' });
  expect(requests.write).toBeCloseTo(0.7 * bucket.versions);
});

it('takes longer for a job that is slower than S3', () => {
  const slow = batchEngine(bucket, { ...ASSUMPTIONS, jobTasksPerSecond: 1_000 });
  expect(slow.phases.find((one) => one.name === 'job')?.boundBy).toBe('the job itself');
  expect(slow.seconds).toBeGreaterThan(batchEngine(bucket).seconds);
});

it('prices requests, KMS calls and jobs, and reports which part is not confirmed', () => {
  const [local, batch] = [localEngine(bucket), batchEngine(bucket)];
  // A million versions: 3 million looks, a million writes, 3,000 listings, annotations asked for twice, 20,000 calls of bucket keys.
  const million = localEngine({ ...bucket, versions: 1e6 });
  expect(million.cost.amount).toBeCloseTo(3000 * 0.0004 + 1000 * 0.005 + (3 + 2000) * 0.005 + 20 * 0.003, 1);
  expect(local.cost.unconfirmed).toBe(0);
  // Two generated manifests, of which one job each makes its part of a billion tasks.
  expect(batch.cost.unconfirmed).toBeCloseTo(2 * 0.25 + 1000 + 2 * 15);
});
