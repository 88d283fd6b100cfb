/**
 * What one process has, and how long answers take. The CPU figures are measured (`npm run bench`); what is called assumed
 * AWS documents nowhere, and a forecast states that.
 */
export interface Assumptions {
  /** CPU seconds that one request about an object version takes of the process. Measured. */
  readonly cpuPerRequest: number;
  /** CPU seconds that a version takes that is listed and nothing else. Measured. */
  readonly cpuPerListed: number;
  /** CPU seconds that a row of a manifest or a report takes: reading it is measured as 1 µs, writing down its outcome is assumed. */
  readonly cpuPerRow: number;
  /** Concurrent requests. */
  readonly inFlight: number;
  /** Seconds until S3 answers about an object. Assumed. */
  readonly requestSeconds: number;
  /** Seconds until S3 answers with a page of a listing. Assumed. */
  readonly pageSeconds: number;
  /** Bytes a second that one copy moves inside S3. Assumed. */
  readonly copyBytesPerSecond: number;
  /** Concurrent listings of a re-encryption (or a sweep), a manifest, a verification. */
  readonly listings: { readonly reencrypt: number; readonly manifest: number; readonly verify: number };
  /** Seconds that a job takes in addition to its tasks: preparation, confirmation, completion. Assumed. */
  readonly jobSeconds: number;
  /** Tasks a second of a job at most; `Infinity`: as many as S3 and KMS accept. Assumed. */
  readonly jobTasksPerSecond: number;
  /** Objects a second that S3 lists for a generated manifest. Assumed. */
  readonly generatedPerSecond: number;
}

export const ASSUMPTIONS: Assumptions = {
  cpuPerRequest: 80e-6,
  cpuPerListed: 4e-6,
  cpuPerRow: 5e-6,
  inFlight: 384,
  requestSeconds: 0.02,
  pageSeconds: 0.1,
  copyBytesPerSecond: 100e6,
  listings: { reencrypt: 4, manifest: 16, verify: 16 },
  jobSeconds: 600,
  jobTasksPerSecond: Number.POSITIVE_INFINITY,
  generatedPerSecond: 100_000,
};

/** What a forecast of jobs stands on that AWS documents nowhere, one sentence each without a final period. */
export const ASSUMED: readonly string[] = [
  'a job writes at the rate that S3 accepts, 3,500 a second for each prefix',
  `a job takes ${ASSUMPTIONS.jobSeconds / 60} minutes in addition to its tasks`,
  `S3 lists ${ASSUMPTIONS.generatedPerSecond.toLocaleString('en-US')} objects a second for a manifest that it generates`,
  'the prices of jobs, tasks and generated manifests are from third parties',
];
