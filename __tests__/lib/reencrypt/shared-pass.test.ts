import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

import { LocalSegments } from '../../../lib/reencrypt/local-segments';
import type { PageRecord } from '../../../lib/reencrypt/page-record';
import { type ReencryptRequest, reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { RunLog } from '../../../lib/reencrypt/run-log';
import type { Lease, LeaseEnd, SegmentRun, SegmentWorkers } from '../../../lib/reencrypt/segment-workers';
import type { ObjectStore } from '../../../lib/s3/store';
import { StoreFault } from '../../../lib/s3/store-fault';
import { SLOW } from '../../runner/slow';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, SOURCES, underKey } from '../s3/memory-store';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'keyturn-shared-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Two prefixes, one of which holds nearly everything; of every tenth object the key is the new one already. */
function filled(count = 120): MemoryBucket {
  const bucket = new MemoryBucket();
  bucket.pageSize = 4;
  for (let at = 0; at < count; at += 1) {
    const key = `${at % 40 === 0 ? 'archive' : 'data/2026/11'}/${String(at).padStart(4, '0')}`;
    const encryption = underKey(at % 10 === 0 ? NEW_KEY : OLD_KEY);
    bucket.put(key, { head: { lastModified: bucket.clock - 60_000, encryption } });
  }
  return bucket;
}

type Commit = Parameters<SegmentRun['lease']>[1];
/** Called with each page before it is committed; what it throws ends the process. */
type OnPage = (record: PageRecord, commit: Commit) => Promise<void>;

/** Processes that are none: each lease is moved by a run of its own, which `onPage` may kill. */
function workersOf(store: () => ObjectStore, onPage: OnPage = (record, commit) => commit(record)) {
  const leases: Lease[] = [];
  const workers: SegmentWorkers = {
    processes: 2,
    slots: 4,
    start: () => undefined,
    open(request) {
      const open = new Set<LocalSegments>();
      let requests = 0;
      return {
        get requests() {
          return requests;
        },
        async lease(lease, commit): Promise<LeaseEnd> {
          leases.push(lease);
          const mover = new LocalSegments(store(), request);
          open.add(mover);
          try {
            return await mover.lease(lease, async (record) => {
              requests += 1;
              await onPage(record, commit);
            });
          } catch (error) {
            if (!(error instanceof Killed)) throw error;
            mover.stop();
            return { end: 'died', worker: 'process 7, ended by SIGKILL' };
          } finally {
            open.delete(mover);
          }
        },
        stop() {
          for (const one of open) one.stop();
        },
        close: () => undefined,
      };
    },
  };
  return { workers, leases };
}

class Killed extends Error {}

const request = (name: string, over: Partial<ReencryptRequest> = {}): ReencryptRequest => ({
  bucket: 'b',
  targetKeyArn: NEW_KEY,
  sources: SOURCES,
  bucketKeyDefault: true,
  method: 'rewrap',
  dryRun: false,
  concurrency: 4,
  splitAfterPages: 2,
  journalFile: path.join(directory, `${name}.ndjson`),
  evidence: { directory: path.join(directory, `${name}.outcomes`), name: 'b' },
  retry: { baseMs: 0, capMs: 0, transientAttempts: 1 },
  ...over,
});

/** Lines of evidence, sorted: which of them stand in which file depends on who was first. */
const evidenceOf = (name: string): string[] => {
  const folder = path.join(directory, `${name}.outcomes`);
  return readdirSync(folder)
    .flatMap((file) =>
      gunzipSync(readFileSync(path.join(folder, file)))
        .toString()
        .trimEnd()
        .split('\n'),
    )
    .sort();
};

const journalOf = (name: string): { type: string }[] =>
  readFileSync(path.join(directory, `${name}.ndjson`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });

const isMoved = (bucket: MemoryBucket) =>
  bucket.versions.every((one) => JSON.stringify(one.head.encryption) === JSON.stringify(underKey(NEW_KEY)));

