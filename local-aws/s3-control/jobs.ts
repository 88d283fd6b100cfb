import type { Need } from '../need';
import type { Engine, Pace } from './run/engine';
import type { Job, JobStatus } from './state/job';
import type { JobRegistry } from './state/jobs';

/** What a test can do to the jobs of S3 Batch Operations. */
export interface Jobs extends Pace {
  /** Jobs in these statuses stay there, all of them when none is named; nothing moves on before {@link release}. */
  hold(statuses?: readonly JobStatus[]): void;
  release(): void;
  /** The status in which the job came to rest: ended, waiting for its confirmation, or held. */
  settled(jobId: string): Promise<JobStatus>;
  /** Somebody else cancels the job. */
  cancel(jobId: string, reason?: string): void;
  /** The jobs that are known, newest first. */
  readonly ids: readonly string[];
  readonly status: (jobId: string) => JobStatus;
  /** What the roles of jobs were asked for so far, each once. */
  readonly needs: readonly Need[];
}

/** Collects what roles were asked for. */
export function createNeeds(): { readonly add: (needs: readonly Need[]) => void; readonly all: () => readonly Need[] } {
  const known = new Map<string, Need>();
  return {
    add: (needs) => {
      for (const need of needs) known.set(`${need.action} ${need.resource}`, need);
    },
    all: () => [...known.values()],
  };
}

export const defaultPace: Pace = {
  stepMs: 10,
  tasksPerStep: 100,
  failureRuleAfter: 1000,
  reportFault: undefined,
  failing: undefined,
};

export function createJobs(pace: Pace, engine: Engine, registry: JobRegistry, needs: () => readonly Need[]): Jobs {
  return Object.defineProperties(pace, {
    hold: { value: engine.hold },
    release: { value: engine.release },
    settled: { value: async (id: string) => engine.settled(registry.find(id)) },
    cancel: {
      value: (id: string, reason = 'Cancelled by somebody else') => {
        const job: Job = registry.find(id);
        job.statusReason = reason;
        registry.move(job, 'Cancelling');
        engine.drive(job);
      },
    },
    ids: { get: () => registry.all().map(({ id }) => id) },
    status: { value: (id: string) => registry.find(id).status },
    needs: { get: needs },
  }) as Jobs;
}
