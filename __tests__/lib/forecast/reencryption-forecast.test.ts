import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { dryRunForecaster } from '../../../lib/workflow/dry-run-forecast';
import { alsoFrom, MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, underKey } from '../s3/memory-store';

const DAY = 86_400_000;

async function forecastOf(bucket: MemoryBucket, method: 'rewrap' | 'rewrite', optimistic = false) {
  const { forecaster, onOutcome } = dryRunForecaster();
  const request = {
    bucket: 'b',
    targetKeyArn: NEW_KEY,
    sources: alsoFrom({ sseS3: true }),
    bucketKeyDefault: true,
    method,
    dryRun: true,
  } as const;
  const run = await reencryptBucket(memoryStore(bucket), { ...request, onOutcome });
  return forecaster.forecast(run, { optimistic });
}

describe('the forecast of a dry run', () => {
  const bucket = new MemoryBucket();
  bucket.put('a');
  bucket.put('b');
  bucket.put('c', { head: { encryption: { kind: 'sse-s3' } } });
  bucket.put('there', { head: { encryption: underKey(NEW_KEY) } });
  const locked = (days: number) =>
    ({ mode: 'COMPLIANCE', until: bucket.clock + days * DAY, legalHold: false, eventHold: false }) as const;
  bucket.put('locked', { head: { lock: locked(9) } });
  bucket.put('locked sooner', { head: { lock: locked(3) } });

  it('counts what would move by encryption, and what cannot with the earliest date', async () => {
    const found = await forecastOf(bucket, 'rewrap');
    expect(found.byEncryption).toEqual({
      [OLD_KEY]: { versions: 2, bytes: 'body of a'.length * 2 },
      'SSE-S3': { versions: 1, bytes: 'body of c'.length },
    });
    const earliest = new Date(bucket.clock + 3 * DAY).toISOString();
    expect(found.blocked).toEqual({ 'compliance-retention': { versions: 2, earliest } });
  });

  it.each([
    ['rewrap', false, { list: 2, head: 6 + 3, write: 3, other: 0 }],
    ['rewrap', true, { list: 2, head: 6, write: 6, other: 0 }],
    ['rewrite', false, { list: 2, head: 6 + 3, write: 3, other: 3 }],
  ] as const)(
    'reports the requests of a %s, optimistic: %s, and a price with its date',
    async (method, optimistic, requests) => {
      const found = await forecastOf(bucket, method, optimistic);
      expect(found.requests).toEqual(requests);
      expect(found.cost).toMatchObject({ currency: 'USD', pricesAsOf: expect.stringMatching(/^\d{4}-\d{2}$/) });
    },
  );

  it('forecasts the requests that the run then sends', async () => {
    const own = new MemoryBucket();
    for (let at = 0; at < 20; at += 1) own.put(`k${at}`, { head: { lastModified: own.clock - DAY } });
    const { requests } = await forecastOf(own, 'rewrap');
    const request = {
      bucket: 'b',
      targetKeyArn: NEW_KEY,
      sources: alsoFrom({ sseS3: true }),
      bucketKeyDefault: true,
      method: 'rewrap',
      dryRun: false,
    } as const;
    own.log = [];
    await reencryptBucket(memoryStore(own), request);
    const sent = (operation: string) => own.log.filter((one) => one === operation).length;
    expect(sent('ListObjectVersions')).toBe(requests.list);
    expect(sent('HeadObject')).toBe(requests.head);
    // One more than one for each version: the question whether the endpoint knows the operation at all.
    expect(sent('UpdateObjectEncryption')).toBe(requests.write + 1);
  });
});
