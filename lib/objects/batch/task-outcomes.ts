import { EvidenceShards, type Shard, type TaskOutcome } from '../evidence-shards';
import { FailedKeys } from './failed-keys';
import { failedInPassing, type ReportRow } from './report';
import { type AttemptEnd, rowsOf } from './run-jobs';
import type { AttemptRun } from './run-parts';

/** What the tasks of an attempt came to. */
export interface TaskOutcomes {
  /** Moved by jobs whose reports no run had read before. */
  readonly moved: number;
  /** Moved by jobs that an earlier run of this machine has told of. */
  readonly movedBefore: number;
  /** What failed, and no later job tried again. */
  readonly failed: FailedKeys;
  readonly failedTotal: number;
  readonly evidence: readonly Shard[];
}

/** Rows that are written down at once. */
const AT_ONCE = 1_000;

/** Reads every row of the reports of an attempt: each is evidence, and what failed is for the local engine. */
export async function readOutcomes(run: AttemptRun, end: NonNullable<AttemptEnd>): Promise<TaskOutcomes> {
  const { journal, request } = run;
  const { evidence, scope } = request;
  const failed = new FailedKeys(end.reduce((sum, { ended }) => sum + (ended.report?.failed ?? 0), 0));
  const shards = evidence && new EvidenceShards(evidence.directory, `${evidence.name}.jobs`);
  let [moved, movedBefore, failedTotal] = [0, 0, 0];
  for (const { ended, triedAgain } of end) {
    const isKnown = journal.of(ended.job.jobId)?.recorded === true;
    let waiting: TaskOutcome[] = [];
    let succeeded = 0;
    for await (const row of rowsOf(run, ended)) {
      if (row.ok) succeeded += 1;
      else if (!triedAgain || !failedInPassing(row)) {
        failedTotal += 1;
        for (const key of row.keys) failed.add(key);
      }
      if (!shards || isKnown) continue;
      waiting.push(outcomeOf(row, ended.job.jobId, scope.targetKeyArn));
      if (waiting.length < AT_ONCE) continue;
      await shards.add(waiting);
      waiting = [];
    }
    await shards?.add(waiting);
    if (isKnown) movedBefore += succeeded;
    else moved += succeeded;
  }
  const written = (await shards?.close()) ?? [];
  for (const { ended } of end) await journal.note(ended.job, { recorded: true });
  return { moved, movedBefore, failed, failedTotal, evidence: written };
}

function outcomeOf({ keys, versionId, ok, code, status, message }: ReportRow, job: string, to: string): TaskOutcome {
  const task = { key: keys[0], versionId, job };
  return ok ? { ...task, outcome: 'moved', to } : { ...task, outcome: 'failed-in-job', code, status, reason: message };
}
