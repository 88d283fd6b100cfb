import path from 'node:path';
import { EXIT } from '../lib/errors';
import { type PlanBundle, writePlanBundle } from '../lib/plan-bundle/plan-bundle';
import { reviewData } from '../lib/review/review-json';
import { preflight } from '../lib/workflow/preflight';
import { lockRotation } from '../lib/workflow/run-lock';
import { type CommandContext, type CommandDefinition, flag, rotationFileOption, text } from './cli/command';
import { baseOf, baseOptions, evidenceOptions, evidenceSource, revisionsOf, rollbackTo } from './cli/review-options';
import { withReading } from './cli/session';
import { shellWord } from './cli/shell-word';

export const plan: CommandDefinition = {
  description:
    'Changes nothing in AWS or in any state. `apply` applies exactly these plans. Plan files contain the state: ' +
    'protect the directory like the state. Exit code 4: the review refused a plan.',
  options: [
    rotationFileOption,
    {
      flags: '--out <directory>',
      description: 'output directory; an earlier plan in it is replaced',
      default: 'keyturn-plan',
    },
    { flags: '--detailed-exitcode', description: 'exit 2 if there are changes' },
    { flags: '--rollback <version>', description: 'declare this change as a rollback to that version' },
    ...baseOptions,
    ...evidenceOptions,
  ],
  mutates: false,
  examples: ['npx keyturn plan --out keyturn-plan', 'npx keyturn plan --out keyturn-plan --detailed-exitcode --json'],
  async run(context, options) {
    const directory = path.resolve(context.cwd, text(options, 'out') ?? 'keyturn-plan');
    const { rotation, account, result } = await withReading(
      context,
      options,
      async (run) => {
        const home = path.dirname(run.rotation.file);
        const lock = await lockRotation(home, run.rotation.name);
        try {
          await preflight(run);
          const evidence = await evidenceSource(context, options, run.rotation.file);
          const announced = rollbackTo(run.rotation, text(options, 'rollback'));
          const base = await baseOf(context, options, run.rotation);
          const revisions = revisionsOf(context, options);
          return await writePlanBundle({
            run,
            env: context.env,
            directory,
            evidence,
            rollbackTo: announced,
            base,
            revisions,
          });
        } finally {
          await lock.release();
        }
      },
      { onStacks: 'plan' },
    );
    report(context, directory, result);
    return {
      exitCode: exitCode(result, flag(options, 'detailedExitcode')),
      data: {
        rotation: rotation.name,
        account,
        directory,
        manifestSha256: result.manifestSha256,
        stacks: result.manifest.stacks,
        review: reviewData(result.review),
        ...(result.jobs ? { jobs: result.jobs } : {}),
      },
    };
  },
};

function report({ terminal, cwd }: CommandContext, directory: string, bundle: PlanBundle): void {
  const { manifest, manifestSha256, review, jobs } = bundle;
  terminal.heading(`review: ${review.verdict}`);
  for (const { rule, address } of review.findings)
    terminal.warn(`${rule} ${address ?? 'the rotation file'}: see review.md`);
  for (const [stack, entry] of Object.entries(manifest.stacks)) {
    const state = !entry.planned ? 'could not be planned yet' : entry.changes ? 'has changes' : 'has no changes';
    terminal.note(`the ${stack} stack ${state}`);
  }
  if (jobs) terminal.note(`${jobs.jobs.length} planned job(s) of S3 Batch Operations are in jobs.json: ${jobs.when}`);
  terminal.note(`plans, review and manifest are in ${directory}`);
  terminal.note(`SHA-256 of the manifest: ${manifestSha256}`);
  terminal.hint(
    review.verdict === 'refused'
      ? 'fix what review.md names, then plan again: `npx keyturn apply` refuses these plans'
      : `run \`npx keyturn apply ${shellWord(path.relative(cwd, directory) || '.')}\` to apply exactly these plans`,
  );
}

function exitCode({ manifest, review }: PlanBundle, detailed: boolean) {
  if (review.verdict === 'refused') return EXIT.refusedByGate;
  const changes = Object.values(manifest.stacks).some((entry) => !entry.planned || entry.changes);
  return detailed && changes ? EXIT.changesPending : EXIT.done;
}
