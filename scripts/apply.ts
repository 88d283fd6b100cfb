import path from 'node:path';
import { EXIT } from '../lib/errors';
import { applySavedPlan } from '../lib/plan-bundle/apply-saved-plan';
import { type CommandDefinition, flag, rotationFileOption } from './cli/command';
import { withRun } from './cli/session';
import { evidenceOption, evidencePath } from './plan';

export const apply: CommandDefinition = {
  name: 'apply',
  summary: 'apply exactly the plans that `plan` kept, if nothing has moved since',
  description:
    'Refuses, naming each, if the rotation file, a synthesized stack, a tool, a key, the alias, a bucket default or a file of the ' +
    'directory is not what it was, or if the review refuses. Applies the keys stack, then the storage stack. Run again after an ' +
    'interruption, it goes on with what is left.',
  arguments: [{ name: '<directory>', description: 'what `plan --out` wrote' }],
  options: [rotationFileOption, evidenceOption],
  mutates: true,
  examples: ['npx keyturn apply plan', 'npx keyturn apply plan --dry-run', 'npx keyturn apply plan --yes --json'],
  async run(context, options, args) {
    const directory = path.resolve(context.cwd, args[0] ?? '');
    const end = await withRun('apply', context, options, (run) => {
      const evidence = evidencePath(context, options, path.dirname(run.rotation.file));
      return applySavedPlan({ run, env: context.env, directory, evidence });
    });
    context.terminal.heading(flag(options, 'dryRun') ? 'dry run: nothing was changed' : 'done');
    for (const { stack, outcome } of end.result) context.terminal.note(`${stack}: ${outcome}`);
    if (end.result.some(({ outcome }) => outcome === 'not-planned')) {
      context.terminal.hint('`npx keyturn pre-apply` imports the material; then plan again for the storage stack');
    }
    if (end.evidenceFile) context.terminal.note(`evidence: ${end.evidenceFile}`);
    const data = {
      rotation: end.rotation.name,
      account: end.account,
      stacks: end.result,
      evidence: end.evidenceFile ?? null,
    };
    return { exitCode: EXIT.done, data };
  },
};
