import path from 'node:path';
import { EXIT, type ExitCode } from '../lib/errors';
import { observeVersions } from '../lib/observation/observe';
import { type ReviewFilesInput, reviewFiles } from '../lib/plan-bundle/review-plan-files';
import { sarifTool } from '../lib/plan-bundle/sarif-tool';
import type { Review, Verdict } from '../lib/review/review';
import { reviewData, reviewJson } from '../lib/review/review-json';
import { reviewMarkdown } from '../lib/review/review-markdown';
import { reviewSarif } from '../lib/review/review-sarif';
import { expectedStacks } from '../lib/terraform/expected-stacks';
import {
  type CommandContext,
  type CommandDefinition,
  flag,
  type OptionValues,
  rotationFileOption,
  text,
} from './cli/command';
import { readRotation } from './cli/open-target';
import { refuseOwnStacks } from './cli/refuse-own-stacks';
import { baseOf, baseOptions, evidenceSource, revisionsOf, rollbackTo, signerOption } from './cli/review-options';
import { withReading } from './cli/session';

const FORMATS = ['markdown', 'json', 'sarif'];

const EXIT_CODES: Readonly<Record<Verdict, ExitCode>> = {
  clean: EXIT.done,
  decide: EXIT.changesPending,
  refused: EXIT.refusedByGate,
};

const trustedOption = {
  flags: '--trusted <directory>',
  description: "checkout of the base branch of the team's own program, which synthesizes the expected stacks",
} as const;

export const reviewPlan: CommandDefinition = {
  description:
    'Reads plan files (with Terraform), or the output of `terraform show -json` beside its plan file. A JSON plan alone ' +
    'is never clean. Changes nothing; contacts AWS only with --aws. Exit 0: clean · 2: a person must decide · 4: ' +
    'refused. See docs/plan-review.md.',
  arguments: [
    { name: '<plan...>', description: 'plans of this rotation, plan files or JSON; pass both stacks together' },
  ],
  options: [
    rotationFileOption,
    { flags: '--format <format>', description: 'output format', default: 'markdown', choices: FORMATS },
    { flags: '--aws', description: 'read the key states from AWS instead of from the plans' },
    { flags: '--evidence <path>', description: 'evidence file or directory with the retired versions' },
    signerOption,
    { flags: '--rollback <version>', description: 'declare this change as a rollback to that version' },
    ...baseOptions,
    trustedOption,
  ],
  mutates: false,
  examples: [
    'npx keyturn review-plan --base origin/main keys.tfplan storage.tfplan',
    'npx keyturn review-plan --aws --evidence .keyturn/evidence plan.tfplan >> "$GITHUB_STEP_SUMMARY"',
    'npx keyturn review-plan --format sarif plan.tfplan > review.sarif',
  ],
  async run(context, options, args) {
    const review = await readAndReview(context, options, args);
    if (!flag(options, 'json')) context.terminal.data(await printed(context, options, review));
    const { verdict, findings } = review;
    context.terminal.note(`${verdict}: ${findings.length} finding(s) in ${review.plans.length} plan(s)`);
    return { exitCode: EXIT_CODES[verdict], data: { review: reviewData(review) } };
  },
};

async function readAndReview(context: CommandContext, options: OptionValues, args: readonly string[]): Promise<Review> {
  const { cwd, env, signal } = context;
  const trusted = text(options, 'trusted');
  const input = async (
    rotation: ReviewFilesInput['rotation'],
    aws: ReviewFilesInput['aws'],
  ): Promise<ReviewFilesInput> => ({
    rotation,
    env,
    signal,
    aws,
    expected: await expectedStacks({
      rotation,
      env,
      signal,
      trusted: trusted === undefined ? undefined : path.resolve(cwd, trusted),
    }),
    jsonIsShown: false,
    base: await baseOf(context, options, rotation),
    revisions: revisionsOf(context, options),
    files: args.map((file) => path.resolve(cwd, file)),
    from: cwd,
    evidence: await evidenceSource(context, options, undefined),
    rollbackTo: rollbackTo(rotation, text(options, 'rollback')),
    now: new Date(),
  });
  if (!flag(options, 'aws')) {
    const rotation = await readRotation(context, options, 'accept');
    refuseOwnStacks('review-plan', rotation);
    return reviewFiles(await input(rotation, undefined));
  }
  const end = await withReading(
    context,
    options,
    async (run) => reviewFiles(await input(run.rotation, { observing: run, versions: await observeVersions(run) })),
    { onStacks: 'review-plan' },
  );
  return end.result;
}

async function printed(context: CommandContext, options: OptionValues, review: Review): Promise<string> {
  const format = text(options, 'format');
  if (format === 'json') return reviewJson(review);
  if (format !== 'sarif') return reviewMarkdown(review);
  const file = path.resolve(context.cwd, text(options, 'rotationFile') ?? 'rotation.yaml');
  return reviewSarif(review, await sarifTool(file));
}
