import { OutcomeShards, type Shard, type TaskOutcome } from '../reencrypt/outcome-shards';
import { FailedKeys } from './failed-keys';
import { failedTransiently, type ReportRow } from './job-report';
import { type AttemptEnd, rowsOf } from './run-jobs';
import type { AttemptRun } from './run-parts';

/** What the tasks of an attempt came to. */
export interface TaskOutcomes {
  /** Moved by jobs whose reports no run had read before. */
  readonly moved: number;
  /** Moved by jobs that an earlier run on this machine has reported. */
  readonly movedBefore: number;
  /** What failed, and no later job tried again. */
  readonly failed: FailedKeys;
  readonly failedTotal: number;
  readonly evidence: readonly Shard[];
}

/** Rows that are recorded at once. */
const AT_ONCE = 1_000;

/** Reads every row of the reports of an attempt: each is evidence, and what failed is for the local engine. */
export async function readOutcomes(run: AttemptRun, end: NonNullable<AttemptEnd>): Promise<TaskOutcomes> {
  const { journal, request } = run;
  const { evidence } = request;
  const failed = new FailedKeys(end.reduce((sum, { ended }) => sum + (ended.report?.failed ?? 0), 0));
  const shards = evidence && new OutcomeShards(evidence.directory, `${evidence.name}.jobs`);
  const counts = { moved: 0, movedBefore: 0, failedTotal: 0 };
  let written: readonly Shard[] = [];
  try {
    for (const one of end) {
      const isKnown = journal.of(one.ended.job.jobId)?.recorded === true;
      const read = await readJob(run, one, failed, isKnown ? undefined : shards);
      counts[isKnown ? 'movedBefore' : 'moved'] += read.succeeded;
      counts.failedTotal += read.failed;
    }
  } finally {
    written = (await shards?.close()) ?? [];
  }
  for (const { ended } of end) await journal.note(ended.job, { recorded: true });
  return { ...counts, failed, evidence: written };
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
    if (row.ok) succeeded += 1;
    else if (!triedAgain || !failedTransiently(row)) {
      failed += 1;
      for (const key of row.keys) failedKeys.add(key);
    }
    if (!shards) continue;
    waiting.push(outcomeOf(row, ended.job.jobId, targetKeyArn));
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
