import fc from 'fast-check';

import { AdaptiveLimiter } from '../../../lib/s3/adaptive-limiter';
import { RequestRate } from '../../../lib/s3/request-rate';

describe('the adaptive limiter', () => {
  it('never has more concurrent requests than its maximum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(fc.constantFrom('enter', 'done', 'slow')), (max, acts) => {
        const pace = new AdaptiveLimiter({ maxConcurrency: max, initial: 8 });
        let under = 0;
        let most = 0;
        for (const act of acts) {
          if (act === 'enter') {
            const turn = pace.enter('kms');
            if (turn) void turn.then(() => undefined);
            else under += 1;
          } else if (under > 0) {
            if (act === 'done') pace.done('kms');
            else pace.slowDown('kms', 'kms');
            under -= 1;
          }
          most = Math.max(most, under);
        }
        expect(most).toBeLessThanOrEqual(max);
      }),
    );
  });

  it('grows while it is used up, shrinks on SlowDown, and reports the reason for its limit', () => {
    let now = 0;
    const pace = new AdaptiveLimiter({ maxConcurrency: 64, initial: 4, clock: () => now });
    for (let round = 0; round < 200; round += 1) {
      for (let at = 0; at < 64; at += 1) void pace.enter('kms');
      for (let at = 0; at < 64; at += 1) pace.done('kms');
    }
    expect(pace.state).toEqual({ concurrency: 64, because: 'at its maximum' });
    void pace.enter('kms');
    pace.slowDown('kms', 'kms');
    expect(pace.state.concurrency).toBe(44);
    expect(pace.state.because).toContain('KMS asked to slow down');
    // Answers to requests that had left before the first SlowDown was heard do not count again.
    void pace.enter('kms');
    pace.slowDown('kms', 'kms');
    expect(pace.state.concurrency).toBe(44);
    now += 1000;
    void pace.enter('kms');
    pace.slowDown('kms', 'kms');
    expect(pace.state.concurrency).toBe(31);
  });

  it("keeps KMS's limit from holding back requests that do not use KMS", async () => {
    const pace = new AdaptiveLimiter({ maxConcurrency: 8, initial: 8, clock: () => 0 });
    for (let at = 0; at < 6; at += 1) expect(pace.enter('kms')).toBeUndefined();
    pace.slowDown('kms', 'kms');
    let isHeld = true;
    void pace.enter('kms')?.then(() => {
      isHeld = false;
    });
    await pace.enter('s3');
    expect(isHeld).toBe(true);
    pace.done('kms');
    await Promise.resolve();
    expect(isHeld).toBe(false);
  });

  it('spaces requests out to the requested rate', async () => {
    let now = 0;
    const pace = new AdaptiveLimiter({ maxRps: 100, clock: () => now });
    expect(pace.enter('s3')).toBeUndefined();
    let left = 1;
    for (let at = 0; at < 200; at += 1) {
      void pace.enter('s3')?.then(() => {
        left += 1;
        pace.done('s3');
      });
    }
    pace.done('s3');
    for (now = 0; now <= 1000; now += 10) {
      await new Promise((go) => setTimeout(go, 2));
    }
    const leftInASecond = left;
    expect(leftInASecond).toBeGreaterThan(30);
    expect(leftInASecond).toBeLessThanOrEqual(102);
    while (left < 201) {
      now += 1000;
      await new Promise((go) => setTimeout(go, 1));
    }
  });
});

describe('the rate of one kind of request under one prefix', () => {
  /** Sixty seconds against an S3 that accepts `limit` a second and saves up a tenth of a second; answers take 20 ms. */
  function against(limit: number, initial: number, limitLater = limit): { accepted: number; refused: number } {
    const rate = new RequestRate(initial, 5_500);
    let [tokens, accepted, refused] = [limit / 10, 0, 0];
    const answers: boolean[][] = [];
    for (let now = 0; now < 60_000; now += 1) {
      const allowed = now < 30_000 ? limit : limitLater;
      tokens = Math.min(allowed / 10, tokens + allowed / 1000);
      for (const isAccepted of answers[now] ?? []) isAccepted ? rate.accepted(now) : rate.refused(now);
      const sent: boolean[] = [];
      // No more at once than a run's concurrent requests allow.
      while (sent.length < 20 && rate.take(now)) {
        const isAccepted = tokens >= 1;
        if (isAccepted) tokens -= 1;
        sent.push(isAccepted);
        if (now < 5_000 || (now >= 30_000 && now < 50_000)) continue;
        if (isAccepted) accepted += 1;
        else refused += 1;
      }
      answers[now + 20] = sent;
    }
    return { accepted, refused };
  }

  it.each([
    [5_500, Number.POSITIVE_INFINITY],
    [3_500, Number.POSITIVE_INFINITY],
    [344, 5_500],
    [219, 3_500],
  ])('settles at nine tenths or more of the %i a second that S3 accepts, and is refused little', (limit, initial) => {
    const { accepted, refused } = against(limit, initial);
    expect(accepted).toBeGreaterThan(0.95 * limit * 35);
    expect(refused).toBeLessThan(0.05 * accepted);
  });

  it('finds what S3 accepts once it has partitioned the prefix further', () => {
    const { accepted } = against(1_000, Number.POSITIVE_INFINITY, 4_000);
    expect(accepted).toBeGreaterThan(0.95 * (1_000 * 25 + 4_000 * 10));
  });

  it('is never so low that a request would wait for more than a second', () => {
    const rate = new RequestRate(5_500, 5_500);
    for (let now = 0; now < 600_000; now += 100) rate.refused(now);
    expect(rate.perSecond).toBe(1);
  });
});
