import { fork } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { KeyturnError } from '../../../lib/errors';
import { type ReencryptRequest, reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { RunStopped } from '../../../lib/s3/fault-policy';
import type { ObjectStore } from '../../../lib/s3/store';
import { versionScope } from '../../../lib/s3/version-scope';
import { VerificationBehind } from '../../../lib/verify/verification-behind';
import type { OpenStore } from '../../../lib/workers/segment-server';
import { type FromWorker, toWorker } from '../../../lib/workers/worker-messages';
import { WorkerPool } from '../../../lib/workers/worker-pool';
import { type StartWorker, startWorkers, type WorkerProcess } from '../../../lib/workers/worker-process';
import { WorkerProgress } from '../../../lib/workers/worker-progress';
import { SLOW } from '../../runner/slow';
import { stateOf } from '../../support/bucket-state';
import { DIES, HANGS, type InProcess, inProcessWorkers, WORKER_SETTINGS } from '../../support/in-process-workers';
import { testEndpoint } from '../reencrypt/endpoint';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, SOURCES, underKey } from '../s3/memory-store';

const { compiledFolder }: { compiledFolder(): string } = require('../../../bin/compile');

/** `spoil`: what becomes of an answer on its way. */
const inProcess = (open: OpenStore, spoil?: InProcess['spoil']): WorkerPool =>
  inProcessWorkers(open, { ...(spoil && { spoil }) });

function filled(count = 120): MemoryBucket {
  const bucket = new MemoryBucket();
  bucket.pageSize = 4;
  for (let at = 0; at < count; at += 1)
    bucket.put(`k${String(at).padStart(4, '0')}`, { head: { lastModified: bucket.clock - 60_000 } });
  return bucket;
}

const request = (over: Partial<ReencryptRequest> = {}): ReencryptRequest => ({
  bucket: 'b',
  targetKeyArn: NEW_KEY,
  sources: SOURCES,
  bucketKeyDefault: true,
  method: 'rewrap',
  dryRun: false,
  concurrency: 4,
  splitAfterPages: 2,
  retry: { baseMs: 0, capMs: 0, transientAttempts: 1 },
  ...over,
});

const isMoved = (bucket: MemoryBucket) =>
  bucket.versions.every((one) => JSON.stringify(one.head.encryption) === JSON.stringify(underKey(NEW_KEY)));

