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
  const partly = end.result.some((report) => report.outcome === 'partly');
  const changed = end.result.filter((report) => report.outcome === 'changed').length;
  terminal.heading(partly ? 'partly done' : flag(options, 'dryRun') ? 'dry run: nothing was changed' : 'done');
  for (const report of end.result) {
    const seconds = (report.milliseconds / 1000).toFixed(1).padStart(6);
    terminal.note(`${report.id.padEnd(16)} ${report.outcome.padEnd(10)} ${seconds} s  ${report.summary}`);
  }
  if (end.evidenceFile) terminal.note(`evidence: ${end.evidenceFile}`);
  const next = end.result.find((report) => report.endsWith !== undefined)?.endsWith;
  if (partly) terminal.hint(next ?? 'run the same command again: it retries transient failures');
  return {
    exitCode: partly ? EXIT.partlyDone : EXIT.done,
    data: {
      rotation: end.rotation.name,
      account: end.account,
      region: end.rotation.region,
      dryRun: flag(options, 'dryRun'),
      changed,
      steps: end.result,
      evidence: end.evidenceFile ?? null,
    },
  };
}
