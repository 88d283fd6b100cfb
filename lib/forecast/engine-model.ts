import { ASSUMPTIONS, type Assumptions } from './assumptions';
import { type Money, type Priced, priceOf } from './cost';
import { type Demand, type Load, type Phase, phaseOf } from './phase-model';
import { JOB_OBJECTS, LEFT_BY_BUCKET_KEY, LISTED_PER_REQUEST } from './service-limits';

/** What a bucket asks of an engine. */
export interface Scale {
  readonly versions: number;
  /** Share of the versions that are noncurrent, 0 to 1. */
  readonly noncurrent: number;
  /** Bytes of a version on average; a rewrap does not care. */
  readonly bytesEach: number;
  /** Prefixes that S3 has partitioned the bucket into, from 1. */
  readonly prefixes: number;
  /** Share of the versions that use an S3 Bucket Key, 0 to 1. */
  readonly bucketKeys: number;
  /** Symmetric KMS calls a second that are left for this. */
  readonly kmsPerSecond: number;
  readonly method: 'rewrap' | 'rewrite';
  /** Who lists what a job works on: this process, or S3. A rewrite is always listed by this process. */
  readonly manifest: 'listed' | 'generated';
  /** How a bucket is verified whose objects a job moved; after the local engine every version is always inspected. */
  readonly verify: 'heads' | 'manifest';
}

/** Time and cost of a rotation of one bucket by one engine, its verification included. */
export interface Estimate {
  readonly engine: 'local' | 'batch';
  readonly seconds: number;
  readonly phases: readonly Phase[];
  readonly jobs: number;
  readonly requests: { readonly list: number; readonly read: number; readonly write: number };
  readonly kmsCalls: number;
  readonly cost: Money;
}

/** Versions that a verification by manifest inspects in addition to those that it must. */
export const MANIFEST_SAMPLE = 1_000;
/** S3's filter accepts one encryption: a job for what is under the old key, and one for what no KMS key holds. They run at once. */
const GENERATED_PARTS = 2;
/**
 * One that tries the filter, and before and after the listing one for each number of layers under each old key. None of
 * them runs.
 */
export function verifyJobs(oldKeys: number): number {
  return 1 + 4 * oldKeys;
}
const VERIFY_JOBS = verifyJobs(1);
/** S3 decrypts the data key under the old key and encrypts it under the new one; AWS does not document how. */
const KMS_CALLS = 2;
const NOTHING: Demand = { reads: 0, writes: 0, kms: 0, cpu: 0, seconds: 0 };
const ONE_LISTED = 1 / LISTED_PER_REQUEST;

/** The local engine: one process moves each version, then inspects each once more. */
export function localEngine(scale: Scale, assumptions: Assumptions = ASSUMPTIONS): Estimate {
  const { listings } = assumptions;
  const loads: Load[] = [
    {
      name: 're-encrypt',
      versions: scale.versions,
      demand: moving(scale, assumptions),
      by: { listings: listings.reencrypt },
    },
    sweep(scale, assumptions),
    inspectingAll(scale, assumptions),
  ];
  const heads = headsOf(scale.method);
  return estimate('local', scale, assumptions, loads, {
    // Before the move, and once more by the verification.
    list: 3 * pages(scale.versions) + 2 * asksOf(scale.method) * scale.versions,
    read: scale.versions * (heads + 1),
    write: scale.versions,
    jobs: 0,
    tasks: 0,
    generated: 0,
  });
}

/** S3 Batch Operations moves most objects, the local engine the rest, which counts as nothing here. */
export function batchEngine(scale: Scale, assumptions: Assumptions = ASSUMPTIONS): Estimate {
  const isListed = scale.manifest === 'listed' || scale.method === 'rewrite';
  const tasks = scale.method === 'rewrite' ? scale.versions * (1 - scale.noncurrent) : scale.versions;
  const parts = isListed ? 1 : GENERATED_PARTS;
  const jobs = parts * Math.ceil(tasks / JOB_OBJECTS);
  const byManifest = scale.verify === 'manifest';
  const loads: Load[] = [
    isListed ? listedManifest(scale, assumptions) : generatedManifest('manifest', scale, assumptions),
    {
      name: 'job',
      versions: tasks,
      demand: ofTask(scale),
      by: 'job',
      fixedSeconds: (jobs / parts) * assumptions.jobSeconds,
    },
    { name: 'report', versions: tasks, demand: { ...NOTHING, cpu: assumptions.cpuPerRow }, by: { listings: Infinity } },
    sweep(scale, assumptions),
    ...(byManifest ? inspectingSome(scale, assumptions) : [inspectingAll(scale, assumptions)]),
  ];
  const heads = byManifest ? someOf(scale) : scale.versions;
  return estimate('batch', scale, assumptions, loads, {
    list:
      (isListed ? 3 : 2) * pages(scale.versions) +
      asksOf(scale.method) * ((isListed ? scale.versions : 0) + (byManifest ? 0 : scale.versions)),
    read: heads + (isListed ? scale.versions : 0),
    write: tasks,
    jobs: jobs + (byManifest ? VERIFY_JOBS : 0),
    tasks,
    generated: scale.versions * ((isListed ? 0 : parts) + (byManifest ? VERIFY_JOBS : 0)),
  });
}

