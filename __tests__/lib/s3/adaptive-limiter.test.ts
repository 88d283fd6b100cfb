import fc from 'fast-check';

import { AdaptiveLimiter } from '../../../lib/s3/adaptive-limiter';

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
