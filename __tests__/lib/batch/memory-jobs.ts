import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { JobFiles } from '../../../lib/batch/job-files';
import type { JobSpec } from '../../../lib/batch/job-spec';
import type { JobState, ListedJob } from '../../../lib/batch/job-state';
import type { Jobs } from '../../../lib/batch/jobs';
import { KeyturnError } from '../../../lib/errors';
import type { JobStatus } from '../../../lib/reencrypt/job-record';
import type { MemoryBucket, StoredVersion } from '../s3/memory-store';

/** What of a generator AWS leaves open, and what may be wrong with one. */
export interface Generator {
  versions: 'current' | 'all';
  /** What comes of a manifest without objects. */
  empty: 'fails' | 'suspended' | 'suspended without a file' | 'complete';
  format: 'csv' | 'inventory' | 'inventory, gzipped';
  /** Objects that it does not list though it should. */
  overlooks: (key: string) => boolean;
}

export const FILES_BUCKET = 'jobs-bucket';

type ToFilter = { SSEKMS?: { KmsKeyArn: string }; DSSEKMS?: { KmsKeyArn: string } };

interface Made {
  readonly spec: JobSpec;
  readonly bucket: string;
  state: JobState;
  looks: number;
}

/** S3 Batch Operations over a {@link MemoryBucket}, as far as manifests go: no job ever runs. */
export class MemoryJobs {
  readonly generator: Generator = { versions: 'current', empty: 'fails', format: 'csv', overlooks: () => false };
  readonly made = new Map<string, Made>();
  readonly files = new Map<string, Buffer>();
  /** Called before each request. */
  before: (operation: string, jobId: string) => void = () => undefined;
  /** Called when a manifest is there, and may spoil it or the job. */
  spoil: (job: Made, files: Map<string, Buffer>) => void = () => undefined;
  readonly #bucket: MemoryBucket;

  constructor(bucket: MemoryBucket) {
    this.#bucket = bucket;
  }

  /** Jobs that would still wait for somebody to confirm them. */
  get open(): readonly string[] {
    return [...this.made.values()].filter(({ state }) => !isOver(state.status)).map(({ state }) => state.jobId);
  }

  readonly jobs: Pick<Jobs, 'create' | 'describe' | 'list' | 'cancel'> = {
    create: async (spec) => {
      this.before('create', '');
      const jobId = `job-${this.made.size + 1}`;
      const { SourceBucket = '' } = spec.ManifestGenerator?.S3JobManifestGenerator ?? {};
      const bucket = SourceBucket.slice(SourceBucket.lastIndexOf(':') + 1);
      this.made.set(jobId, { spec, bucket, state: newState(jobId, spec), looks: 0 });
      return jobId;
    },
    describe: async (jobId) => {
      this.before('describe', jobId);
      const job = this.made.get(jobId);
      if (!job) return undefined;
      job.looks += 1;
      if (job.looks === 2) this.#prepare(job);
      return job.state;
    },
    list: async function* (this: MemoryJobs) {
      for (const { state } of this.made.values()) yield state as ListedJob;
    }.bind(this),
    cancel: async (jobId) => {
      this.before('cancel', jobId);
      const job = this.made.get(jobId);
      if (job && !isOver(job.state.status)) job.state = { ...job.state, status: 'Cancelled' };
    },
  };

  readonly content: Pick<JobFiles, 'bucket' | 'content'> = {
    bucket: FILES_BUCKET,
    content: async (key) => {
      const found = this.files.get(key);
      if (!found) {
        const facts = { action: 's3:GetObject', resource: key, awsCode: 'NoSuchKey', awsMessage: '', requestId: '' };
        throw new KeyturnError('aws-failed', facts);
      }
      return { etag: etagOf(found), chunks: halves(found) };
    },
  };

