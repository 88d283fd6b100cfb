import type { JobRecord } from '../reencrypt/job-record';
import type { RowDifferences } from './compare-rows';
import { isEmptyManifest, isTerminal } from './job-state';
import type { EndedJob } from './run-jobs';
import type { WatchedJob } from './wait-for-jobs';

/** What is recorded as evidence of the jobs of a run; jobs that were never observed are left out. */
export function jobRecords(watched: readonly WatchedJob[], ended: readonly EndedJob[]): readonly JobRecord[] {
  return watched.flatMap(({ jobId, attempt, part, specSha256, state, states }) => {
    if (!state) return [];
    const one = ended.find(({ job }) => job.jobId === jobId);
    const { status, description = '', roleArn, createdAt, endedAt, total, succeeded, failed, manifest } = state;
    return [
      {
        jobId,
        attempt,
        part,
        description,
        specSha256,
        roleArn,
        status,
        states: [...states],
        createdAt: new Date(createdAt).toISOString(),
        endedAt: endedAt === undefined ? undefined : new Date(endedAt).toISOString(),
        total,
        succeeded,
        failed,
        manifest,
        report: one?.report?.record,
        foundNothing: isTerminal(state) && isEmptyManifest(state),
        differences: one?.differences && differencesOf(one.differences),
        failureReasons: state.failureReasons.map(({ code, reason }) => (code === '' ? reason : `${code}: ${reason}`)),
      },
    ];
  });
}

function differencesOf({ unknown, missing, twice, examples }: RowDifferences): JobRecord['differences'] {
  return { unknown, missing, twice, examples: [...examples] };
}
