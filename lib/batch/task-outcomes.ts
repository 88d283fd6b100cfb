import { OutcomeShards, type Shard, type TaskOutcome } from '../reencrypt/outcome-shards';
import { FailedKeys } from './failed-keys';
import { failedTransiently, type ReportRow } from './job-report';
import { type AttemptEnd, rowsOf } from './run-jobs';
import type { AttemptRun } from './run-parts';

/** What the tasks of an attempt came to. */
export interface TaskOutcomes {
  /** Moved by jobs whose reports no run on this machine had read before. */
  readonly moved: number;
  /** What failed, and no later job tried again; and what a report does not account for as its manifest has it. */
  readonly failed: Pick<FailedKeys, 'has'>;
  readonly failedTotal: number;
  readonly evidence: readonly Shard[];
}

/** What is recorded of a row that the report has otherwise than the manifest: not that it moved. */
const DOUBTFUL = {
  ok: false,
  code: 'KeyturnUnexpectedRow',
  status: 0,
  message: 'the rows of the report for this key are not those of the manifest',
} as const;

/** Rows that are recorded at once. */
const AT_ONCE = 1_000;

/** Reads every row of the reports of an attempt: each is evidence, and what failed is for the local engine. */
export async function readOutcomes(run: AttemptRun, end: NonNullable<AttemptEnd>): Promise<TaskOutcomes> {
  const { journal, request } = run;
  const { evidence } = request;
  const failed = new FailedKeys(end.reduce((sum, { ended }) => sum + (ended.report?.failed ?? 0), 0));
  const shards = evidence && new OutcomeShards(evidence.directory, `${evidence.name}.jobs`);
  const counts = { moved: 0, failedTotal: 0 };
  let written: readonly Shard[] = [];
  try {
    for (const one of end) {
      const isKnown = journal.of(one.ended.job.jobId)?.recorded === true;
      const read = await readJob(run, one, failed, isKnown ? undefined : shards);
      if (!isKnown) counts.moved += read.succeeded;
      counts.failedTotal += read.failed;
    }
  } finally {
    written = (await shards?.close()) ?? [];
    // Recorded before anything else can end the run: a file that no record names could be changed unseen.
    if (written.length > 0) await request.onOutcomes?.(written);
  }
  for (const { ended } of end) await journal.note(ended.job, { recorded: true });
  const differing = end.flatMap(({ ended }) => ended.differences?.keys ?? []);
  const all = { has: (key: string) => failed.has(key) || differing.some((keys) => keys.has(key)) };
  return { ...counts, failed: all, evidence: written };
}

async function readJob(
  run: AttemptRun,
  { ended, triedAgain }: NonNullable<AttemptEnd>[number],
  failedKeys: FailedKeys,
  shards: OutcomeShards | undefined,
): Promise<{ readonly succeeded: number; readonly failed: number }> {
  const { targetKeyArn } = run.request.scope;
  let waiting: TaskOutcome[] = [];
  let [succeeded, failed] = [0, 0];
  for await (const row of rowsOf(run, ended)) {
    const isDoubtful = ended.differences !== undefined && row.keys.some((key) => ended.differences?.keys.has(key));
    if (isDoubtful) failed += 1;
    else if (row.ok) succeeded += 1;
    else if (!triedAgain || !failedTransiently(row)) {
      failed += 1;
      for (const key of row.keys) failedKeys.add(key);
    }
    if (!shards) continue;
    waiting.push(outcomeOf(isDoubtful ? { ...row, ...DOUBTFUL } : row, ended.job.jobId, targetKeyArn));
    if (waiting.length < AT_ONCE) continue;
    await shards.add(waiting);
    waiting = [];
  }
  await shards?.add(waiting);
  return { succeeded, failed };
}

function outcomeOf({ keys, versionId, ok, code, status, message }: ReportRow, job: string, to: string): TaskOutcome {
  const task = { key: keys[0], versionId, job };
  return ok ? { ...task, outcome: 'moved', to } : { ...task, outcome: 'failed-in-job', code, status, reason: message };
}