describe('processes that move segments', () => {
  it('move a bucket together, and go on with the next run', async () => {
    const bucket = filled();
    const workers = inProcess(async () => memoryStore(bucket));
    const first = await reencryptBucket(memoryStore(bucket), request(), workers);
    expect(first).toMatchObject({ complete: true, moved: 120, passes: 2 });
    expect(isMoved(bucket)).toBe(true);
    const next = await reencryptBucket(memoryStore(bucket), request(), workers);
    expect(next).toMatchObject({ complete: true, moved: 0, alreadyThere: 120 });
  });

  it('take over what one that is killed did not send, and start another in its place', async () => {
    const bucket = filled();
    const pids = new Set<number>();
    const workers = inProcess(
      async () => memoryStore(bucket),
      (message, pid) => {
        pids.add(pid);
        return message.type === 'page' && pid <= 3 && pids.size >= pid && pid !== 2 ? DIES : message;
      },
    );
    const end = await reencryptBucket(memoryStore(bucket), request(), workers);
    expect(end).toMatchObject({ complete: true, objectVersions: 120, failedTotal: 0 });
    expect(isMoved(bucket)).toBe(true);
    expect(pids.size).toBeGreaterThan(3);
  });

  it.each<[string, (message: FromWorker) => unknown]>([
    ['no object', () => 'moved all of them'],
    ['a member that no message has', (message) => ({ ...message, material: 'secret' })],
    [
      'a count that is none',
      (message) => (message.type === 'page' ? { ...message, record: { ...message.record, inspected: -1 } } : message),
    ],
    ['a lease that it does not have', (message) => ({ ...message, lease: 999 })],
  ])('are refused when they answer with %s', async (_what, spoil) => {
    const bucket = filled();
    const workers = inProcess(async () => memoryStore(bucket), spoil);
    await expect(reencryptBucket(memoryStore(bucket), request(), workers)).rejects.toMatchObject({
      code: 'worker-answer-invalid',
      message: expect.stringContaining('process 1 (id 1)'),
    });
  });

  it.each<[string, (message: FromWorker) => unknown]>([
    ['the same page twice', (message) => (message.type === 'page' ? [message, message] : message)],
    ['the same end twice', (message) => (message.type === 'listed' ? [message, message] : message)],
    [
      'an end that nobody asked for',
      (message) => (message.type === 'page' ? { type: 'stopped', lease: message.lease, requests: 0 } : message),
    ],
  ])('refuses %s', async (_what, spoil) => {
    const bucket = filled();
    const workers = inProcess(async () => memoryStore(bucket), spoil);
    await expect(reencryptBucket(memoryStore(bucket), request(), workers)).rejects.toMatchObject({
      code: 'worker-answer-invalid',
    });
  });

  it('refuses the same page twice in the middle of a key', async () => {
    const bucket = filled(40);
    bucket.versioning = 'enabled';
    for (let at = 0; at < 20; at += 1) bucket.put('k0020');
    const workers = inProcess(
      async () => memoryStore(bucket),
      (message) => (message.type === 'page' && message.record.next?.versionId ? [message, message] : message),
    );
    await expect(reencryptBucket(memoryStore(bucket), request(), workers)).rejects.toMatchObject({
      code: 'worker-answer-invalid',
    });
  });

  it('end the run with the error that keeps them from moving anything', async () => {
    const bucket = filled();
    const facts = { declared: '1', given: '2', identity: 'arn', file: 'rotation.yaml' };
    const workers = inProcess(() => Promise.reject(new KeyturnError('account-mismatch', facts)));
    await expect(reencryptBucket(memoryStore(bucket), request(), workers)).rejects.toMatchObject({
      code: 'account-mismatch',
      facts,
    });
  });

  it('stop the run, which can be resumed, when their credentials end', async () => {
    const bucket = filled();
    const ended = new RunStopped({ because: 'credentials', detail: 'ExpiredToken' });
    const store = { ...memoryStore(bucket), listVersions: () => Promise.reject(ended) };
    const workers = inProcess(async () => store);
    const end = await reencryptBucket(memoryStore(bucket), request(), workers);
    expect(end).toMatchObject({ complete: false, stopped: ended.stopped });
  });

  it('are told nothing but what the schema names', () => {
    const begin = { type: 'begin', settings: { ...WORKER_SETTINGS, secretAccessKey: 'x' } };
    expect(toWorker.safeParse(begin).success).toBe(false);
    expect(toWorker.safeParse({ ...begin, settings: WORKER_SETTINGS }).success).toBe(true);
  });
});

