import { StoreFault } from '../../../lib/s3/store-fault';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, underKey } from '../s3/memory-store';

const verify = (bucket: MemoryBucket, over = {}) =>
  verifyBucket(memoryStore(bucket), {
    bucket: 'b',
    activeKeyArn: NEW_KEY,
    retry: { baseMs: 0, capMs: 0, transientAttempts: 1, throttledAttempts: 1 },
    ...over,
  });

/** Three versions under the active key, and one that must keep the gate closed. */
function withOneLeft(): MemoryBucket {
  const bucket = new MemoryBucket();
  bucket.pageSize = 2;
  for (const key of ['a', 'b', 'd']) bucket.put(key, { head: { encryption: underKey(NEW_KEY) } });
  bucket.put('c left');
  return bucket;
}

describe('a verification', () => {
  it('counts versions by key, and names those under another KMS key only', async () => {
    const bucket = withOneLeft();
    bucket.put('s3', { head: { encryption: { kind: 'sse-s3' } } });
    bucket.put('plain', {
      head: { encryption: { kind: 'unencrypted' }, lastModified: Date.parse('2022-12-31T00:00:00Z') },
    });
    bucket.put('layers', { head: { encryption: { kind: 'dsse-kms', keyArn: OLD_KEY } } });
    bucket.put('new layers', { head: { encryption: { kind: 'dsse-kms', keyArn: NEW_KEY } } });
    const found = await verify(bucket);
    expect(found.byKey).toEqual({
      [NEW_KEY]: 3,
      [OLD_KEY]: 1,
      'SSE-S3': 1,
      unencrypted: 1,
      [`DSSE:${OLD_KEY}`]: 1,
      [`DSSE:${NEW_KEY}`]: 1,
    });
    expect(found.left.map((one) => one.key)).toEqual(['c left', 'layers']);
    expect(found).toMatchObject({ leftTotal: 2, unknownTotal: 0, objectVersions: 8 });
  });

  it('counts a version of today whose HEAD names no encryption as unknown', async () => {
    const bucket = new MemoryBucket();
    bucket.put('stripped', { head: { encryption: { kind: 'unencrypted' } } });
    bucket.put('undated', { head: { encryption: { kind: 'unencrypted' }, lastModified: 0 } });
    const { unknown, unknownTotal } = await verify(bucket);
    expect(unknownTotal).toBe(2);
    expect(unknown[0]).toMatchObject({ key: 'stripped', reason: expect.stringContaining('names no encryption') });
  });

  it('stops where the bucket is said to have no versioning and the listing has version ids', async () => {
    const bucket = Object.assign(new MemoryBucket(), { versioning: 'enabled' as const });
    bucket.put('k');
    bucket.put('k', { head: { encryption: underKey(NEW_KEY) } });
    const store = memoryStore(bucket);
    const stale = { ...store, versioning: async () => 'unversioned' as const };
    await expect(verifyBucket(stale, { bucket: 'b', activeKeyArn: NEW_KEY, read: 0 })).rejects.toMatchObject({
      code: 'verification-stopped',
      facts: { detail: expect.stringContaining('has no versioning, but the listing has version') },
    });
  });

  it.each([true, false])('does not count a version as gone that is still listed (skips: %s)', async (skips) => {
    const bucket = new MemoryBucket();
    Object.assign(bucket, { versioning: 'enabled', pageSize: 2, skipsKeyOfGoneMarker: skips });
    const [left, second] = [bucket.put('k'), bucket.put('k', { head: { encryption: underKey(NEW_KEY) } })];
    bucket.put('k', { head: { encryption: underKey(NEW_KEY) } });
    let listings = 0;
    let isDenied = false;
    bucket.hooks = {
      before: (operation) => {
        if (isDenied && operation === 'ListObjectVersions') {
          listings += 1;
          // Between the two pages of the key, the version that the first one ended with is deleted.
          if (listings === 2) bucket.remove('k', second.versionId);
        }
        const heads = bucket.log.filter((one) => one === 'HeadObject').length;
        // Both clients are told that the third version is gone.
        if (operation !== 'HeadObject' || heads < 3 || heads > 4) return;
        isDenied = true;
        throw new StoreFault({ operation, status: 404, code: '', message: 'not found' });
      },
    };
    const found = await verify(bucket, { concurrency: 1, read: 0 });
    expect(listings).toBeGreaterThan(1);
    expect(found.unknown).toEqual([
      { key: 'k', versionId: left.versionId, reason: 'HeadObject reports that it is gone, but it is still listed' },
    ]);
  });

  it.each([
    [403, 'AccessDenied'],
    [400, 'InvalidRequest'],
    [404, 'NoSuchKey'],
    [500, 'InternalError'],
    [503, 'SlowDown'],
    [0, 'ECONNRESET'],
  ])('is never clean because one request was answered %s %s, whichever it was', async (status, code) => {
    const calm = withOneLeft();
    await verify(calm);
    const requests = calm.log.length;
    expect(requests).toBeGreaterThan(6);
    for (let nth = 1; nth <= requests; nth += 1) {
      const bucket = withOneLeft();
      bucket.hooks = {
        before: (operation) => {
          if (bucket.log.length === nth) throw new StoreFault({ operation, status, code, message: code });
        },
      };
      const found = await verify(bucket).catch((error: unknown) => error);
      const isClean =
        !(found instanceof Error) &&
        (found as { leftTotal: number }).leftTotal === 0 &&
        (found as { unknownTotal: number }).unknownTotal === 0;
      expect({ nth, isClean }).toEqual({ nth, isClean: false });
    }
  });

  it('does not count a version as unknown that a writer deleted meanwhile', async () => {
    const bucket = withOneLeft();
    bucket.hooks = {
      before: (operation, { key }) =>
        operation === 'HeadObject' && key === 'a' ? bucket.remove('a', 'null') : undefined,
    };
    expect(await verify(bucket)).toMatchObject({ unknownTotal: 0, byKey: { [NEW_KEY]: 2, [OLD_KEY]: 1 } });
  });

  it('reads a sample, or all, of what is under the active key, and counts unreadable ones as unknown', async () => {
    const bucket = withOneLeft();
    expect((await verify(bucket, { read: 2 })).read.versions).toBe(2);
    bucket.hooks = {
      before: (operation, { key }) => {
        if (operation !== 'GetObject' || key !== 'b') return;
        throw new StoreFault({
          operation,
          status: 400,
          code: 'KMS.DisabledException',
          message: `${NEW_KEY} is disabled`,
        });
      },
    };
    const found = await verify(bucket, { read: 'all' });
    expect(found).toMatchObject({ read: { versions: 2 }, unknownTotal: 1, unknown: [{ key: 'b' }] });
  });

  it('fails when it is interrupted, because a partial verification is none', async () => {
    const bucket = withOneLeft();
    const controller = new AbortController();
    bucket.hooks = { before: (operation) => (operation === 'HeadObject' ? controller.abort() : undefined) };
    await expect(verify(bucket, { signal: controller.signal })).rejects.toMatchObject({ code: 'interrupted' });
  });
});
