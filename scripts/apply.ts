import path from 'node:path';
import { EXIT, KeyturnError } from '../lib/errors';
import { applySavedPlan } from '../lib/plan-bundle/apply-saved-plan';
import { type CommandDefinition, flag, type OptionValues, rotationFileOption, text } from './cli/command';
import { evidenceOptions, evidenceSource } from './cli/review-options';
import { withRun } from './cli/session';

export const apply: CommandDefinition = {
  description:
    'Applies the keys stack, then the storage stack. Refuses if the review refuses, or if the rotation file, a ' +
    'stack, a tool, a key, the alias, a bucket default or a saved file has changed. After an interruption, run it ' +
    'again to continue.',
  arguments: [{ name: '<directory>', description: 'what `plan --out` wrote' }],
  options: [
    rotationFileOption,
    ...evidenceOptions,
    {
      flags: '--manifest-sha256 <hash>',
      description: 'the SHA-256 that `plan` printed and somebody approved; refuses any other plan',
    },
  ],
  mutates: true,
  examples: [
    'npx keyturn apply keyturn-plan',
    'npx keyturn apply keyturn-plan --dry-run',
    'npx keyturn apply keyturn-plan --yes --json --manifest-sha256 "$APPROVED"',
  ],
  async run(context, options, args) {
    const directory = path.resolve(context.cwd, args[0] ?? '');
    const approvedManifest = approvedHash(options);
    const end = await withRun(
      'apply',
      context,
      options,
      async (run) => {
        const evidence = await evidenceSource(context, options, run.rotation.file);
        return applySavedPlan({ run, env: context.env, directory, evidence, approvedManifest });
      },
      { onStacks: 'apply' },
    );
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

/** @throws usage where an empty variable or another text was passed: it would pin nothing */
function approvedHash(options: OptionValues): string | undefined {
  const given = text(options, 'manifestSha256');
  if (given === undefined || /^[0-9a-f]{64}$/.test(given)) return given;
  throw new KeyturnError('usage', {
    problem: `--manifest-sha256 takes 64 lower-case hex digits, not ${JSON.stringify(given)}`,
    hint: 'pass the SHA-256 that `npx keyturn plan` printed, from the comment or the job that was approved',
  });
}
