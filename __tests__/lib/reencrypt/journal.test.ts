import { appendFileSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

import { readJournal } from '../../../lib/reencrypt/journal';
import { type ReencryptRequest, reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { StoreFault } from '../../../lib/s3/store-fault';
import { SLOW } from '../../runner/slow';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, SOURCES, underKey } from '../s3/memory-store';

/** The clock of every bucket here. */
const NOW = new MemoryBucket().clock;
let directory: string;
let journalFile: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'keyturn-journal-'));
  journalFile = path.join(directory, 'journal.ndjson');
});
afterEach(() => rmSync(directory, { recursive: true }));

const request = (over: Partial<ReencryptRequest> = {}): ReencryptRequest => ({
  bucket: 'b',
  targetKeyArn: NEW_KEY,
  sources: SOURCES,
  bucketKeyDefault: true,
  method: 'rewrap',
  dryRun: false,
  concurrency: 2,
  journalFile,
  retry: { baseMs: 0, capMs: 0, transientAttempts: 1 },
  ...over,
});

function filled(count = 30, pageSize = 5): MemoryBucket {
  const bucket = new MemoryBucket();
  bucket.pageSize = pageSize;
  for (let at = 0; at < count; at += 1) {
    bucket.put(`k${String(at).padStart(3, '0')}`, { head: { lastModified: bucket.clock - 60_000 } });
  }
  return bucket;
}

/** Runs until the n-th request and kills the run there; the journal is left as it stood. True when it ended before. */
async function killedAt(bucket: MemoryBucket, nth: number, over: Partial<ReencryptRequest> = {}): Promise<boolean> {
  let seen = 0;
  const saved = `${journalFile}.saved`;
  rmSync(saved, { force: true });
  bucket.hooks = {
    before: (operation) => {
      seen += 1;
      if (seen === nth && existsSync(journalFile)) copyFileSync(journalFile, saved);
      if (seen >= nth) throw new StoreFault({ operation, status: 0, code: 'ECONNRESET', message: 'killed' });
    },
  };
  await reencryptBucket(memoryStore(bucket), request(over)).catch(() => undefined);
  bucket.hooks = {};
  if (seen < nth) return true;
  rmSync(journalFile, { force: true });
  if (existsSync(saved)) copyFileSync(saved, journalFile);
  return false;
}

const isMoved = (bucket: MemoryBucket) =>
  bucket.versions.every((one) => JSON.stringify(one.head.encryption) === JSON.stringify(underKey(NEW_KEY)));

