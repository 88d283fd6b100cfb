import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';

import { KeyturnError } from '../../../lib/errors';
import { type ReencryptRequest, reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { RunStopped } from '../../../lib/s3/fault-policy';
import type { ObjectStore } from '../../../lib/s3/store';
import { versionScope } from '../../../lib/s3/version-scope';
import { VerificationBehind } from '../../../lib/verify/verification-behind';
import { type OpenStore, SegmentServer } from '../../../lib/workers/segment-server';
import { type FromWorker, toWorker } from '../../../lib/workers/worker-messages';
import { WorkerPool } from '../../../lib/workers/worker-pool';
import { type StartWorker, startWorkers, type WorkerProcess } from '../../../lib/workers/worker-process';
import { stateOf } from '../../support/bucket-state';
import { testEndpoint } from '../reencrypt/endpoint';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, SOURCES, underKey } from '../s3/memory-store';

const SETTINGS = {
  file: 'rotation.yaml',
  name: 'r',
  region: 'ap-northeast-1',
  account: '123456789012',
  aws: undefined,
};
const { compiledFolder }: { compiledFolder(): string } = require('../../../bin/compile');

/** What a message is on the other side of the channel. */
const sent = <T>(message: T): T => deserialize(serialize(message)) as T;

/** Processes that are none, behind the messages of real ones. `spoil`: what becomes of an answer on its way. */
function inProcess(open: OpenStore, spoil: (message: FromWorker, pid: number) => unknown = (message) => message) {
  let started = 0;
  const start: StartWorker = ({ onMessage, onEnd }) => {
    started += 1;
    const pid = started;
    let isAlive = true;
    const server = new SegmentServer(open, (message) => {
      const answer = spoil(sent(message), pid);
      if (answer === DIES) {
        isAlive = false;
        onEnd('ended by SIGKILL');
      } else if (isAlive) setImmediate(onMessage, answer);
    });
    const send: WorkerProcess['send'] = (message) => void (isAlive && server.receive(sent(message)));
    const kill = () => {
      isAlive = false;
    };
    return { pid, send, kill };
  };
  return new WorkerPool({ processes: 2, settings: SETTINGS, start });
}

const DIES = Symbol('dies');

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
    const begin = { type: 'begin', settings: { ...SETTINGS, secretAccessKey: 'x' } };
    expect(toWorker.safeParse(begin).success).toBe(false);
    expect(toWorker.safeParse({ ...begin, settings: SETTINGS }).success).toBe(true);
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
      settings: { ...SETTINGS, region, account },
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
    expect(found.secondHeads.versions).toBeGreaterThan(90);
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
