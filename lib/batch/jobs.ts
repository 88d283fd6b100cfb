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
import type { JobSpec } from './job-spec';
import { describedJob } from './job-spec';
import { type JobState, jobStateOf, type ListedJob, listedJobOf } from './job-state';
import { type JobRetry, retried } from './transient';

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
 * what fails in passing was tried again.
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
  /** s3:UpdateJobStatus. @throws job-state-conflict when the job is not suspended (any more) */
  confirm(jobId: string): Promise<void>;
  /** s3:UpdateJobStatus. @throws job-state-conflict when the job has ended */
  cancel(jobId: string, reason: string): Promise<void>;
  /** s3:GetJobTagging */
  tags(jobId: string): Promise<Readonly<Record<string, string>>>;
  /** s3:GetJobTagging, s3:PutJobTagging. Adds to the tags that are there; undefined takes one off. */
  tag(jobId: string, tags: Readonly<Record<string, string | undefined>>): Promise<void>;
}

export function openJobs({ client, account: AccountId, signal, retry = {} }: OpenJobs): Jobs {
  // A command is made anew for each attempt: the SDK takes none of S3 Control twice.
  const call = async <T>(
    action: string,
    resource: string,
    send: (options: { abortSignal?: AbortSignal }) => Promise<T>,
  ) => retried(() => called(action, resource, () => send(signal ? { abortSignal: signal } : {})), retry, signal);
  const arnOf = (jobId: string) => `job/${jobId}`;

  const updateStatus = async (
    JobId: string,
    RequestedJobStatus: 'Ready' | 'Cancelled',
    StatusUpdateReason?: string,
  ) => {
    const input = { AccountId, JobId, RequestedJobStatus, StatusUpdateReason };
    try {
      await call('s3:UpdateJobStatus', arnOf(JobId), (options) =>
        client.send(new UpdateJobStatusCommand(input), options),
      );
    } catch (error) {
      const unfit =
        isCode(error, 'aws-failed') && ['JobStatusException', 'InvalidJobState'].includes(error.facts.awsCode);
      if (!unfit) throw error;
      const asked = RequestedJobStatus === 'Ready' ? 'confirmed' : 'cancelled';
      throw new KeyturnError('job-state-conflict', { jobId: JobId, asked, awsMessage: error.facts.awsMessage }, error);
    }
  };
  const tagsOf = async (JobId: string) => {
    const { Tags = [] } = await call('s3:GetJobTagging', arnOf(JobId), (options) =>
      client.send(new GetJobTaggingCommand({ AccountId, JobId }), options),
    );
    return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
  };

  return {
    async create(spec) {
      const input = spec as unknown as CreateJobCommandInput;
      try {
        const { JobId = '' } = await call('s3:CreateJob', '*', (options) =>
          client.send(new CreateJobCommand(input), options),
        );
        return JobId;
      } catch (error) {
        throw refusal(error, spec);
      }
    },
    async describe(JobId) {
      try {
        const input = { AccountId, JobId };
        const { Job } = await call('s3:DescribeJob', arnOf(JobId), (options) =>
          client.send(new DescribeJobCommand(input), options),
        );
        return Job && jobStateOf(Job);
      } catch (error) {
        if (GONE.has(awsCodeOf(error) ?? '')) return undefined;
        throw error;
      }
    },
    async *list() {
      let NextToken: string | undefined;
      do {
        const input: ListJobsCommandInput = { AccountId, NextToken, MaxResults: 1000 };
        const page: ListJobsCommandOutput = await call('s3:ListJobs', '*', (options) =>
          client.send(new ListJobsCommand(input), options),
        );
        yield* (page.Jobs ?? []).map(listedJobOf);
        NextToken = page.NextToken;
      } while (NextToken !== undefined);
    },
    confirm: (jobId) => updateStatus(jobId, 'Ready'),
    cancel: (jobId, reason) => updateStatus(jobId, 'Cancelled', reason.slice(0, 256)),
    tags: tagsOf,
    async tag(JobId, tags) {
      const merged = Object.entries({ ...(await tagsOf(JobId)), ...tags });
      const Tags = merged.flatMap(([Key, Value]) => (Value === undefined ? [] : [{ Key, Value }]));
      const input = { AccountId, JobId, Tags };
      await call('s3:PutJobTagging', arnOf(JobId), (options) => client.send(new PutJobTaggingCommand(input), options));
    },
  };
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
