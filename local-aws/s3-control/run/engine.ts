import type { Caller, Clock } from '../../message';
import type { TakeRole } from '../roles';
import { isTerminal, type Job, type JobStatus, type Task, type TaskResult } from '../state/job';
import type { JobRegistry } from '../state/jobs';
import { JobFailure } from './manifest';
import { bucketNamed, ownerHeader, type Preparing, prepareTasks } from './prepare';
import { type ReportColumns, type ReportFault, reportFiles } from './report';
import { callOf } from './tasks';

/** How jobs run; may be changed while they do. */
export interface Pace {
  /** Milliseconds between two steps of a job; each change of status is a step. */
  stepMs: number;
  /** Tasks that an active job does in one step. */
  tasksPerStep: number;
  /** A job fails when more than half of its tasks failed, once it did so many. AWS: 1,000. */
  failureRuleAfter: number;
  /** What is wrong with the reports that are written from now on. */
  reportFault: ReportFault | undefined;
  /** Every task fails with this probability, by count and not by chance: 0.5 is every other one. */
  failing: { readonly rate: number; readonly status: number; readonly code: string } | undefined;
}

export interface EngineOptions extends Preparing {
  readonly registry: JobRegistry;
  readonly takeRole: TakeRole;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly reportColumns: ReportColumns;
}

/** Moves jobs on in the background. Its timers keep no process alive. */
export interface Engine {
  /** Goes on with a job that was made or moved. */
  drive(job: Job): void;
  /** Jobs in these statuses stay there; all, when none is named. */
  hold(statuses?: readonly JobStatus[]): void;
  release(): void;
  /** The status in which a job came to rest: ended, unconfirmed, or held. */
  settled(job: Job): Promise<JobStatus>;
  stop(): void;
}

export function createEngine(options: EngineOptions): Engine {
  const driven = new Map<Job, NodeJS.Timeout | undefined>();
  const waiting = new Set<{ readonly job: Job; readonly tell: (status: JobStatus) => void }>();
  let held: ((status: JobStatus) => boolean) | undefined;
  let stopped = false;

  const rests = (job: Job): boolean =>
    isTerminal(job.status) || job.status === 'Suspended' || (held?.(job.status) ?? false);
  const tellWaiting = (): void => {
    for (const entry of waiting) {
      if (!rests(entry.job)) continue;
      waiting.delete(entry);
      entry.tell(entry.job.status);
    }
  };
  const next = (job: Job): void => {
    if (stopped || rests(job)) driven.delete(job);
    else driven.set(job, setTimeout(() => void run(job), options.pace.stepMs).unref());
    tellWaiting();
  };
  const run = async (job: Job): Promise<void> => {
    driven.set(job, undefined);
    try {
      if (!rests(job)) await step(options, job);
    } catch (error) {
      // A fault of this endpoint ends the job, not the process.
      options.registry.move(job, fail(job, error));
    }
    next(job);
  };
  const drive = (job: Job): void => {
    if (!driven.has(job)) next(job);
  };
  return {
    drive,
    hold(statuses) {
      held = statuses === undefined ? () => true : (status) => statuses.includes(status);
      for (const job of options.registry.all()) drive(job);
      tellWaiting();
    },
    release() {
      held = undefined;
      for (const job of options.registry.all()) drive(job);
    },
    settled: (job) =>
      new Promise((tell) => {
        waiting.add({ job, tell });
        if (!driven.has(job)) tellWaiting();
      }),
    stop() {
      stopped = true;
      for (const timer of driven.values()) clearTimeout(timer);
      driven.clear();
    },
  };
}

