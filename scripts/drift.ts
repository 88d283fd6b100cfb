import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXIT } from '../lib/errors';
import { type PlanBundle, writePlanBundle } from '../lib/plan-bundle/plan-bundle';
import { reviewData } from '../lib/review/review-json';
import { reviewMarkdown } from '../lib/review/review-markdown';
import { preflight } from '../lib/workflow/preflight';
import { lockRotation } from '../lib/workflow/run-lock';
import { type CommandDefinition, flag, rotationFileOptions } from './cli/command';
import { evidenceOptions, evidenceSource } from './cli/review-options';
import { withReading } from './cli/session';

export const drift: CommandDefinition = {
  description:
    'Plans both stacks, reviews the plans, and keeps neither. Changes nothing. Exit 2: AWS differs, or a change waits ' +
    'for its apply; the review on stdout shows what, in Markdown. Use it with `status` in a scheduled job.',
  options: [...rotationFileOptions, ...evidenceOptions],
  mutates: false,
  examples: ['npx keyturn drift', 'npx keyturn drift >> "$GITHUB_STEP_SUMMARY"', 'npx keyturn drift --json'],
  async run(context, options) {
    const { rotation, account, result } = await withReading(
      context,
      options,
      async (run) => {
        const home = path.dirname(run.rotation.file);
        const lock = await lockRotation(home, run.rotation.name);
        // Plan files hold the state, so they do not outlive the comparison.
        const directory = await mkdtemp(path.join(tmpdir(), 'keyturn-drift-'));
        try {
          await preflight(run);
          const evidence = await evidenceSource(context, options, run.rotation.file);
          const nothing = { rollbackTo: undefined, base: undefined };
          return await writePlanBundle({ run, env: context.env, directory, evidence, ...nothing });
        } finally {
          await rm(directory, { recursive: true, force: true });
          await lock.release();
        }
      },
      { onStacks: 'drift' },
    );
    const { terminal } = context;
    const differing = differences(result);
    if (!flag(options, 'json')) terminal.data(reviewMarkdown(result.review));
    for (const one of differing) terminal.warn(one);
    terminal.note(differing.length === 0 ? 'AWS is as both stacks declare it' : 'AWS differs from the stacks');
    return {
      exitCode: differing.length === 0 ? EXIT.done : EXIT.changesPending,
      data: { rotation: rotation.name, account, differences: differing, review: reviewData(result.review) },
    };
  },
};

/** Why AWS is not what the stacks declare, one sentence each. */
function differences({ manifest, review }: PlanBundle): readonly string[] {
  const stacks = Object.entries(manifest.stacks).flatMap(([stack, entry]) => {
    if (!entry.planned) return [`the ${stack} stack could not be planned: ${entry.why.join('; ')}`];
    return entry.changes ? [`the ${stack} stack has changes to apply`] : [];
  });
  const findings = review.findings
    .filter(({ severity }) => severity !== 'note')
    .map(({ rule, address }) => `${rule} ${address ?? 'the rotation file'}`);
  return [...stacks, ...findings];
}
