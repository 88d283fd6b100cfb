import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

import { type JobId, type JobScope, jobToken } from './job-spec';

const entry = z.object({
  jobId: z.string(),
  attempt: z.number(),
  part: z.string(),
  specSha256: z.string().optional(),
  /** The job failed or is gone, and that was reported: it is not resumed. */
  acknowledged: z.boolean(),
  /** The evidence has the outcomes of its tasks. */
  recorded: z.boolean(),
});

const schema = z.object({ schemaVersion: z.literal(1), scope: z.string(), jobs: z.array(entry) });

export type JournalledJob = z.infer<typeof entry>;

/**
 * Which jobs of a scope this machine created, and which of them it has handled. It may be lost: S3 lists the jobs, and their
 * reports are read again.
 */
export class BatchJournal {
  readonly #file: string | undefined;
  readonly #scope: string;
  readonly #jobs = new Map<string, JournalledJob>();

  private constructor(file: string | undefined, scope: string, jobs: readonly JournalledJob[]) {
    this.#file = file;
    this.#scope = scope;
    for (const job of jobs) this.#jobs.set(job.jobId, job);
  }

  /** An unreadable file, or one of another scope, counts as empty. `file` absent: nothing is kept. */
  static async open(file: string | undefined, scope: JobScope): Promise<BatchJournal> {
    const name = jobToken(scope, { attempt: 0, part: 'scope' });
    const text = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '');
    const read = schema.safeParse(jsonOf(text));
    const jobs = read.success && read.data.scope === name ? read.data.jobs : [];
    return new BatchJournal(file, name, jobs);
  }

  get jobs(): readonly JournalledJob[] {
    return [...this.#jobs.values()];
  }

  of(jobId: string): JournalledJob | undefined {
    return this.#jobs.get(jobId);
  }

  /** Writes down what is new about a job; on disk when it resolves. */
  async note(
    id: JobId & { readonly jobId: string },
    news: Partial<Omit<JournalledJob, keyof JobId>> = {},
  ): Promise<void> {
    const { jobId, attempt, part } = id;
    this.#jobs.set(jobId, {
      acknowledged: false,
      recorded: false,
      ...this.#jobs.get(jobId),
      jobId,
      attempt,
      part,
      ...news,
    });
    if (this.#file === undefined) return;
    await mkdir(path.dirname(this.#file), { recursive: true });
    const fresh = `${this.#file}.new`;
    await rm(fresh, { force: true });
    const handle = await open(fresh, 'ax', 0o600);
    try {
      await handle.write(`${JSON.stringify({ schemaVersion: 1, scope: this.#scope, jobs: this.jobs })}\n`);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(fresh, this.#file);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