function estimate(
  engine: 'local' | 'batch',
  scale: Scale,
  assumptions: Assumptions,
  loads: readonly Load[],
  priced: Omit<Priced, 'kms'>,
): Estimate {
  const phases = loads.map((load) => phaseOf(load, scale, assumptions));
  const kmsCalls = priced.write * kmsEach(scale);
  const { list, read, write, jobs } = priced;
  return {
    engine,
    seconds: phases.reduce((sum, one) => sum + one.seconds, 0),
    phases,
    jobs,
    requests: { list, read, write },
    kmsCalls,
    cost: priceOf({ ...priced, kms: kmsCalls }),
  };
}

/** HEAD, annotations, move, HEAD; a rewrite reads the ACL, and carries annotations without asking. */
function moving(scale: Scale, assumptions: Assumptions): Demand {
  const reads = headsOf(scale.method) + asksOf(scale.method);
  const copying = scale.method === 'rewrite' ? scale.bytesEach / assumptions.copyBytesPerSecond : 0;
  return {
    reads: reads + ONE_LISTED,
    writes: 1,
    kms: kmsEach(scale),
    cpu: (reads + 1) * assumptions.cpuPerRequest + assumptions.cpuPerListed,
    seconds: (reads + 1) * assumptions.requestSeconds + copying,
  };
}

function ofTask(scale: Scale): Demand {
  return { ...NOTHING, writes: 1, reads: scale.method === 'rewrite' ? 1 : 0, kms: kmsEach(scale) };
}

/** The listing that finds what was written meanwhile. */
function sweep(scale: Scale, assumptions: Assumptions): Load {
  const demand = { ...NOTHING, reads: ONE_LISTED, cpu: assumptions.cpuPerListed };
  return { name: 'sweep', versions: scale.versions, demand, by: { listings: assumptions.listings.reencrypt } };
}

function inspectingAll(scale: Scale, assumptions: Assumptions): Load {
  const requests = 1 + asksOf(scale.method);
  const cpu = requests * assumptions.cpuPerRequest + assumptions.cpuPerListed;
  const seconds = requests * assumptions.requestSeconds;
  const demand = { reads: requests + ONE_LISTED, writes: 0, kms: 0, cpu, seconds };
  return { name: 'verify by heads', versions: scale.versions, demand, by: { listings: assumptions.listings.verify } };
}

function inspectingSome(scale: Scale, assumptions: Assumptions): Load[] {
  const by = { listings: assumptions.listings.verify };
  const listing = { ...NOTHING, reads: ONE_LISTED, cpu: assumptions.cpuPerListed };
  const head = { reads: 1, writes: 0, kms: 0, cpu: assumptions.cpuPerRequest, seconds: assumptions.requestSeconds };
  return [
    generatedManifest('verify: manifests', scale, assumptions),
    { name: 'verify: listing', versions: scale.versions, demand: listing, by },
    { name: 'verify: heads', versions: someOf(scale), demand: head, by },
    generatedManifest('verify: manifests again', scale, assumptions),
  ];
}

/** Each version is inspected, and asked for its annotations where the job would not move them. */
function listedManifest(scale: Scale, assumptions: Assumptions): Load {
  const requests = 1 + asksOf(scale.method);
  const demand = {
    ...NOTHING,
    reads: requests + ONE_LISTED,
    cpu: requests * assumptions.cpuPerRequest + assumptions.cpuPerListed + assumptions.cpuPerRow,
    seconds: requests * assumptions.requestSeconds,
  };
  return { name: 'manifest', versions: scale.versions, demand, by: { listings: assumptions.listings.manifest } };
}

function generatedManifest(name: string, { versions }: Scale, assumptions: Assumptions): Load {
  return { name, versions: 0, demand: NOTHING, by: 'job', fixedSeconds: versions / assumptions.generatedPerSecond };
}

function headsOf(method: Scale['method']): number {
  return method === 'rewrite' ? 3 : 2;
}

/** Requests for the annotations of a version: AWS does not say that a rewrap moves them. Counted as a listing. */
function asksOf(method: Scale['method']): number {
  return method === 'rewrite' ? 0 : 1;
}

function someOf({ versions, noncurrent }: Scale): number {
  return Math.min(versions, versions * noncurrent + MANIFEST_SAMPLE);
}

/** KMS calls of S3 for one version, at most. */
export function kmsEach({ bucketKeys }: Pick<Scale, 'bucketKeys'>): number {
  return KMS_CALLS * (1 - bucketKeys + bucketKeys * LEFT_BY_BUCKET_KEY);
}

function pages(versions: number): number {
  return Math.max(1, Math.ceil(versions * ONE_LISTED));
}