describe('a bucket whose segments other processes move', () => {
  it('ends with the outcomes, the counts and the evidence of one process', async () => {
    const [alone, shared] = [filled(), filled()];
    const one = await reencryptBucket(memoryStore(alone), request('one'));
    const { workers, leases } = workersOf(() => memoryStore(shared));
    const two = await reencryptBucket(memoryStore(shared), request('two'), workers);
    const own = ['requests', 'evidence'] as const;
    const without = (report: object) =>
      Object.fromEntries(Object.entries(report).filter(([name]) => !own.includes(name as 'requests')));
    expect(without(two)).toEqual(without(one));
    expect(two).toMatchObject({ complete: true, moved: 108, alreadyThere: 12 });
    expect(evidenceOf('two')).toEqual(evidenceOf('one'));
    expect(two.evidence.map(({ lines }) => lines)).toEqual([120]);
    expect(isMoved(shared)).toBe(true);
    expect(leases.length).toBeGreaterThan(4);
    // Nearly all keys begin alike: without cuts, one process would have moved them all.
    expect(journalOf('two').filter(({ type }) => type === 'split').length).toBeGreaterThan(0);
  });

  it('hands what a killed process did not commit to another, at whatever page it is killed', async () => {
    for (let nth = 1; ; nth += SLOW ? 1 : 6) {
      const bucket = filled(48);
      let [pages, deaths] = [0, 0];
      const { workers } = workersOf(
        () => memoryStore(bucket),
        async (record, commit) => {
          pages += 1;
          if (pages === nth) {
            deaths += 1;
            throw new Killed();
          }
          await commit(record);
        },
      );
      const name = `killed-${nth}`;
      const end = await reencryptBucket(memoryStore(bucket), request(name), workers);
      expect({ nth, ...end }).toMatchObject({ nth, complete: true, objectVersions: 48, failedTotal: 0 });
      expect(isMoved(bucket)).toBe(true);
      expect(new Set(evidenceOf(name).map((line) => JSON.parse(line).key)).size).toBe(48);
      if (deaths === 0) break;
    }
  });

  it('stops and names the process when one page kills whoever moves it', async () => {
    const bucket = filled();
    const { workers } = workersOf(
      () => memoryStore(bucket),
      async (record, commit) => {
        if (record.next?.key.endsWith('0057') || record.next?.key.endsWith('0058') || record.next?.key.endsWith('0059'))
          throw new Killed();
        await commit(record);
      },
    );
    await expect(reencryptBucket(memoryStore(bucket), request('fatal'), workers)).rejects.toMatchObject({
      code: 'worker-died',
      message: expect.stringContaining('process 7, ended by SIGKILL'),
    });
    // The rest is not lost, whoever goes on.
    const again = await reencryptBucket(memoryStore(bucket), request('fatal'));
    expect(again).toMatchObject({ complete: true, objectVersions: 120 });
    expect(isMoved(bucket)).toBe(true);
  });

  it('is resumed by one process from the journal of a killed run, wherever that was killed', async () => {
    for (let nth = 1; ; nth += SLOW ? 1 : 13) {
      const bucket = filled(48);
      const name = `resumed-${nth}`;
      const journal = path.join(directory, `${name}.ndjson`);
      let [seen, isDead] = [0, false];
      bucket.hooks = {
        before: (operation) => {
          seen += 1;
          if (seen === nth && existsSync(journal)) copyFileSync(journal, `${journal}.saved`);
          isDead = seen >= nth;
          if (isDead) throw new StoreFault({ operation, status: 0, code: 'ECONNRESET', message: 'killed' });
        },
      };
      const { workers } = workersOf(() => memoryStore(bucket));
      await reencryptBucket(memoryStore(bucket), request(name), workers).catch(() => undefined);
      bucket.hooks = {};
      if (!isDead) break;
      rmSync(journal, { force: true });
      if (existsSync(`${journal}.saved`)) copyFileSync(`${journal}.saved`, journal);
      const again = await reencryptBucket(memoryStore(bucket), request(name));
      expect({ nth, ...again }).toMatchObject({ nth, complete: true, objectVersions: 48, failedTotal: 0 });
      expect(isMoved(bucket)).toBe(true);
    }
  });

  it('ends as interrupted on Ctrl-C, and what was committed is not inspected again', async () => {
    const bucket = filled();
    const interrupt = new AbortController();
    let pages = 0;
    const { workers } = workersOf(
      () => memoryStore(bucket),
      async (record, commit) => {
        await commit(record);
        pages += 1;
        if (pages === 6) interrupt.abort();
      },
    );
    const ended = await reencryptBucket(memoryStore(bucket), request('c', { signal: interrupt.signal }), workers);
    expect(ended).toMatchObject({ complete: false, stopped: { because: 'interrupted' } });
    const before = ended.moved + ended.alreadyThere;
    expect(before).toBeLessThan(120);
    const again = await reencryptBucket(memoryStore(bucket), request('c'), workers);
    expect(again).toMatchObject({ complete: true, objectVersions: 120 });
    expect(again.moved + again.alreadyThere).toBe(120);
  });

  it.each<[string, (record: PageRecord) => PageRecord]>([
    [
      'a page that leaves out the rest of its segment',
      (record) => ({ ...record, next: { key: '\u{10ffff}', versionId: undefined } }),
    ],
    ['a page that stands still', (record) => ({ ...record, next: { key: ' ', versionId: undefined } })],
    ['an end before its last page', (record) => ({ ...record, next: undefined })],
  ])('refuses %s', async (_what, spoil) => {
    const bucket = filled();
    let pages = 0;
    const { workers } = workersOf(
      () => memoryStore(bucket),
      async (record, commit) => {
        pages += 1;
        await commit(pages === 3 && record.next ? spoil(record) : record);
      },
    );
    await expect(reencryptBucket(memoryStore(bucket), request('liar'), workers)).rejects.toMatchObject({
      code: 'worker-answer-invalid',
    });
  });
});

it('keeps every shard in the record where two segments complete their first page at once', async () => {
  const evidence = { directory: path.join(directory, 'at-once'), name: 'b' };
  const head = {
    bucket: 'b',
    targetKeyArn: NEW_KEY,
    method: 'rewrap',
    sources: '',
    startedAt: 0,
    uploadKeys: [],
  } as const;
  const log = await RunLog.open({ journalFile: undefined, evidence }, head, undefined, []);
  const page = (key: string) => {
    const version = {
      key,
      versionId: 'null',
      isLatest: true,
      size: 1,
      etag: '"1"',
      lastModified: 0,
      storageClass: 'STANDARD',
    };
    const outcome = { key, versionId: undefined, size: 1, outcome: 'already-there' } as const;
    return { next: undefined, listed: 1, deleteMarkers: 0, newest: 0, results: [{ version, outcomes: [outcome] }] };
  };
  await Promise.all(['a', 'b', 'c'].map((key, at) => log.commitPage(1, at + 1, page(key))));
  const shards = await log.close();
  expect(shards.map(({ file }) => path.basename(file))).toEqual(readdirSync(evidence.directory));
  expect(shards.reduce((sum, { lines }) => sum + lines, 0)).toBe(3);
});