/** One step. A job that is cancelled in the middle of a step is no longer in the status the step began with. */
async function step(options: EngineOptions, job: Job): Promise<void> {
  const { registry } = options;
  const from = job.status;
  const move = (to: JobStatus): void => {
    if (job.status === from) registry.move(job, to);
  };
  if (from === 'New') return move('Preparing');
  if (from === 'Ready') return move('Active');
  if (from === 'Completing' || from === 'Failing' || from === 'Cancelling') {
    await writeReport(options, job);
    return move(from === 'Completing' ? 'Complete' : from === 'Failing' ? 'Failed' : 'Cancelled');
  }
  if (from === 'Preparing') {
    try {
      job.tasks = await prepareTasks(job, assumed(options, job), options);
      move(job.request.confirmationRequired ? 'Suspended' : 'Ready');
    } catch (error) {
      move(fail(job, error));
    }
    return;
  }
  if (from === 'Active') move(await runTasks(options, job));
}

function fail(job: Job, error: unknown): JobStatus {
  const { code, message } =
    error instanceof JobFailure ? error : { code: 'InternalError', message: `An internal error occurred: ${error}` };
  job.failures.push({ code, reason: message });
  return 'Failed';
}

/** @throws JobFailure where the trust of the role does not let Batch Operations in. */
function assumed({ takeRole }: EngineOptions, job: Job): Caller {
  const role = takeRole(job.request.roleArn, job.arn);
  if ('refused' in role) throw new JobFailure('RoleNotAssumable', `The role cannot be assumed: ${role.refused}`);
  return role;
}

async function runTasks(options: EngineOptions, job: Job): Promise<JobStatus> {
  const { pace } = options;
  const all = job.tasks ?? [];
  const until = Math.min(all.length, job.results.length + pace.tasksPerStep);
  while (job.results.length < until && job.status === 'Active') {
    const task = all[job.results.length];
    if (task === undefined) break;
    const result = await runTask(options, job, task);
    job.results.push(result);
    if (result.code !== '') job.failedTasks += 1;
    if (job.results.length >= pace.failureRuleAfter && job.failedTasks * 2 > job.results.length) {
      job.failures.push({
        code: 'TaskFailureThresholdExceeded',
        reason: `More than 50 percent of the first ${job.results.length} tasks failed.`,
      });
      return 'Failing';
    }
  }
  return job.results.length === all.length ? 'Completing' : 'Active';
}

async function runTask(options: EngineOptions, job: Job, task: Task): Promise<TaskResult> {
  if (task.versionId === '')
    return { task, status: 400, code: 'InvalidRequest', message: 'Task failed due to missing VersionId' };
  const { failing } = options.pace;
  const at = job.results.length;
  if (failing !== undefined && Math.floor((at + 1) * failing.rate) > Math.floor(at * failing.rate))
    return { task, status: failing.status, code: failing.code, message: 'Injected fault.' };
  const role = options.takeRole(job.request.roleArn, job.arn);
  if ('refused' in role) return { task, status: 403, code: 'AccessDenied', message: role.refused };
  const { status, code, message } = await options.acting.send(role, callOf(task, job.request.operation));
  return { task, status, code, message };
}

/** Writes the report as the role. A report that cannot be written leaves its reason with the job, which ends all the same. */
async function writeReport(options: EngineOptions, job: Job): Promise<void> {
  const { pace, reportColumns: columns } = options;
  const files = reportFiles(job, options.clock.now(), { columns, fault: pace.reportFault });
  if (files.length === 0) return;
  const { Bucket: arn = '', ExpectedBucketOwner: owner } = job.request.report;
  try {
    const role = assumed(options, job);
    for (const { key, body, contentType } of files) {
      const encrypted = { 'content-type': contentType, 'x-amz-server-side-encryption': 'AES256' };
      const headers = { ...encrypted, ...ownerHeader(owner) };
      const call = { method: 'PUT', bucket: bucketNamed(arn), key, headers, body } as const;
      const { status } = await options.acting.send(role, call);
      if (status >= 300) throw new JobFailure('JobReportNotWritten', notWritten);
    }
  } catch (error) {
    fail(job, error);
  }
}

const notWritten = 'The job report could not be written to your report bucket. Please check your permissions.';
