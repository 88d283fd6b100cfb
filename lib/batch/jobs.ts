import {
  CreateJobCommand,
  type CreateJobCommandInput,
  DescribeJobCommand,
  GetJobTaggingCommand,
  ListJobsCommand,
  type ListJobsCommandInput,
  type ListJobsCommandOutput,
  PutJobTaggingCommand,
  type S3ControlClient,
  UpdateJobStatusCommand,
} from '@aws-sdk/client-s3-control';

import { awsCodeOf, called } from '../aws/failures';
import { isCode, KeyturnError } from '../errors';
import { describedJob } from './described-job';
import type { JobSpec } from './job-spec';
import { type JobState, jobStateOf, type ListedJob, listedJobOf } from './job-state';
import { type JobRetry, withJobRetry } from './retry';

export interface OpenJobs {
  readonly client: S3ControlClient;
  /** Twelve digits. */
  readonly account: string;
  /** When it fires, no request is sent any more and waits end. */
  readonly signal?: AbortSignal | undefined;
  readonly retry?: JobRetry | undefined;
}

/**
 * The calls to S3 Batch Operations that are used, and no others. Each rejects with what {@link called} throws, after
 * transient failures were retried.
 */
export interface Jobs {
  /**
   * s3:CreateJob, s3:PutJobTagging, iam:PassRole. Answers with the job that is there when the token was used before.
   *
   * @throws job-role-missing, job-refused, job-of-another-run
   */
  create(spec: JobSpec): Promise<string>;
  /** s3:DescribeJob. Undefined: S3 knows no such job (any more). */
  describe(jobId: string): Promise<JobState | undefined>;
  /** s3:ListJobs. Every job of the account and Region in the last 90 days, the newest first as S3 lists them. */
  list(): AsyncGenerator<ListedJob, void, undefined>;
  /** s3:UpdateJobStatus. @throws job-state-invalid when the job is not suspended (any more) */
  confirm(jobId: string): Promise<void>;
  /** s3:UpdateJobStatus. @throws job-state-invalid when the job has ended */
  cancel(jobId: string, reason: string): Promise<void>;
  /** s3:GetJobTagging */
  tags(jobId: string): Promise<Readonly<Record<string, string>>>;
  /** s3:GetJobTagging, s3:PutJobTagging. Adds to the tags that are there; undefined removes one. */
  tag(jobId: string, tags: Readonly<Record<string, string | undefined>>): Promise<void>;
}

/** The calls as an object of its own functions, so that a single one can be replaced. */
export function openJobs(open: OpenJobs): Jobs {
  const jobs = new JobCalls(open);
  return {
    create: (spec) => jobs.create(spec),
    describe: (jobId) => jobs.describe(jobId),
    list: () => jobs.list(),
    confirm: (jobId) => jobs.confirm(jobId),
    cancel: (jobId, reason) => jobs.cancel(jobId, reason),
    tags: (jobId) => jobs.tags(jobId),
    tag: (jobId, tags) => jobs.tag(jobId, tags),
  };
}

type SendOptions = { abortSignal?: AbortSignal };

class JobCalls implements Jobs {
  readonly #open: OpenJobs;

  constructor(open: OpenJobs) {
    this.#open = open;
  }

