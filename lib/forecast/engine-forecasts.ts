import { ASSUMED } from './assumptions';
import { batchEngine, type Estimate, localEngine, type Scale } from './engine-model';
import { kmsQuota } from './service-limits';

/** What is known of a bucket before anything runs. */
export interface EngineQuestion {
  /** Object versions, or at least as many. */
  readonly versions: number;
  /** Of them noncurrent. */
  readonly noncurrent: number;
  readonly bytes: number;
  /** True: new objects use an S3 Bucket Key, which is assumed for all of them. */
  readonly bucketKey: boolean;
  readonly region: string;
  readonly method: 'rewrap' | 'rewrite';
  readonly verify: 'heads' | 'manifest';
  /** False: the bucket never had versions, so that lists by S3 are enough to verify it. Default true. */
  readonly versioned?: boolean | undefined;
  /** `generated`: S3 lists what a job moves. Default: this process does. */
  readonly manifest?: 'auto' | 'generated' | 'listed' | undefined;
  /** True: a bucket with versions, too, is verified by manifest. Default false. */
  readonly noConcurrentWrites?: boolean | undefined;
}

/** Time and cost of a bucket by one engine, the verification included. */
export interface EngineForecast {
  readonly engine: 'local' | 'batch';
  /** S3 does not report into how many prefixes it has partitioned a bucket: for one, and for ten. */
  readonly seconds: { readonly onePrefix: number; readonly tenPrefixes: number };
  readonly requests: number;
  /** Calls that S3 makes to KMS, at most. */
  readonly kmsCalls: number;
  readonly jobs: number;
  /** `unconfirmed`: what of the amount stands on prices of jobs that are not confirmed. */
  readonly cost: {
    readonly amount: number;
    readonly currency: string;
    readonly pricesAsOf: string;
    readonly unconfirmed: number;
  };
  /** What it stands on that AWS documents nowhere, one sentence each without a final period; none for the local engine. */
  readonly assumed: readonly string[];
}

export interface EngineForecasts {
  readonly local: EngineForecast;
  readonly batch: EngineForecast;
}

/** What either engine would take for a bucket, at list prices and the Region's default KMS quota. Pure. */
export function forecastEngines(question: EngineQuestion): EngineForecasts {
  const { versioned = true, noConcurrentWrites = false } = question;
  const scale = (prefixes: number): Scale => ({
    versions: question.versions,
    noncurrent: question.versions === 0 ? 0 : question.noncurrent / question.versions,
    bytesEach: question.versions === 0 ? 0 : question.bytes / question.versions,
    prefixes,
    bucketKeys: question.bucketKey ? 1 : 0,
    kmsPerSecond: kmsQuota(question.region),
    method: question.method,
    manifest: question.manifest === 'generated' ? 'generated' : 'listed',
    verify: versioned && !noConcurrentWrites ? 'heads' : question.verify,
  });
  const [one, ten] = [scale(1), scale(10)];
  return {
    local: forecast(localEngine(one), localEngine(ten), []),
    batch: forecast(batchEngine(one), batchEngine(ten), ASSUMED),
  };
}

function forecast(one: Estimate, ten: Estimate, assumed: readonly string[]): EngineForecast {
  const { list, read, write } = one.requests;
  return {
    engine: one.engine,
    seconds: { onePrefix: Math.ceil(one.seconds), tenPrefixes: Math.ceil(ten.seconds) },
    requests: Math.ceil(list + read + write),
    kmsCalls: Math.ceil(one.kmsCalls),
    jobs: one.jobs,
    cost: one.cost,
    assumed,
  };
}