describe('real processes', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'keyturn-workers-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const entry = { file: path.join(compiledFolder(), 'scripts/worker.js'), nodeOptions: [] };

  it('end in the same state when one of them is killed in the middle of a page', async () => {
    const endpoint = await testEndpoint();
    const names = Array.from({ length: 60 }, (_, at) => `k${String(at).padStart(3, '0')}`);
    for (const bucket of ['calm', 'killed']) {
      await endpoint.bucket(bucket);
      for (const name of names) await endpoint.put(bucket, name);
    }
    const running: WorkerProcess[] = [];
    const begin = startWorkers(entry, { ...process.env, ...endpoint.aws.environment() });
    const start: StartWorker = (events) => {
      const worker = begin(events);
      running.push(worker);
      return worker;
    };
    const { accountId: account, region } = endpoint.aws;
    const workers = new WorkerPool({
      processes: 2,
      settings: { ...WORKER_SETTINGS, region, account },
      start,
    });
    let updates = 0;
    const unhook = endpoint.aws.requests.hook({
      before: ({ method, rawPath }) => {
        if (method === 'PUT' && rawPath.startsWith('/killed/')) updates += 1;
        if (updates === 20) running[0]?.kill();
        return undefined;
      },
    });
    try {
      const store = endpoint.store();
      // Small pages in this process alone: it soon hands the rest out.
      const paged = {
        ...store,
        listVersions: (one: Parameters<ObjectStore['listVersions']>[0]) => store.listVersions({ limit: 10, ...one }),
      };
      await reencryptBucket(store, endpoint.request('calm'));
      const end = await reencryptBucket(paged, endpoint.request('killed', { splitAfterPages: 1 }), workers);
      expect(end).toMatchObject({ complete: true, objectVersions: 60, failedTotal: 0 });
      expect(running.length).toBe(3);
      expect(await stateOf(endpoint.s3, 'killed')).toEqual(await stateOf(endpoint.s3, 'calm'));
    } finally {
      unhook();
      workers.close();
      await endpoint.close();
    }
  });

  it('end when whoever started them is gone', async () => {
    const child = fork(entry.file, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => child.once('spawn', resolve));
    child.disconnect();
    expect(await exited).toBe(0);
  });

  it('inherit the environment without the PIN of a hardware module, and leave the reason of their end', async () => {
    const file = path.join(directory, 'entry.js');
    writeFileSync(
      file,
      'console.error("error", process.env.KEYTURN_PKCS11_PIN, process.env.AWS_PROFILE); process.exit(3)',
    );
    const environment = { PATH: process.env.PATH, AWS_PROFILE: 'team', KEYTURN_PKCS11_PIN: '1234' };
    const ended = new Promise((onEnd) =>
      startWorkers({ file, nodeOptions: [] }, environment)({ onMessage: () => undefined, onEnd }),
    );
    expect(await ended).toBe('exit code 3: error undefined team');
  });
});

describe('processes that look behind the move', () => {
  const scope = { activeKeyArn: NEW_KEY, ...SOURCES };
  const verify = { bucket: 'b', activeKeyArn: NEW_KEY, scopeOf: versionScope.bind(undefined, scope), read: 0 };
  const old = (count: number): MemoryBucket => {
    const bucket = filled(count);
    for (const one of bucket.versions) one.head = { ...one.head, lastModified: bucket.clock - 86_400_000 };
    return bucket;
  };

  async function rotate(bucket: MemoryBucket, workers: WorkerPool) {
    const behind = new VerificationBehind(memoryStore(bucket), verify, undefined, scope);
    await behind.begin();
    const moved = await reencryptBucket(memoryStore(bucket), request({ behind, retry: {} }), workers);
    return { moved, found: await behind.finish(verify) };
  }

  it('spare the verification what they inspected, but for what changed since and a sample', async () => {
    const bucket = old(1200);
    bucket.pageSize = 40;
    const workers = inProcess(async () => memoryStore(bucket));
    const { moved, found } = await rotate(bucket, workers);
    expect(moved).toMatchObject({ complete: true, moved: 1200 });
    expect(found).toMatchObject({ objectVersions: 1200, leftTotal: 0, unknownTotal: 0, byKey: { [NEW_KEY]: 1200 } });
    expect(found.account).toMatchObject({ listed: 1200, underActive: 1200 });
    // About 400 are looked at twice, whatever was found.
    expect(found.behindTheMove?.asThen).toBeGreaterThan(700);
    // A hundred are drawn; those that turn out to be stale are dropped, and not replaced.
    expect(found.secondHeads.versions).toBeGreaterThan(60);
    const heads = bucket.log.filter((operation) => operation === 'HeadObject').length;
    expect(heads).toBeLessThan(2 * 1200 + 700);
  });

  it('hide nothing that is written, or moved back, behind their look', async () => {
    const bucket = old(120);
    let looked = 0;
    const workers = inProcess(
      async () => memoryStore(bucket),
      (message) => {
        looked += message.type === 'looked' ? 1 : 0;
        if (looked === 5 && message.type === 'looked') bucket.put('k0050');
        return message;
      },
    );
    const { found } = await rotate(bucket, workers);
    const left = bucket.versions.filter(
      ({ head }) => JSON.stringify(head.encryption) === JSON.stringify(underKey(OLD_KEY)),
    );
    expect(found.leftTotal).toBe(left.length);
    expect(found.account).toMatchObject({ listed: 120, underActive: 120 - left.length });
  });

  it('are inspected again where one of them dies, or reports twice or of other versions', async () => {
    for (const kind of ['dies', 'twice', 'others']) {
      const bucket = old(120);
      let [pages, looks] = [0, 0];
      const workers = inProcess(
        async () => memoryStore(bucket),
        (message) => {
          if (message.type === 'page') pages += 1;
          if (kind === 'dies' && message.type === 'page' && pages === 4) return DIES;
          if (message.type !== 'looked') return message;
          looks += 1;
          if (looks !== 3 || kind === 'dies') return message;
          const { record } = message;
          const { groups, high, low, kindOf } = record;
          const twice = {
            groups: Uint16Array.of(...groups, ...groups),
            high: Uint32Array.of(...high, ...high),
            low: Uint32Array.of(...low, ...low),
            kindOf: Uint16Array.of(...kindOf, ...kindOf),
          };
          const others = { high: high.map((one) => one ^ 1) };
          return { ...message, record: { ...record, ...(kind === 'twice' ? twice : others) } };
        },
      );
      const { found } = await rotate(bucket, workers);
      expect({ kind, ...found.account }).toMatchObject({ kind, listed: 120, underActive: 120, left: 0, unknown: 0 });
    }
  });
});