  #prepare(job: Made): void {
    const listed = this.#matches(job);
    if (listed.length === 0 && this.generator.empty !== 'suspended') {
      const failureReasons = [
        { code: 'EmptyManifest', reason: 'Manifest generation found no keys matching the filter criteria.' },
      ];
      if (this.generator.empty === 'fails') job.state = { ...job.state, status: 'Failed', failureReasons };
      else job.state = { ...job.state, status: this.generator.empty === 'complete' ? 'Complete' : 'Suspended' };
    } else {
      const key = this.#write(job, listed);
      const manifest = {
        objectArn: `arn:aws:s3:::${FILES_BUCKET}/${key}`,
        etag: etagOf(this.files.get(key) ?? Buffer.alloc(0)),
        generated: true,
      };
      job.state = { ...job.state, status: 'Suspended', total: listed.length, manifest };
    }
    this.spoil(job, this.files);
  }

  #matches({ spec }: Made): readonly StoredVersion[] {
    const { Filter } = spec.ManifestGenerator?.S3JobManifestGenerator ?? {};
    const [filter] = (Filter?.MatchAnyObjectEncryption ?? []) as readonly ToFilter[];
    const names = Filter as { KeyNameConstraint?: { MatchAnyPrefix: readonly string[] } } | undefined;
    const prefixes = names?.KeyNameConstraint?.MatchAnyPrefix ?? [''];
    return this.#bucket.listing().filter((one) => {
      if (one.deleteMarker || this.generator.overlooks(one.key)) return false;
      if (this.generator.versions === 'current' && this.#bucket.current(one.key) !== one) return false;
      if (!prefixes.some((prefix) => one.key.startsWith(prefix))) return false;
      const { encryption } = one.head;
      if (encryption.kind === 'sse-kms') return encryption.keyArn === filter?.SSEKMS?.KmsKeyArn;
      return encryption.kind === 'dsse-kms' && encryption.keyArn === filter?.DSSEKMS?.KmsKeyArn;
    });
  }

  #write({ state, bucket }: Made, listed: readonly StoredVersion[]): string {
    const csv = Buffer.from(listed.map((one) => `"${bucket}","${formEncoded(one.key)}","${one.versionId}"\n`).join(''));
    const base = `manifests/generated/${state.jobId}`;
    if (this.generator.format === 'csv') {
      this.files.set(`${base}.csv`, csv);
      return `${base}.csv`;
    }
    const isPacked = this.generator.format === 'inventory, gzipped';
    const [file, body] = isPacked ? [`${base}.csv.gz`, gzipSync(csv)] : [`${base}.csv`, csv];
    this.files.set(file, body);
    const MD5checksum = createHash('md5').update(body).digest('hex');
    const inventory = { fileSchema: 'Bucket, Key, VersionId', files: [{ key: file, MD5checksum }] };
    this.files.set(`${base}.json`, Buffer.from(JSON.stringify(inventory)));
    return `${base}.json`;
  }
}

function isOver(status: JobStatus): boolean {
  return ['Complete', 'Cancelled', 'Failed'].includes(status);
}

function newState(jobId: string, spec: JobSpec): JobState {
  return {
    jobId,
    status: 'Preparing',
    description: spec.Description,
    priority: spec.Priority,
    total: 0,
    succeeded: 0,
    failed: 0,
    createdAt: 0,
    endedAt: undefined,
    roleArn: spec.RoleArn,
    confirmationRequired: spec.ConfirmationRequired,
    targetKeyArn: undefined,
    copiesTo: undefined,
    lists: undefined,
    statusUpdateReason: undefined,
    failureReasons: [],
    suspendedAt: undefined,
    activeSeconds: undefined,
    manifest: undefined,
    report: undefined,
  };
}

/** As S3 may: a space as a plus, a plus in percent form. */
function formEncoded(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
}

function etagOf(body: Buffer): string {
  return createHash('md5').update(body).digest('hex');
}

/** In two chunks, cut anywhere. */
async function* halves(body: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield body.subarray(0, body.length >> 1);
  yield body.subarray(body.length >> 1);
}
