import { EXIT, KeyturnError } from '../lib/errors';
import { CONTROLS, type Control, type ControlledJob, controlJobs } from '../lib/workflow/jobs/control-jobs';
import { explainJob } from '../lib/workflow/jobs/job-messages';
import { oneRotationJob, type RotationJob, rotationJobs } from '../lib/workflow/jobs/rotation-jobs';
import {
  type CommandContext,
  type CommandDefinition,
  type CommandOutcome,
  flag,
  type OptionValues,
  rotationFileOption,
} from './cli/command';
import { withReading, withRun } from './cli/session';
import { table } from './cli/table';

const PARTS = ['status', ...CONTROLS] as const;

export const job: CommandDefinition = {
  description:
    'status: list the jobs and explain each state. pause: cancel running jobs and create no new one until resume ' +
    '(S3 cannot pause a job). resume: end the pause, and confirm a job that waits for confirmation if its target key, ' +
    'role and manifest are those of this rotation. cancel: cancel ' +
    'jobs; the next post-apply creates new ones. Finished tasks keep their effect. You can run this while ' +
    'post-apply waits in another terminal.',
  arguments: [
    { name: '<part>', description: PARTS.join(', ') },
    {
      name: '[id]',
      description: 'id of one job from status; default: every job of the rotation that allows the action',
    },
  ],
  options: [rotationFileOption],
  mutates: true,
  examples: [
    'npx keyturn job status',
    'npx keyturn job status --json',
    'npx keyturn job pause',
    'npx keyturn job resume --yes',
    'npx keyturn job cancel --dry-run',
  ],
  async run(context, options, [part, id]) {
    if (part === 'status') return show(context, options, id);
    const control = CONTROLS.find((one) => one === part);
    if (control) return perform(context, options, control, id);
    throw new KeyturnError('usage', {
      problem: `${JSON.stringify(part)} is not an action for jobs`,
      hint: `use one of ${PARTS.join(', ')}`,
    });
  },
};

async function show(context: CommandContext, options: OptionValues, id: string | undefined): Promise<CommandOutcome> {
  const { rotation, account, result } = await withReading(context, options, async (run) =>
    id === undefined ? rotationJobs(run) : [await oneRotationJob(run, id)],
  );
  if (!flag(options, 'json')) context.terminal.show(format(result));
  const jobs = result.map((one) => ({ ...one, explained: explainJob(one) }));
  return { exitCode: EXIT.done, data: { rotation: rotation.name, account, region: rotation.region, jobs } };
}

function format(jobs: readonly RotationJob[]): string {
  if (jobs.length === 0) return 'S3 has no job of this rotation; it deletes jobs 90 days after they end';
  const rows = jobs.map((one) => [
    one.jobId,
    one.bucket,
    `${one.attempt} ${one.part}`,
    one.foundNothing ? 'nothing to do' : one.paused ? `${one.status}, paused` : one.status,
    one.total === 0 ? '-' : `${one.succeeded + one.failed} of ${one.total}`,
    String(one.failed),
    one.rate === undefined ? '-' : `${one.rate.toFixed(0)}/s`,
    one.secondsLeft === undefined ? '-' : `${one.secondsLeft} s`,
    new Date(one.createdAt).toISOString(),
    String(one.priority),
  ]);
  const head = ['job', 'bucket', 'attempt', 'state', 'tasks done', 'failed', 'rate', 'left', 'since', 'priority'];
  return [table(head, rows), '', ...jobs.map((one) => `${one.jobId}: ${explainJob(one)}`)].join('\n');
}

const NOTHING: Readonly<Record<Control, string>> = {
  pause: 'no job of this rotation can be paused: none is waiting or running',
  resume: 'no job of this rotation is paused or waits for confirmation',
  cancel: 'no job of this rotation can be cancelled: none is waiting or running',
};

const NEXT: Readonly<Record<Control, string>> = {
  pause: 'run `npx keyturn job resume`, then `npx keyturn post-apply`, to continue with the remaining objects',
  resume:
    'run `npx keyturn post-apply`: it continues with the confirmed job, or creates a new one for what a paused job left',
  cancel: 'the next `npx keyturn post-apply` creates a new job for the remaining objects',
};

async function perform(
  context: CommandContext,
  options: OptionValues,
  control: Control,
  id: string | undefined,
): Promise<CommandOutcome> {
  const { terminal } = context;
  const dryRun = flag(options, 'dryRun');
  const end = await withRun(`job-${control}`, context, options, (run) => controlJobs(run, control, id), {
    expired: 'accept',
    mayRunBeside: true,
  });
  const jobs: readonly ControlledJob[] = end.result;
  terminal.heading(dryRun ? 'dry run: nothing was changed' : 'done');
  for (const one of jobs) terminal.note(`${one.jobId}: ${one.bucket}, ${one.before}: ${one.did}`);
  if (jobs.length === 0) terminal.note(NOTHING[control]);
  if (end.evidenceFile) terminal.note(`evidence: ${end.evidenceFile}`);
  const isRefused = jobs.some(({ refused }) => refused !== undefined);
  if (isRefused) terminal.hint('find out who created the refused jobs; `npx keyturn job cancel <id>` cancels one');
  else if (jobs.length > 0 && !dryRun) terminal.hint(NEXT[control]);
  return {
    exitCode: isRefused ? EXIT.refusedByGate : EXIT.done,
    data: {
      rotation: end.rotation.name,
      account: end.account,
      region: end.rotation.region,
      part: control,
      dryRun,
      jobs,
      evidence: end.evidenceFile ?? null,
    },
  };
}
