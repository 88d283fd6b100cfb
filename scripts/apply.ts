import path from 'node:path';
import { EXIT } from '../lib/errors';
import { applySavedPlan } from '../lib/plan-bundle/apply-saved-plan';
import { type CommandDefinition, flag, rotationFileOption } from './cli/command';
import { withRun } from './cli/session';
import { evidenceOption, evidencePath } from './plan';

export const apply: CommandDefinition = {
  name: 'apply',
  summary: 'apply exactly the plans that `plan` saved, unless something has changed since',
  description:
    'Applies the keys stack, then the storage stack. Refuses if the review refuses, or if the rotation file, a ' +
    'stack, a tool, a key, the alias, a bucket default or a saved file has changed. After an interruption, run it ' +
    'again to continue.',
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
      context.terminal.hint(
        'run `npx keyturn pre-apply` to import the material; then plan again for the storage stack',
      );
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