  async create(spec: JobSpec): Promise<string> {
    const { client } = this.#open;
    const input = spec as unknown as CreateJobCommandInput;
    try {
      const send = (options: SendOptions) => client.send(new CreateJobCommand(input), options);
      return (await this.#call('s3:CreateJob', '*', send)).JobId ?? '';
    } catch (error) {
      throw refusal(error, spec);
    }
  }

  async describe(JobId: string): Promise<JobState | undefined> {
    const { client, account: AccountId } = this.#open;
    try {
      const send = (options: SendOptions) => client.send(new DescribeJobCommand({ AccountId, JobId }), options);
      const { Job } = await this.#call('s3:DescribeJob', arnOf(JobId), send);
      return Job && jobStateOf(Job);
    } catch (error) {
      if (GONE.has(awsCodeOf(error) ?? '')) return undefined;
      throw error;
    }
  }

  async *list(): AsyncGenerator<ListedJob, void, undefined> {
    const { client, account: AccountId } = this.#open;
    let NextToken: string | undefined;
    do {
      const input: ListJobsCommandInput = { AccountId, NextToken, MaxResults: 1000 };
      const send = (options: SendOptions) => client.send(new ListJobsCommand(input), options);
      const page: ListJobsCommandOutput = await this.#call('s3:ListJobs', '*', send);
      yield* (page.Jobs ?? []).map(listedJobOf);
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
  }

  async confirm(jobId: string): Promise<void> {
    await this.#updateStatus(jobId, 'Ready');
  }

  async cancel(jobId: string, reason: string): Promise<void> {
    await this.#updateStatus(jobId, 'Cancelled', reason.slice(0, 256));
  }

  async tags(JobId: string): Promise<Readonly<Record<string, string>>> {
    const { client, account: AccountId } = this.#open;
    const send = (options: SendOptions) => client.send(new GetJobTaggingCommand({ AccountId, JobId }), options);
    const { Tags = [] } = await this.#call('s3:GetJobTagging', arnOf(JobId), send);
    return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
  }

  async tag(JobId: string, tags: Readonly<Record<string, string | undefined>>): Promise<void> {
    const { client, account: AccountId } = this.#open;
    const merged = Object.entries({ ...(await this.tags(JobId)), ...tags });
    const Tags = merged.flatMap(([Key, Value]) => (Value === undefined ? [] : [{ Key, Value }]));
    const input = { AccountId, JobId, Tags };
    const send = (options: SendOptions) => client.send(new PutJobTaggingCommand(input), options);
    await this.#call('s3:PutJobTagging', arnOf(JobId), send);
  }

  async #updateStatus(JobId: string, RequestedJobStatus: 'Ready' | 'Cancelled', StatusUpdateReason?: string) {
    const { client, account: AccountId } = this.#open;
    const input = { AccountId, JobId, RequestedJobStatus, StatusUpdateReason };
    try {
      const send = (options: SendOptions) => client.send(new UpdateJobStatusCommand(input), options);
      await this.#call('s3:UpdateJobStatus', arnOf(JobId), send);
    } catch (error) {
      const isConflict =
        isCode(error, 'aws-failed') && ['JobStatusException', 'InvalidJobState'].includes(error.facts.awsCode);
      if (!isConflict) throw error;
      const asked = RequestedJobStatus === 'Ready' ? 'confirmed' : 'cancelled';
      throw new KeyturnError('job-state-invalid', { jobId: JobId, asked, awsMessage: error.facts.awsMessage }, error);
    }
  }

  /** `send` creates its command for each attempt: the SDK accepts none of S3 Control twice. */
  #call<T>(action: string, resource: string, send: (options: SendOptions) => Promise<T>): Promise<T> {
    const { signal, retry = {} } = this.#open;
    const options = signal ? { abortSignal: signal } : {};
    return withJobRetry(() => called(action, resource, () => send(options)), retry, signal);
  }
}

function arnOf(jobId: string): string {
  return `job/${jobId}`;
}

/** S3's names for a job that is not there. */
const GONE: ReadonlySet<string> = new Set(['NotFoundException', 'NoSuchJob', 'NoSuchJobException', 'HTTP 404']);

function refusal(error: unknown, spec: JobSpec): unknown {
  if (!isCode(error, 'aws-failed')) return error;
  const { awsCode, awsMessage } = error.facts;
  const bucket = describedJob(spec.Description)?.bucket ?? '';
  if (awsCode === 'IdempotencyException') {
    return new KeyturnError('job-of-another-run', { bucket, description: spec.Description, awsMessage }, error);
  }
  if (/\brole\b/i.test(awsMessage))
    return new KeyturnError('job-role-missing', { role: spec.RoleArn, bucket, awsMessage }, error);
  const isRefused = ['BadRequestException', 'InvalidRequest', 'InvalidRequestException', 'BadRequest'].includes(
    awsCode,
  );
  return isRefused ? new KeyturnError('job-refused', { bucket, awsCode, awsMessage }, error) : error;
}

/** The jobs of one rotation, the newest attempt last. */
export async function jobsOfRotation(jobs: Jobs, rotation: string): Promise<readonly ListedJob[]> {
  const own: ListedJob[] = [];
  for await (const job of jobs.list()) if (describedJob(job.description)?.rotation === rotation) own.push(job);
  return own.sort((one, other) => one.createdAt - other.createdAt);
}