describe('a rotation with processes', () => {
  const scope = { activeKeyArn: NEW_KEY, ...SOURCES };
  const verification = { bucket: 'b', activeKeyArn: NEW_KEY, scopeOf: versionScope.bind(undefined, scope), read: 0 };
  const COUNT = 48;
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'keyturn-rotation-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** Old enough to be inspected behind the move. */
  const old = (): MemoryBucket => {
    const bucket = filled(COUNT);
    for (const one of bucket.versions) one.head = { ...one.head, lastModified: bucket.clock - 86_400_000 };
    return bucket;
  };

  async function rotate(bucket: MemoryBucket, workers: WorkerPool, journalFile?: string, store = memoryStore(bucket)) {
    const behind = new VerificationBehind(store, verification, undefined, scope);
    await behind.begin();
    const moved = await reencryptBucket(store, request({ behind, retry: {}, journalFile }), workers);
    const listedBefore = { versions: moved.objectVersions, newest: moved.newestListed ?? 0 };
    return { moved, found: await behind.finish({ ...verification, listedBefore }) };
  }

  /** All is moved, and the verification accounts for each version once. */
  function expectWhole(bucket: MemoryBucket, { moved, found }: Awaited<ReturnType<typeof rotate>>, what: object): void {
    expect({ ...what, ...moved }).toMatchObject({ ...what, complete: true, objectVersions: COUNT, failedTotal: 0 });
    expect({ ...what, ...found.account }).toMatchObject({
      ...what,
      listed: COUNT,
      underActive: COUNT,
      left: 0,
      unknown: 0,
    });
    expect(isMoved(bucket)).toBe(true);
  }

  /** Does something once, at the n-th call. */
  const atNth = (nth: number) => {
    let calls = 0;
    return {
      isNow: () => {
        calls += 1;
        return calls === nth;
      },
      get isPast() {
        return calls >= nth;
      },
    };
  };
  const STEP = SLOW ? 1 : 9;

  it.each(['before it answers', 'by what it is told'] as const)(
    'ends in the same state when a process is killed %s, at any message',
    async (when) => {
      for (let nth = 1; ; nth += STEP) {
        const bucket = old();
        const death = atNth(nth);
        const workers = inProcessWorkers(
          async () => memoryStore(bucket),
          when === 'before it answers'
            ? { spoil: (message) => (death.isNow() ? DIES : message) }
            : { diesOf: () => death.isNow() },
        );
        expectWhole(bucket, await rotate(bucket, workers), { nth });
        if (!death.isPast) break;
        expect(nth).toBeLessThan(500);
      }
    },
  );

  it('ends in the same state when a process hangs at any message, or lives and gets nowhere', async () => {
    const patience = { everyMs: 2, quiet: 8, busy: 16 };
    for (let nth = 1; ; nth += 2 * STEP) {
      const bucket = old();
      const hang = atNth(nth);
      const stuck = new Set<number>();
      const workers = inProcessWorkers(async () => memoryStore(bucket), {
        spoil: (message, pid) => {
          if (message.type === 'alive') return message;
          if (hang.isNow()) {
            stuck.add(pid);
            if (nth % 4 === 1) return HANGS;
          }
          return stuck.has(pid) ? [] : message;
        },
        patience,
        aliveEveryMs: 1,
      });
      expectWhole(bucket, await rotate(bucket, workers), { nth });
      if (!hang.isPast) break;
      expect(nth).toBeLessThan(500);
    }
  });

  it('stops and names the process when each one hangs over the same page', async () => {
    const bucket = old();
    const patience = { everyMs: 2, quiet: 8, busy: 16 };
    const spoil = (message: FromWorker) => (message.type === 'page' ? HANGS : message);
    const workers = inProcessWorkers(async () => memoryStore(bucket), { spoil, patience });
    await expect(rotate(bucket, workers)).rejects.toMatchObject({
      code: 'worker-died',
      message: expect.stringContaining('ended by Keyturn after 0 s without a message'),
    });
  });

  it('is resumed after the command is killed at any message, while requests of its processes still arrive', async () => {
    for (let nth = 1; ; nth += STEP) {
      const bucket = old();
      const journal = path.join(directory, `command-${nth}.ndjson`);
      const death = atNth(nth);
      const killed = await new Promise<boolean>((resolve) => {
        const spoil = (message: FromWorker) => {
          if (death.isNow()) {
            if (existsSync(journal)) copyFileSync(journal, `${journal}.killed`);
            resolve(true);
          }
          // Nobody hears it any more, and what waits for a page to be recorded waits for ever.
          return death.isPast ? [] : message;
        };
        const workers = inProcessWorkers(async () => memoryStore(bucket), { spoil });
        void rotate(bucket, workers, journal).then(() => resolve(false));
      });
      if (!killed) break;
      const resumed = path.join(directory, `resumed-${nth}.ndjson`);
      if (existsSync(`${journal}.killed`)) copyFileSync(`${journal}.killed`, resumed);
      const end = await rotate(
        bucket,
        inProcessWorkers(async () => memoryStore(bucket)),
        resumed,
      );
      expectWhole(bucket, end, { nth });
      expect(nth).toBeLessThan(500);
    }
  });

  it('ends whole for two commands at once', async () => {
    const bucket = old();
    const one = rotate(
      bucket,
      inProcessWorkers(async () => memoryStore(bucket)),
    );
    const other = rotate(
      bucket,
      inProcessWorkers(async () => memoryStore(bucket)),
    );
    expectWhole(bucket, await one, { command: 1 });
    expectWhole(bucket, await other, { command: 2 });
  });
});