describe('the journal of a run', () => {
  /** Five pages: more than any split leaves behind it. */
  const OBJECTS = SLOW ? 32 : 20;

  it.each([undefined, 1, 3])(
    'lets a run killed at any request go on, with a listing split after %s pages',
    async (splitAfterPages) => {
      for (let nth = 1; ; nth += 1) {
        const bucket = filled(OBJECTS, 4);
        if (await killedAt(bucket, nth, { splitAfterPages })) break;
        const again = await reencryptBucket(memoryStore(bucket), request({ splitAfterPages }));
        expect({ nth, ...again }).toMatchObject({ nth, complete: true, objectVersions: OBJECTS, failedTotal: 0 });
        expect(isMoved(bucket)).toBe(true);
      }
    },
    120_000,
  );

  it('spares the second run what the first had committed', async () => {
    const bucket = filled();
    // The journal is written while requests go on: the run is killed once a page of it is there.
    const isWritten = () => existsSync(journalFile) && readFileSync(journalFile, 'utf8').includes('"type":"page"');
    let isKilled = false;
    bucket.hooks = {
      before: (operation) => {
        isKilled ||= isWritten();
        if (isKilled) throw new StoreFault({ operation, status: 400, code: 'ExpiredToken', message: 'killed' });
        return new Promise((go) => setTimeout(go, 2));
      },
    };
    await reencryptBucket(memoryStore(bucket), request());
    bucket.hooks = {};
    const resumed = await readJournal(journalFile, request(), NOW);
    const settled = resumed?.counts?.objectVersions ?? 0;
    expect(settled).toBeGreaterThan(0);
    const before = bucket.log.length;
    const result = await reencryptBucket(memoryStore(bucket), request());
    expect(result).toMatchObject({ complete: true, objectVersions: 30 });
    const heads = bucket.log.slice(before).filter((operation) => operation === 'HeadObject');
    expect(heads.length).toBeLessThanOrEqual(2 * (30 - settled));
  });

  it('retries the failures of an interrupted run, and nothing of a finished one', async () => {
    const bucket = filled();
    let isBroken = true;
    bucket.hooks = {
      before: (operation, { key }) => {
        const refused = isBroken && operation === 'UpdateObjectEncryption' && key === 'k003';
        if (refused) throw new StoreFault({ operation, status: 400, code: 'InvalidRequest', message: 'not now' });
        if (isBroken && key === 'k025')
          throw new StoreFault({ operation, status: 400, code: 'ExpiredToken', message: 'over' });
      },
    };
    const first = await reencryptBucket(memoryStore(bucket), request());
    expect(first).toMatchObject({ complete: false, failedTotal: 1, stopped: { because: 'credentials' } });
    const resumed = await readJournal(journalFile, request(), NOW);
    expect(resumed?.failed.map((one) => one.version.key)).toEqual(['k003']);

    isBroken = false;
    const second = await reencryptBucket(memoryStore(bucket), request());
    expect(second).toMatchObject({ complete: true, failedTotal: 0 });
    expect(isMoved(bucket)).toBe(true);
    expect(await readJournal(journalFile, request(), NOW)).toBeUndefined();
  });

  it('holds one line for each page and each failure, not for each object', async () => {
    const bucket = filled(100);
    await reencryptBucket(memoryStore(bucket), request({ maxPasses: 1, splitAfterPages: 100 }));
    const lines = readFileSync(journalFile, 'utf8').trimEnd().split('\n');
    // The last key of a page is left to the next one, so that a page of 5 holds 4; the last holds what is left.
    expect(lines).toHaveLength(1 + 100 / 4);
  });

  it('ignores a torn last line, and starts over where it belongs to another run', async () => {
    const bucket = filled();
    await killedAt(bucket, 80);
    const whole = await readJournal(journalFile, request(), NOW);
    appendFileSync(journalFile, '{"type":"page","pass":1,"ne');
    expect(await readJournal(journalFile, request(), NOW)).toEqual(whole);
    truncateSync(journalFile, readFileSync(journalFile).length - 10);
    expect(await readJournal(journalFile, request(), NOW)).toBeDefined();
    expect(await readJournal(journalFile, request({ method: 'rewrite' }), NOW)).toBeUndefined();
    expect(await readJournal(journalFile, request({ bucket: 'other' }), NOW)).toBeUndefined();
    expect(await readJournal(journalFile, request(), NOW + 8 * 86_400_000)).toBeUndefined();
  });

  it('is not touched by a dry run', async () => {
    const bucket = filled();
    await reencryptBucket(memoryStore(bucket), request({ dryRun: true }));
    expect(existsSync(journalFile)).toBe(false);
  });

  it('inspects the object of an upload that was open from the start again', async () => {
    const bucket = filled();
    // It was begun long before the run and ends under the old key, behind the listing, with the date it was begun.
    bucket.uploads.push({ key: 'a', uploadId: 'u', initiated: bucket.clock - 3_600_000, storageClass: 'STANDARD' });
    bucket.hooks = {
      before: (operation, { key }) => {
        if (operation !== 'UpdateObjectEncryption' || key !== 'k020' || bucket.current('a')) return;
        bucket.put('a', { head: { lastModified: bucket.clock - 3_600_000 } });
      },
    };
    const result = await reencryptBucket(memoryStore(bucket), request());
    expect(result).toMatchObject({ complete: true, moved: 31 });
    expect(isMoved(bucket)).toBe(true);
  });
});

describe('the evidence of a run', () => {
  it('has a line for the outcome of each version, in shards whose hashes are reported', async () => {
    const bucket = filled(12);
    bucket.put('held', {
      head: { lock: { mode: undefined, until: undefined, legalHold: true, eventHold: false }, lastModified: 1 },
    });
    const result = await reencryptBucket(memoryStore(bucket), request({ evidence: { directory, name: 'objects' } }));
    expect(result.evidence).toMatchObject([
      { file: `${path.basename(directory)}/objects-000001.ndjson.gz`, lines: 13 },
    ]);
    const text = gunzipSync(readFileSync(path.join(directory, '..', result.evidence[0]?.file ?? ''))).toString();
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(13);
    expect(lines.filter((one) => one.outcome === 'moved')).toHaveLength(12);
    expect(lines.find((one) => one.key === 'held')).toMatchObject({ outcome: 'blocked', reason: 'legal-hold' });
  });
});

it('is not resumed after another switch: what was moved may have been moved back', async () => {
  const bucket = filled();
  expect(await killedAt(bucket, 40, { switchId: 'first' })).toBe(false);
  for (const one of bucket.versions) one.head = { ...one.head, encryption: underKey(OLD_KEY) };
  const resumed = { bucket: 'b', targetKeyArn: NEW_KEY, method: 'rewrap', sources: SOURCES } as const;
  expect(await readJournal(journalFile, { ...resumed, switchId: 'first' }, NOW)).toBeDefined();
  expect(await readJournal(journalFile, resumed, NOW)).toBeUndefined();
  const done = await reencryptBucket(memoryStore(bucket), request({ switchId: 'second' }));
  expect(done).toMatchObject({ moved: 30, complete: true });
  expect(isMoved(bucket)).toBe(true);
});
