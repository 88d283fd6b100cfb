import { S3Client } from '@aws-sdk/client-s3';
import { AdaptiveLimiter } from '../lib/s3/adaptive-limiter';
import { openStore } from '../lib/s3/open-store';
import { createSdkStore } from '../lib/s3/sdk-store';
import { sideBySide } from '../lib/s3/side-by-side';
import type { ObjectStore } from '../lib/s3/store';
import { listVersionPages } from '../lib/s3/version-listing';
import { NO_NAMED_SOURCES } from '../lib/s3/version-scope';
import { WorkerPool } from '../lib/workers/worker-pool';
import { startWorkers } from '../lib/workers/worker-process';
import { rotateBucket } from './whole-rotation';

/** One contestant in a process of its own: goes through the stub's bucket and prints what it cost, as JSON. */
export interface ClientRequest {
  readonly endpoint: string;
  readonly path: 'direct' | 'sdk';
  readonly work: keyof typeof WORK;
  /** Buckets `b0`, `b1`, …; absent: one that is called `b`. */
  readonly buckets?: number | undefined;
  /** Processes that move, besides this one, which records. Absent: none does. */
  readonly processes?: number | undefined;
  /** What such a process runs. */
  readonly workerFile: string;
}

/** What {@link ClientRequest} cost, without the start of the process. */
export interface ClientCost {
  /** Versions that were accounted for. */
  readonly versions: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Bytes. */
  readonly peakRss: number;
}

const NEW = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';
const OLD = NEW.replace(/b$/, 'a');
/** Buckets at once, as `post-apply` takes them. */
const AT_ONCE = 32;

/** Returns the number of versions it handled. */
type Work = (store: ObjectStore, buckets: readonly string[], workers?: WorkerPool) => Promise<number>;

const WORK = {
  rotate: (store, [bucket = 'b'], workers) => rotate(store, bucket, { any: false, workers }),
  'rotate-any': (store, [bucket = 'b'], workers) => rotate(store, bucket, { any: true, workers }),
  fleet: async (store, buckets) => {
    const pace = new AdaptiveLimiter();
    const verified = await sideBySide(buckets, AT_ONCE, (bucket) => rotate(store, bucket, { any: false, pace }));
    return verified.reduce((sum, one) => sum + one, 0);
  },
  list: async (store, [bucket = 'b']) => {
    let versions = 0;
    for await (const page of listVersionPages(store, { bucket })) versions += page.versions.length;
    return versions;
  },
} as const satisfies Readonly<Record<string, Work>>;

/** A whole rotation of one bucket: every version moved, and verified behind it. @returns versions under the new key by the verification */
async function rotate(
  store: ObjectStore,
  bucket: string,
  {
    any,
    pace,
    workers,
  }: { readonly any: boolean; readonly pace?: AdaptiveLimiter; readonly workers?: WorkerPool | undefined },
): Promise<number> {
  const sources = { versionKeyArns: [OLD], unresolvedVersions: [], from: { ...NO_NAMED_SOURCES, any } };
  const { moved, verified } = await rotateBucket(store, { bucket, activeKeyArn: NEW, sources, pace }, workers);
  if (!moved.complete || moved.failedTotal > 0) throw new Error(`${moved.failedTotal} versions were not moved`);
  if (verified.leftTotal + verified.unknownTotal > 0)
    throw new Error(`${verified.leftTotal} left, ${verified.unknownTotal} unknown`);
  return verified.account.underActive;
}

function openWorkers(endpoint: string, processes: number, workerFile: string): WorkerPool {
  const settings = {
    file: 'rotation.yaml',
    name: 'bench',
    region: 'ap-northeast-1',
    account: '123456789012',
    aws: undefined,
  };
  const entry = { file: workerFile, nodeOptions: [] };
  return new WorkerPool({
    processes,
    settings,
    start: startWorkers(entry, { ...process.env, AWS_ENDPOINT_URL: endpoint }),
  });
}

async function main({ endpoint, path, work, buckets, processes, workerFile }: ClientRequest): Promise<void> {
  const credentials = { accessKeyId: 'A', secretAccessKey: 'B' };
  const s3 = new S3Client({ region: 'ap-northeast-1', endpoint, forcePathStyle: true, credentials, maxAttempts: 1 });
  const { store, close } = path === 'sdk' ? { store: createSdkStore(s3), close: async () => undefined } : openStore(s3);
  const names = buckets === undefined ? ['b'] : Array.from({ length: buckets }, (_, at) => `b${at}`);
  const workers = processes === undefined ? undefined : openWorkers(endpoint, processes, workerFile);
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const versions = await WORK[work](store, names, workers);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(before);
  const cost: ClientCost = {
    versions,
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    // Kilobytes on every platform that Node runs on.
    peakRss: process.resourceUsage().maxRSS * 1024,
  };
  process.stdout.write(JSON.stringify(cost));
  workers?.close();
  await close();
  s3.destroy();
}

void main(JSON.parse(process.argv[2] ?? '') as ClientRequest);
