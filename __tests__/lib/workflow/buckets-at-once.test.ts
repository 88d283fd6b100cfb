import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { StoreFault } from '../../../lib/s3/store-fault';
import { bucketsAtOnce } from '../../../lib/workflow/buckets-at-once';
import type { Reporter } from '../../../lib/workflow/reporter';
import type { VerifyRun } from '../../../lib/workflow/rotation-run';
import { MemoryBucket, memoryStore, NEW_KEY, SOURCES } from '../s3/memory-store';

const tick = (ms: number) => new Promise((go) => setTimeout(go, ms));

function runOf(lines: string[], signal = new AbortController().signal): VerifyRun {
  const say = (text: string) => void lines.push(text);
  const reporter: Reporter = { heading: say, note: say, warn: say, block: say, progress: () => undefined };
  return { signal, reporter, reencrypt: { concurrency: 8, maxRps: undefined } } as unknown as VerifyRun;
}

describe('buckets that are worked on side by side', () => {
  it('are as many at once as asked for, and report in their order', async () => {
    const lines: string[] = [];
    let [running, most] = [0, 0];
    const done = await bucketsAtOnce(runOf(lines), { buckets: [5, 4, 3, 2, 1], atOnce: 3 }, async (own, bucket) => {
      running += 1;
      most = Math.max(most, running);
      own.reporter.note(`${bucket} begins`);
      await tick(bucket * 4);
      own.reporter.warn(`${bucket} ends`);
      running -= 1;
      return bucket * 10;
    });
    expect(done).toEqual([50, 40, 30, 20, 10]);
    expect(most).toBe(3);
    expect(lines).toEqual([5, 4, 3, 2, 1].flatMap((bucket) => [`${bucket} begins`, `${bucket} ends`]));
  });

  it('fails when one fails: no other is begun, and those that are running are interrupted and waited for', async () => {
    const lines: string[] = [];
    const ends: string[] = [];
    const failing = bucketsAtOnce(runOf(lines), { buckets: [1, 2, 3, 4], atOnce: 2 }, async (own, bucket) => {
      own.reporter.note(`${bucket} begins`);
      if (bucket === 2) throw new Error('the first failure');
      while (!own.signal.aborted) await tick(1);
      await tick(5);
      ends.push(`${bucket} ends`);
      own.signal.throwIfAborted();
    });
    await expect(failing).rejects.toThrow('the first failure');
    expect(ends).toEqual(['1 ends']);
    expect(lines).toEqual(['1 begins', '2 begins']);
  });

  it('are all interrupted when the run is', async () => {
    const interrupt = new AbortController();
    let interrupted = 0;
    const running = bucketsAtOnce(runOf([], interrupt.signal), { buckets: [1, 2, 3], atOnce: 2 }, async (own) => {
      while (!own.signal.aborted) await tick(1);
      interrupted += 1;
      own.signal.throwIfAborted();
    });
    await tick(2);
    interrupt.abort(new Error('Ctrl-C'));
    await expect(running).rejects.toThrow('Ctrl-C');
    expect(interrupted).toBe(2);
  });

  it('share one limit, count their own requests, and a fault of one leaves what another is sending alone', async () => {
    const buckets = [3, 30, 30].map((objects) => {
      const bucket = new MemoryBucket();
      for (let at = 0; at < objects; at += 1) bucket.put(`k${at}`);
      return bucket;
    });
    let [sending, most] = [0, 0];
    for (const [at, bucket] of buckets.entries()) {
      bucket.hooks = {
        before: async (operation) => {
          if (at === 0 && operation === 'UpdateObjectEncryption')
            throw new StoreFault({ operation, status: 400, code: 'ExpiredToken', message: 'over' });
          sending += 1;
          most = Math.max(most, sending);
          await tick(1);
          sending -= 1;
        },
      };
    }
    const results = await bucketsAtOnce(runOf([]), { buckets, atOnce: 3 }, ({ reencrypt }, bucket) =>
      reencryptBucket(memoryStore(bucket), {
        bucket: 'b',
        targetKeyArn: NEW_KEY,
        sources: SOURCES,
        bucketKeyDefault: true,
        method: 'rewrap',
        dryRun: false,
        concurrency: reencrypt.concurrency,
        pace: reencrypt.pace,
      }),
    );
    expect(results.map(({ complete, stopped }) => stopped?.because ?? complete)).toEqual(['credentials', true, true]);
    expect(results.map(({ moved }) => moved)).toEqual([0, 30, 30]);
    expect(most).toBeLessThanOrEqual(8);
    // The memory store does not log the one request for annotations.
    for (const at of [1, 2]) expect(results[at]?.requests).toBe((buckets[at]?.log.length ?? 0) + 1);
  });
});
