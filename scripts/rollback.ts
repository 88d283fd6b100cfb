import { writeRotation } from '../lib/rotation/rotation-edit';
import { loadRotation } from '../lib/rotation/rotation-file';
import { openWorkspace } from '../lib/terraform/open-workspace';
import { stepsOf } from '../lib/workflow';
import { reenable, rollbackTarget, rolledBackText } from '../lib/workflow/roll-back';
import type { RotationRun } from '../lib/workflow/rotation-run';
import { runFlow, type StepReport } from '../lib/workflow/run-flow';
import { type CommandContext, type CommandDefinition, rotationFileOption, text } from './cli/command';
import { flowOutcome } from './cli/flow-outcome';
import { withRun } from './cli/session';

export const rollback: CommandDefinition = {
  description:
    'Enables the previous version, makes it active in the rotation file, and applies both stacks. The version that ' +
    'you leave stays enabled; run `post-apply` to move its objects back. A rotation in place cannot be rolled back.',
  options: [
    rotationFileOption,
    { flags: '--to <version>', description: 'the version to roll back to; default: the previous one' },
  ],
  mutates: true,
  examples: ['npx keyturn rollback', 'npx keyturn rollback --dry-run', 'npx keyturn rollback --to v1 --yes'],
  async run(context, options) {
    const body = (run: RotationRun) => rollBack(context, run, text(options, 'to'));
    // The version that is left may have expired: that is a reason to go back, and no fault.
    const end = await withRun('rollback', context, options, body, { expired: 'accept', onStacks: 'rollback' });
    const outcome = flowOutcome(context, options, end);
    context.terminal.hint('run `npx keyturn post-apply` to move the objects back under the active version');
    return outcome;
  },
};

async function rollBack(
  context: CommandContext,
  run: RotationRun,
  named: string | undefined,
): Promise<readonly StepReport[]> {
  const target = rollbackTarget(run.rotation, named);
  context.terminal.heading(`roll back to ${target.name}`);
  const enabled = await reenable(run, target);
  context.terminal.note(
    enabled === 'enabled'
      ? `${target.name} is${run.dryRun ? ' to be' : ''} enabled again`
      : `${target.name} is enabled`,
  );
  const { before, after } = await rolledBackText(run.rotation, target);
  context.terminal.block(`${run.rotation.file}: activeVersion: ${run.rotation.activeVersion} → ${target.name}`);
  if (run.dryRun) return [];
  await run.approve('make it active in the rotation file?');
  await writeRotation(run.rotation.file, after, before);
  const rotation = await loadRotation(run.rotation.file, { now: new Date(), expired: 'accept' });
  const workspace = openWorkspace({ rotation, env: context.env, signal: context.signal });
  return runFlow(stepsOf(rotation, ['declare-keys', 'switch', 'record']), { ...run, rotation, workspace });
}
