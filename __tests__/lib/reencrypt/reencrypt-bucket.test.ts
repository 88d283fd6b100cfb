import type { VersionOutcome } from '../../../lib/reencrypt/outcome';
import { type ReencryptRequest, reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { StoreFault } from '../../../lib/s3/store-fault';
import { alsoFrom, MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, SOURCES, underKey } from '../s3/memory-store';

const request = (over: Partial<ReencryptRequest> = {}): ReencryptRequest => ({
  bucket: 'b',
  targetKeyArn: NEW_KEY,
  sources: SOURCES,
  bucketKeyDefault: true,
  method: 'rewrap',
  dryRun: false,
  retry: { baseMs: 1, capMs: 4 },
  ...over,
});

const refuse = (operation: string, status: number, code: string, message = code) => {
  throw new StoreFault({ operation, status, code, message });
};

describe('re-encrypting a bucket by rewrap', () => {
  it('moves every version, noncurrent ones too, and leaves delete markers alone', async () => {
    const bucket = new MemoryBucket();
    bucket.versioning = 'enabled';
    bucket.put('a');
    bucket.put('a', { body: 'newer' });
    bucket.put('b');
    bucket.delete('b');
    const result = await reencryptBucket(memoryStore(bucket), request());
    expect(result).toMatchObject({ objectVersions: 3, deleteMarkers: 1, moved: 3, alreadyThere: 0, complete: true });
    const keys = bucket.versions.filter((one) => !one.deleteMarker).map((one) => one.head.encryption);
    expect(keys).toEqual([underKey(NEW_KEY), underKey(NEW_KEY), underKey(NEW_KEY)]);
  });

  it("carries each object's own bucket key setting over, and the bucket's to one that no KMS key held", async () => {
    const bucket = new MemoryBucket();
    bucket.put('off', { head: { encryption: underKey(OLD_KEY, false) } });
    bucket.put('on', { head: { encryption: underKey(OLD_KEY, true) } });
    bucket.put('s3', { head: { encryption: { kind: 'sse-s3' } } });
    await reencryptBucket(
      memoryStore(bucket),
      request({ bucketKeyDefault: false, sources: alsoFrom({ sseS3: true }) }),
    );
    expect(bucket.current('off')?.head.encryption).toEqual(underKey(NEW_KEY, false));
    expect(bucket.current('on')?.head.encryption).toEqual(underKey(NEW_KEY, true));
    expect(bucket.current('s3')?.head.encryption).toEqual(underKey(NEW_KEY, false));
  });

  it('sends three requests for each version and lists once more, inspecting no version twice', async () => {
    const bucket = new MemoryBucket();
    // The last key of a page is left to the next one, so that four pages hold 9, 9, 9 and 3 of the 30.
    bucket.pageSize = 10;
    for (let at = 0; at < 30; at += 1) bucket.put(`k${at}`, { head: { lastModified: bucket.clock - 60_000 } });
    const result = await reencryptBucket(memoryStore(bucket), request());
    // Of the bucket: its versioning, its uploads, whether rewrap is known, whether annotations are.
    expect(result).toMatchObject({ moved: 30, passes: 2, requests: 4 + 3 * 30 + 2 * 4 });
  });

  it('changes nothing in a dry run and reports what it would move', async () => {
    const bucket = new MemoryBucket();
    bucket.put('a');
    const result = await reencryptBucket(memoryStore(bucket), request({ dryRun: true }));
    expect(result).toMatchObject({ moved: 1, complete: true });
    expect(bucket.current('a')?.head.encryption).toEqual(underKey(OLD_KEY));
    expect(bucket.log).not.toContain('UpdateObjectEncryption');
  });

  it('decides again about an object that was overwritten while it was being moved', async () => {
    const bucket = new MemoryBucket();
    bucket.put('a');
    let overwritten = false;
    bucket.hooks = {
      after: (operation) => {
        if (operation !== 'UpdateObjectEncryption' || overwritten) return;
        overwritten = true;
        bucket.put('a', { body: 'the newest content' });
      },
    };
    const result = await reencryptBucket(memoryStore(bucket), request());
    expect(result).toMatchObject({ moved: 1, complete: true });
    expect(bucket.current('a')).toMatchObject({ body: 'the newest content', head: { encryption: underKey(NEW_KEY) } });
  });

  it('moves what a writer adds under the old key during the run', async () => {
    const bucket = new MemoryBucket();
    bucket.put('b', { head: { lastModified: bucket.clock - 60_000 } });
    bucket.hooks = {
      after: (operation) => {
        bucket.clock += 1000;
        if (operation === 'UpdateObjectEncryption' && !bucket.current('a')) bucket.put('a');
      },
    };
    const result = await reencryptBucket(memoryStore(bucket), request());
    expect(result).toMatchObject({ moved: 2, passes: 3, complete: true });
    expect(bucket.current('a')?.head.encryption).toEqual(underKey(NEW_KEY));
  });

  it('fails when the storage class of a version differs afterwards', async () => {
    const bucket = new MemoryBucket();
    bucket.versioning = 'enabled';
    const stored = bucket.put('a');
    bucket.hooks = {
      after: (operation) => {
        if (operation === 'UpdateObjectEncryption') stored.head = { ...stored.head, storageClass: 'GLACIER' };
      },
    };
    const result = await reencryptBucket(memoryStore(bucket), request());
    expect(result.complete).toBe(false);
    expect(result.failed[0]?.reason).toContain('class went from STANDARD to GLACIER');
  });
});

describe('re-encrypting a bucket by rewrite', () => {
  it('writes a new version and reports that the copied one remains', async () => {
    const bucket = new MemoryBucket();
    bucket.versioning = 'enabled';
    bucket.put('a');
    const outcomes: VersionOutcome[] = [];
    const result = await reencryptBucket(
      memoryStore(bucket),
      request({ method: 'rewrite', onOutcome: (one) => outcomes.push(one) }),
    );
    expect(result).toMatchObject({ moved: 1, blockedTotal: 1, complete: true, alreadyThere: 0 });
    expect(result.blocked[0]).toMatchObject({ key: 'a', reason: 'noncurrent-version', encryption: OLD_KEY });
    expect(bucket.current('a')?.head.encryption).toEqual(underKey(NEW_KEY));
    expect(outcomes.slice(0, 2).map((one) => one.outcome)).toEqual(['moved', 'blocked']);
  });

  it('never overwrites what a writer put meanwhile', async () => {
    const bucket = new MemoryBucket();
    bucket.put('a');
    let raced = false;
    bucket.hooks = {
      before: (operation) => {
        if (operation !== 'CopyObject' || raced) return;
        raced = true;
        bucket.put('a', { body: 'the newest content' });
      },
    };
    const result = await reencryptBucket(memoryStore(bucket), request({ method: 'rewrite' }));
    expect(result).toMatchObject({ moved: 1, complete: true });
    expect(bucket.current('a')).toMatchObject({ body: 'the newest content', head: { encryption: underKey(NEW_KEY) } });
  });

  it('does not bring a deleted object back', async () => {
    const bucket = new MemoryBucket();
    bucket.put('a');
    bucket.hooks = { before: (operation) => (operation === 'CopyObject' ? bucket.delete('a') : undefined) };
    const result = await reencryptBucket(memoryStore(bucket), request({ method: 'rewrite' }));
    expect(result).toMatchObject({ moved: 0, gone: 1, complete: true });
    expect(bucket.versions).toEqual([]);
  });
});

describe('faults', () => {
  const withFault = async (status: number, code: string, message: string, over: Partial<ReencryptRequest> = {}) => {
    const bucket = new MemoryBucket();
    for (let at = 0; at < 40; at += 1) bucket.put(`k${at}`);
    bucket.hooks = {
      before: (operation) =>
        operation === 'UpdateObjectEncryption' ? refuse(operation, status, code, message) : undefined,
    };
    return { bucket, run: reencryptBucket(memoryStore(bucket), request({ concurrency: 4, ...over })) };
  };

  it.each([
    [
      'a denied action',
      403,
      'AccessDenied',
      'User: x is not authorized to perform: s3:UpdateObjectEncryption on resource: "arn:aws:s3:::b/k0" because no identity-based policy allows it',
      'aws-access-denied',
    ],
    ['a disabled target key', 400, 'KMS.DisabledException', `${NEW_KEY} is disabled.`, 'target-key-unusable'],
    [
      'a refusal that names no key while the object can be read',
      400,
      'KMS.DisabledException',
      'the specified KMS key is not enabled.',
      'target-key-unusable',
    ],
    ['an endpoint that does not know the operation', 501, 'NotImplemented', 'not implemented', 'rewrap-unsupported'],
  ])('fails at once for %s', async (_what, status, code, message, expected) => {
    const { bucket, run } = await withFault(status, code, message);
    await expect(run).rejects.toMatchObject({ code: expected });
    expect(bucket.log.filter((operation) => operation === 'UpdateObjectEncryption').length).toBeLessThanOrEqual(1 + 4);
  });

  it('continues past versions that are refused for a reason of their own', async () => {
    const bucket = new MemoryBucket();
    for (const key of ['a', 'b', 'c']) bucket.put(key);
    bucket.hooks = {
      before: (operation, { key }) =>
        operation === 'UpdateObjectEncryption' && key === 'b'
          ? refuse(operation, 400, 'InvalidRequest', 'no')
          : undefined,
    };
    const result = await reencryptBucket(memoryStore(bucket), request());
    expect(result).toMatchObject({ moved: 2, failedTotal: 1, complete: false, stopped: undefined });
    expect(result.failed[0]).toMatchObject({ key: 'b', code: 'InvalidRequest' });
  });

  it.each([
    [503, 'SlowDown', 'Please reduce your request rate.'],
    [503, 'SlowDown', 'Please reduce your request rate for operations involving AWS KMS.'],
    [400, 'KMS.ThrottlingException', 'Rate exceeded'],
    [500, 'InternalError', 'We encountered an internal error.'],
    [0, 'ECONNRESET', 'socket hang up'],
  ])('retries after %s %s (%s)', async (status, code, message) => {
    const bucket = new MemoryBucket();
    for (let at = 0; at < 20; at += 1) bucket.put(`k${at}`);
    let left = 10;
    bucket.hooks = {
      before: (operation) =>
        operation === 'UpdateObjectEncryption' && left-- > 0 ? refuse(operation, status, code, message) : undefined,
    };
    const result = await reencryptBucket(memoryStore(bucket), request());
    expect(result).toMatchObject({ moved: 20, failedTotal: 0, complete: true });
  });

  it('ends partly done when the credentials expire', async () => {
    const { run } = await withFault(400, 'ExpiredToken', 'The provided token has expired.');
    await expect(run).resolves.toMatchObject({ complete: false, moved: 0, stopped: { because: 'credentials' } });
  });

  it('ends partly done when S3 can no longer be reached', async () => {
    const bucket = new MemoryBucket();
    for (let at = 0; at < 40; at += 1) bucket.put(`k${at}`);
    bucket.hooks = {
      before: (operation) =>
        operation === 'HeadObject' ? refuse(operation, 0, 'ECONNREFUSED', 'connect ECONNREFUSED') : undefined,
    };
    const retry = { baseMs: 0, capMs: 0, transientAttempts: 2 };
    const run = reencryptBucket(memoryStore(bucket), request({ retry, concurrency: 4 }));
    await expect(run).resolves.toMatchObject({ complete: false, stopped: { because: 'endpoint' } });
  });

  it('ends at once when it is interrupted, however slow the requested rate', async () => {
    const bucket = new MemoryBucket();
    for (let at = 0; at < 40; at += 1) bucket.put(`k${at}`);
    const controller = new AbortController();
    bucket.hooks = { after: (operation) => (operation === 'HeadObject' ? controller.abort() : undefined) };
    const run = reencryptBucket(memoryStore(bucket), request({ signal: controller.signal, maxRps: 20 }));
    await expect(run).resolves.toMatchObject({ complete: false, stopped: { because: 'interrupted' } });
    expect(bucket.log.length).toBeLessThan(10);
  });

  it('ends partly done when it is interrupted, and a second run completes it', async () => {
    const bucket = new MemoryBucket();
    for (let at = 0; at < 40; at += 1) bucket.put(`k${at}`);
    const controller = new AbortController();
    bucket.hooks = { after: (operation) => (operation === 'UpdateObjectEncryption' ? controller.abort() : undefined) };
    const first = await reencryptBucket(memoryStore(bucket), request({ signal: controller.signal, concurrency: 2 }));
    expect(first).toMatchObject({ complete: false, stopped: { because: 'interrupted' } });
    bucket.hooks = {};
    const second = await reencryptBucket(memoryStore(bucket), request());
    expect(second.complete).toBe(true);
    expect(second.alreadyThere + second.moved).toBe(40);
  });
});
