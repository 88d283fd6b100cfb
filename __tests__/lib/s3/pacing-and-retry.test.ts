import { AdaptiveLimiter } from '../../../lib/s3/adaptive-limiter';
import { withPacingAndRetry } from '../../../lib/s3/pacing-and-retry';
import { PrefixLanes } from '../../../lib/s3/prefix-lanes';
import { PrefixPacing } from '../../../lib/s3/prefix-pacing';
import { StoreFault } from '../../../lib/s3/store-fault';

/** How often a request is sent that is always answered so. */
async function attemptsAt(status: number, code: string, operation = 'HeadObject'): Promise<number> {
  const call = withPacingAndRetry(new AdaptiveLimiter(), { baseMs: 0, capMs: 0 }, undefined);
  let attempts = 0;
  const sent = call('s3', () => {
    attempts += 1;
    return Promise.reject(new StoreFault({ operation, status, code, message: code }));
  });
  await expect(sent).rejects.toBeInstanceOf(StoreFault);
  return attempts;
}

describe('a request to S3', () => {
  it.each([
    [403, ''],
    [403, 'AccessDenied'],
    [400, 'ExpiredToken'],
    [404, 'NoSuchKey'],
    [409, 'OperationAborted'],
    [412, 'PreconditionFailed'],
    [400, 'KMS.DisabledException'],
    [501, 'NotImplemented'],
    [400, 'InvalidRequest'],
  ])('is sent once when the answer is %s %s', async (status, code) => {
    expect(await attemptsAt(status, code)).toBe(1);
  });

  it.each([
    [500, 'InternalError'],
    [0, 'ECONNRESET'],
    [504, ''],
  ])('is sent six times when it fails transiently with %s %s', async (status, code) => {
    expect(await attemptsAt(status, code)).toBe(6);
  });

  it.each([
    [503, 'SlowDown'],
    [503, ''],
    [400, 'ThrottlingException'],
  ])('is sent twelve times when it is throttled with %s %s', async (status, code) => {
    expect(await attemptsAt(status, code)).toBe(12);
  });
});

describe('requests about objects under several prefixes', () => {
  const slowDown = new StoreFault({ operation: 'HeadObject', status: 503, code: 'SlowDown', message: 'SlowDown' });
  const learn = (pacing: PrefixPacing, key: string) => {
    for (let at = 0; at < 300; at += 1) pacing.lane('reads', key);
  };

  it('wait where their own prefix is asked to slow down, and nowhere else', () => {
    let now = 0;
    const pacing = new PrefixPacing(new PrefixLanes(() => now));
    for (const key of ['a/1', 'b/1', 'c/d/1']) learn(pacing, key);
    const slow = pacing.lane('reads', 'a/1');
    for (; now < 1_000; now += 10) pacing.refused(slow);
    let waiting = 0;
    for (let at = 0; at < 500; at += 1) if (pacing.enter(pacing.lane('reads', `a/${at}`))) waiting += 1;
    expect(waiting).toBeGreaterThan(400);
    for (let at = 0; at < 500; at += 1) {
      expect(pacing.enter(pacing.lane('writes', `a/${at}`))).toBeUndefined();
      for (const key of ['b/', 'c/d/', 'none']) {
        expect(pacing.enter(pacing.lane('reads', `${key}${at}`))).toBeUndefined();
        expect(pacing.room(`${key}${at}`)).toBeUndefined();
      }
    }
    expect(pacing.room('a/2')).toBeInstanceOf(Promise);
    pacing.open();
  });

  it('share one pace where each prefix has few, however many prefixes there are', () => {
    const pacing = new PrefixPacing(new PrefixLanes(() => 0));
    const shared = pacing.lane('reads', 'no-slash');
    const lanes = Array.from({ length: 10_000 }, (_, at) => pacing.lane('reads', `tenant-${at}/object`));
    expect(lanes.filter((lane) => lane !== shared).length).toBeLessThanOrEqual(32);
    for (let at = 0; at < 400; at += 1) learn(pacing, `busy-${at}/object`);
    expect(pacing.lane('reads', 'busy-1/object')).not.toBe(shared);
    expect(pacing.lane('reads', 'busy-399/object')).toBe(shared);
  });

  it('are sent although they wait for a slow prefix, in time', async () => {
    const pacing = new PrefixPacing();
    const limiter = new AdaptiveLimiter({ initial: 64 });
    const call = withPacingAndRetry(limiter, { baseMs: 1, capMs: 1 }, undefined, pacing);
    const lane = pacing.lane('reads', 'a');
    lane.rate.perSecond = 1_000;
    const sent = await Promise.all(Array.from({ length: 100 }, () => call('s3', () => Promise.resolve(1), 'a')));
    expect(sent).toHaveLength(100);
    expect(lane.waiting).toBe(0);
  });

  it('let everybody start another version once none of them waits any more', async () => {
    let now = 0;
    const lanes = new PrefixLanes(() => now);
    const lane = lanes.lane('reads', 'a');
    lane.rate.perSecond = 1_000;
    const waiting = Array.from({ length: 140 }, () => lane.enter(now)).filter((turn) => turn !== undefined);
    const rooms = Array.from({ length: 100 }, () => lane.room());
    expect(rooms).not.toContain(undefined);
    lane.rate.perSecond = Number.POSITIVE_INFINITY;
    now = 1;
    lane.release(now);
    await Promise.all([...waiting, ...rooms]);
    expect(lane.room()).toBeUndefined();
  });

  it('leave the concurrency of the bucket alone when their prefix is refused', async () => {
    const limiter = new AdaptiveLimiter({ initial: 64 });
    const call = withPacingAndRetry(limiter, { baseMs: 0, capMs: 0, throttledAttempts: 1 }, undefined);
    await expect(call('s3', () => Promise.reject(slowDown), 'a')).rejects.toBe(slowDown);
    expect(limiter.state.concurrency).toBe(64);
    await expect(call('s3', () => Promise.reject(slowDown))).rejects.toBe(slowDown);
    expect(limiter.state.concurrency).toBe(44);
  });

  it('are given up with their run, and those of another run that shares the limit are not', async () => {
    const limiter = new AdaptiveLimiter({ maxConcurrency: 1 });
    const [one, other] = [new AbortController(), new AbortController()];
    const first = withPacingAndRetry(limiter, {}, one.signal);
    const second = withPacingAndRetry(limiter, {}, other.signal);
    let answer = () => {};
    const running = second('s3', () => new Promise<void>((go) => (answer = go)));
    const sent: string[] = [];
    const ended = first('s3', async () => sent.push('first'), 'a');
    const waiting = second('s3', async () => sent.push('second'), 'a');
    one.abort();
    await expect(ended).rejects.toThrow('abort');
    expect(sent).toEqual([]);
    answer();
    await Promise.all([running, waiting]);
    expect(sent).toEqual(['second']);
  });
});
