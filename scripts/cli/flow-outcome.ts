import { EXIT } from '../../lib/errors';
import type { StepReport } from '../../lib/workflow/run-flow';
import type { CommandContext, CommandOutcome, OptionValues } from './command';
import { flag } from './command';
import type { SessionEnd } from './session';

/** Reports how the steps of a command ended, and returns the exit code and the JSON document. */
export function flowOutcome(
  context: CommandContext,
  options: OptionValues,
  end: SessionEnd<readonly StepReport[]>,
): CommandOutcome {
  const { terminal } = context;
  const dryRun = flag(options, 'dryRun');
  const pending = end.result.flatMap(({ id, pending: what }) => (what === undefined ? [] : [{ step: id, what }]));
  const partly = end.result.some((report) => report.outcome === 'partly');
  const changed = end.result.filter((report) => report.outcome === 'changed').length;
  terminal.heading(headingOf(partly, dryRun, pending.length));
  for (const report of end.result) {
    const seconds = (report.milliseconds / 1000).toFixed(1).padStart(6);
    terminal.note(`${report.id.padEnd(16)} ${report.outcome.padEnd(10)} ${seconds} s  ${report.summary}`);
  }
  if (end.evidenceFile) terminal.note(`evidence: ${end.evidenceFile}`);
  const ending = end.result.find((report) => report.endsWith !== undefined) ?? end.result.find((report) => report.hint);
  const next = ending?.endsWith ?? ending?.hint;
  if (partly) terminal.hint(next ?? 'run the same command again: it retries transient failures');
  const calls = pending.length > 0 && flag(options, 'detailedExitcode');
  return {
    exitCode: partly ? EXIT.partlyDone : calls ? EXIT.changesPending : EXIT.done,
    data: {
      rotation: end.rotation.name,
      account: end.account,
      region: end.rotation.region,
      dryRun,
      pending,
      changed,
      steps: end.result,
      evidence: end.evidenceFile ?? null,
    },
  };
}

function headingOf(partly: boolean, dryRun: boolean, pending: number): string {
  if (partly) return 'partly done';
  if (!dryRun) return 'done';
  return pending > 0 ? 'dry run: nothing was changed, and changes are pending' : 'dry run: nothing to change';
}
