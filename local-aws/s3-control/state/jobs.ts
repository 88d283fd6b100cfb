import { randomUUID } from 'node:crypto';
import type { Clock } from '../../message';
import { ControlFault } from '../fault';
import type { JobRequest } from '../wire/job-request';
import { isTerminal, type Job, type JobStatus } from './job';

const DAY = 86_400_000;
/** Jobs that nobody confirms fail after 30 days, jobs that ended are deleted after 90. */
const UNCONFIRMED_DAYS = 30;
const KEPT_DAYS = 90;

/** The jobs of one account and Region. */
export class JobRegistry {
  private readonly byId = new Map<string, Job>();
  private readonly clock: Clock;
  private readonly place: { readonly region: string; readonly accountId: string };

  constructor(clock: Clock, place: { readonly region: string; readonly accountId: string }) {
    this.clock = clock;
    this.place = place;
  }

  /**
   * A new job; the one from before for the same request token.
   *
   * @throws ControlFault `IdempotencyException` for a known token with another request.
   */
  create(request: JobRequest): { readonly job: Job; readonly isNew: boolean } {
    const before = this.all().find((job) => job.request.clientRequestToken === request.clientRequestToken);
    if (before !== undefined) {
      if (before.request.canonical !== request.canonical)
        throw new ControlFault(
          'IdempotencyException',
          'A job with this ClientRequestToken and other parameters exists.',
        );
      return { job: before, isNew: false };
    }
    const id = randomUUID();
    const { region, accountId } = this.place;
    const job: Job = {
      id,
      arn: `arn:aws:s3:${region}:${accountId}:job/${id}`,
      request,
      created: this.clock.now(),
      status: 'New',
      priority: request.priority,
      tags: request.tags,
      tasks: undefined,
      results: [],
      failedTasks: 0,
      failures: [],
      generated: undefined,
      statusReason: undefined,
      suspended: undefined,
      activeSince: undefined,
      ended: undefined,
    };
    this.byId.set(id, job);
    return { job, isNew: true };
  }

  /** @throws ControlFault `NotFoundException`, also for a job that ended 90 days ago. */
  find(id: string): Job {
    this.age();
    const job = this.byId.get(id);
    if (job === undefined) throw new ControlFault('NotFoundException', `The job ${id} does not exist.`);
    return job;
  }

  /** Newest first. */
  all(): readonly Job[] {
    this.age();
    return [...this.byId.values()].reverse();
  }

  /** Moves a job on, and notes what its new status is dated by. */
  move(job: Job, status: JobStatus): void {
    const now = this.clock.now();
    job.status = status;
    if (status === 'Suspended') job.suspended = now;
    if (status === 'Active') job.activeSince = now;
    if (isTerminal(status)) job.ended = now;
  }

  private age(): void {
    const now = this.clock.now();
    for (const job of this.byId.values()) {
      if (job.status === 'Suspended' && now - (job.suspended ?? now) > UNCONFIRMED_DAYS * DAY) {
        job.failures.push({ code: 'JobNotConfirmed', reason: 'The job was not confirmed within 30 days.' });
        this.move(job, 'Failed');
        job.ended = (job.suspended ?? now) + UNCONFIRMED_DAYS * DAY;
      }
      if (now - (job.ended ?? now) > KEPT_DAYS * DAY) this.byId.delete(job.id);
    }
  }
}
