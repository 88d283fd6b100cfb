import type { S3Client } from '@aws-sdk/client-s3';

import type { Shard } from '../reencrypt/outcome-shards';
import type { ReencryptRequest } from '../reencrypt/reencrypt-request';
import type { ObjectStore } from '../s3/store';
import type { MoveSources } from '../s3/version-scope';
import type { FileUpload } from './file-upload';
import type { JobId, JobPlace, JobScope, JobSpec, Switch } from './job-spec';
import type { Jobs } from './jobs';
import type { JobRetry } from './retry';

/** What re-encryption by jobs works with. */
export interface BatchTools {
  readonly store: ObjectStore;
  readonly jobs: Jobs;
  /** For the bucket of manifests and reports. */
  readonly s3: S3Client;
}

/** One job that waits for confirmation. */
export interface JobToConfirm extends JobId {
  readonly jobId: string;
  /** Tasks that S3 counted in its manifest. */
  readonly total: number;
  /** What S3 asks for the job and its tasks, without the requests that the tasks make. */
  readonly description: string;
}

/** How the local engine handles the rest. */
export type RemainderSettings = Pick<
  ReencryptRequest,
  'concurrency' | 'maxRps' | 'relistDelayMs' | 'maxPasses' | 'retry' | 'copySizes' | 'onOutcome'
>;

export interface BatchRequest {
  /** Its `switchId` is that of `switch`. */
  readonly scope: JobScope;
  /** The switch that the run belongs to; recorded with each attempt. */
  readonly switch?: Switch | undefined;
  readonly place: JobPlace;
  /** Region of the rotation; the bucket of manifests must be in it. */
  readonly region: string;
  /** Bucket key setting of every object that a job moves: a job has one for all, and the objects' own is not inspected. */
  readonly bucketKeyDefault: boolean;
  /** Full ARNs of the keys of versions that jobs move objects away from. */
  readonly supersededKeyArns: readonly string[];
  /** What is moved; everything else is counted and left alone. */
  readonly sources: MoveSources;
  readonly manifest: 'auto' | 'generated' | 'listed';
  /** True: nobody writes meanwhile, which copies by jobs need. */
  readonly noConcurrentWrites: boolean;
  /**
   * Asked once all jobs of an attempt show how many tasks they have, before any of them runs. False: they stay
   * suspended, and the run ends partly done.
   */
  readonly confirm: (jobs: readonly JobToConfirm[]) => Promise<boolean>;
  /** Begins a new attempt even where the last one is whole. Default false. */
  readonly newJob?: boolean | undefined;
  /** When it fires, waiting ends; the job continues in S3. */
  readonly signal?: AbortSignal | undefined;
  readonly remainder?: RemainderSettings | undefined;
  /** Where the journal of the local engine's part is kept. */
  readonly journalFile?: string | undefined;
  /** Where it is kept which jobs were read already. May be lost: then reports are read again. */
  readonly jobsFile?: string | undefined;
  /** Where the outcome of each version is written; see {@link ReencryptRequest}. */
  readonly evidence?: ReencryptRequest['evidence'];
  /** Failed tasks up to which the local engine tries again, where above it another job does. Default 100,000. */
  readonly localBelow?: number | undefined;
  /**
   * Called with each specification before its job is created, and with the rows of its manifest where they are known; a
   * rejection keeps it from being created.
   */
  readonly onSpec?: ((spec: JobSpec, sha256: string, rows: number | undefined) => Promise<void>) | undefined;
  /** Called with the files of task outcomes once they are written, before anything else happens. */
  readonly onOutcomes?: ((files: readonly Shard[]) => Promise<void>) | undefined;
  /** A line about where the run stands. */
  readonly onProgress?: ((text: string) => void) | undefined;
  /** A line that a person must see: limits, job ids, what continues in S3. */
  readonly onNote?: ((text: string) => void) | undefined;
  readonly poll?: PollSettings | undefined;
  /** How calls about jobs and their files are retried. */
  readonly retry?: JobRetry | undefined;
  /** Bytes of a part of a manifest by its number. */
  readonly partSize?: FileUpload['partSize'];
}

export interface PollSettings {
  /** Milliseconds until a job is polled again, at first. Default 30,000: AWS asks for no less. */
  readonly firstMs?: number | undefined;
  /** Milliseconds that the interval grows to. Default 30,000. */
  readonly mostMs?: number | undefined;
  /** Milliseconds until the report of a job that ended counts as missing. Default 120,000. */
  readonly reportMs?: number | undefined;
}