describe('the progress of a process', () => {
  const progress = () => new WorkerProgress({ everyMs: 1000, quiet: 90, busy: 900 });
  const looks = (
    count: number,
    of: WorkerProgress,
    alive?: (at: number) => { sent: number; open: number },
  ): string[] => {
    const found: string[] = [];
    for (let at = 1; at <= count; at += 1) {
      if (alive && at % 5 === 0) of.lives({ type: 'alive', ...alive(at) });
      found.push(...[of.look(false) ?? []].flat());
    }
    return found;
  };

  it('is none without a message, or with nothing sent and nothing open', () => {
    expect(looks(90, progress())).toEqual(['ended by Keyturn after 90 s without a message']);
    expect(looks(94, progress(), () => ({ sent: 7, open: 0 }))).toEqual([
      'ended by Keyturn after 90 s without progress',
    ]);
  });

  it('goes on while S3 asks to slow down, while one copy takes long, and while this process records a page', () => {
    expect(looks(10_000, progress(), (at) => ({ sent: Math.floor(at / 30), open: 0 }))).toEqual([]);
    expect(looks(900, progress(), () => ({ sent: 7, open: 1 }))).toEqual([]);
    const waiting = progress();
    for (let at = 0; at < 1_000; at += 1) {
      waiting.lives({ type: 'alive', sent: 7, open: 0 });
      expect(waiting.look(true)).toBeUndefined();
    }
  });
});
