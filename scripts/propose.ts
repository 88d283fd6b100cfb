import path from 'node:path';
import { accessRows } from '../lib/access/access-rows';
import { type AccessComparison, compareAccess } from '../lib/access/compare-access';
import { EXIT, isCode, KeyturnError } from '../lib/errors';
import { FORECAST_COLUMNS, type Forecast, forecastRows } from '../lib/forecast/forecast-text';
import { retiredVersions } from '../lib/observation/evidence-queries';
import { harmlessLines } from '../lib/proposals/markdown';
import { PROPOSAL_KINDS, type Proposal, type ProposalKind, propose as proposeEdit } from '../lib/proposals/proposal';
import { type BodyInput, proposalBody, proposalDiff, rollbackTrailer } from '../lib/proposals/proposal-body';
import type { ProposedBinding } from '../lib/proposals/proposed-binding';
import { refuseCommitted } from '../lib/repository/committed-files';
import { bindingPath, readBindingText, withBinding } from '../lib/rotation/binding';
import { evidenceFolder } from '../lib/rotation/own-folder';
import { writeRotation } from '../lib/rotation/rotation-edit';
import { parseRotation, readRotationText } from '../lib/rotation/rotation-file';
import {
  bindingNow,
  bindingOf,
  forecastOf,
  notEmptyReason,
  observedKeyOf,
  requireGrounds,
} from '../lib/workflow/proposal-facts';
import { refuseLostAccess } from '../lib/workflow/require-access';
import {
  type CommandContext,
  type CommandDefinition,
  flag,
  type OptionValues,
  rotationFileOption,
  text,
} from './cli/command';
import { withReading } from './cli/session';
import { writeOutput } from './cli/write-output';
import { readValidTo } from './material-expiry';

export const propose: CommandDefinition = {
  description:
    'version: declare the next key version. switch: make a declared version active. retire: record that a ' +
    'superseded version is disabled. rollback: make an earlier version active. Prints the diff to stdout and ' +
    'preserves comments. Only reads AWS; commits and pushes nothing.',
  arguments: [{ name: '<phase>', description: PROPOSAL_KINDS.join(', ') }],
  options: [
    rotationFileOption,
    { flags: '--name <version>', description: 'the key version; default: the next one' },
    { flags: '--valid-days <n>', description: 'phase version: the material expires this many days from now, 1 to 365' },
    {
      flags: '--valid-to <time>',
      description: 'phase version: the time when the material expires, such as 2027-11-01T00:00:00Z',
    },
    { flags: '--body <file>', description: 'write the body of the pull request, Markdown, to this file' },
    { flags: '--no-forecast', description: 'skip the forecast, which counts all objects' },
    { flags: '--offline', description: 'do not read AWS at all' },
  ],
  mutates: true,
  examples: [
    'npx keyturn propose version --valid-days 300 --body body.md --yes',
    'npx keyturn propose switch --body body.md --yes',
    'npx keyturn propose retire --dry-run --json',
  ],
  async run(context, options, args) {
    const kind = phaseOf(args[0]);
    const materialValidTo = readValidTo(kind, options, new Date());
    const file = path.resolve(context.cwd, text(options, 'rotationFile') ?? 'rotation.yaml');
    const before = await readRotationText(file);
    await refuseCommitted(path.dirname(file), context.env);
    const now = new Date();
    const parsed = await parseRotation(before, file, { now, expired: 'accept' });
    const binding = await readBindingText(file);
    const rotation = withBinding(parsed, binding, bindingPath(file));
    const proposal = proposeEdit(rotation, before, { kind, version: text(options, 'name'), materialValidTo });
    await parseRotation(proposal.after, file, { now, expired: 'accept' });
    const seen = await look(context, options, proposal, bindingOf(rotation, proposal, binding));
    const evidence = evidenceFolder(file);
    requireGrounds(rotation, proposal, seen.observed, {
      retiredByEvidence: await retiredVersions(evidence, rotation),
      notEmpty: seen.notEmpty,
    });
    return finish(context, options, { rotation, proposal, ...seen });
  },
};

type Seen = Omit<BodyInput, 'shownFile' | 'forecast' | 'binding'> & {
  readonly binding: Omit<ProposedBinding, 'shownFile'> | undefined;
  readonly forecast: Forecast;
  readonly notEmpty: string | undefined;
};

function phaseOf(given: string | undefined): ProposalKind {
  const kind = PROPOSAL_KINDS.find((one) => one === given);
  if (kind) return kind;
  const problem = `there is no phase ${JSON.stringify(given ?? '')}; use one of ${PROPOSAL_KINDS.join(', ')}`;
  throw new KeyturnError('usage', { problem, hint: 'such as `npx keyturn propose version`' });
}

/** Reads AWS unless --offline is given; if AWS cannot be reached, that is an error. */
async function look(
  context: CommandContext,
  options: OptionValues,
  proposal: Proposal,
  known: Seen['binding'],
): Promise<Pick<Seen, 'observed' | 'forecast' | 'notEmpty' | 'binding' | 'access'>> {
  if (flag(options, 'offline')) {
    const forecast = { known: false, why: 'AWS was not read' } as const;
    return { observed: undefined, forecast, notEmpty: undefined, binding: known, access: undefined };
  }
  const { result } = await withReading(context, options, async (run) => {
    const observed = await observedKeyOf(run, proposal);
    const notEmpty = await notEmptyReason(run, proposal);
    const binding = await bindingNow(run, proposal);
    const access = await accessAfter(run, proposal, observed);
    if (options.forecast === false) {
      const forecast: Forecast = { known: false, why: '--no-forecast was given' };
      return { observed, forecast, notEmpty, binding, access };
    }
    const forecast = await forecastOf(run, proposal, observed).catch((error: unknown): Forecast => {
      if (!(error instanceof KeyturnError) || isCode(error, 'interrupted')) throw error;
      return { known: false, why: `${error.code}: ${error.message}` };
    });
    return { observed, forecast, notEmpty, binding, access };
  });
  return result;
}

/** Who loses access if the version becomes active; undefined where no key stands behind it yet. */
async function accessAfter(
  run: Parameters<typeof compareAccess>[0],
  { kind, version }: Proposal,
  observed: Seen['observed'],
): Promise<Seen['access']> {
  if (observed?.key === undefined || !['switch', 'rollback'].includes(kind)) return undefined;
  const compared = await compareAccess(run, version);
  // A rollback stays possible, whoever loses access by it.
  if (kind === 'switch') compared.forEach(refuseLostAccess);
  return compared.map(proposedAccess);
}

const proposedAccess = (one: AccessComparison) => ({
  from: one.from.version,
  rows: accessRows(one),
  unread: one.unread,
  notRead: one.notRead,
});

function shownForecast(forecast: Forecast): Parameters<typeof proposalBody>[0]['forecast'] {
  if (!forecast.known) return forecast;
  const { method, buckets, basis } = forecast;
  return { known: true, method, basis, columns: FORECAST_COLUMNS, rows: forecastRows(buckets) };
}

async function finish(context: CommandContext, options: OptionValues, seen: Seen) {
  const { terminal } = context;
  const { proposal, rotation } = seen;
  const shownFile = shownPath(context.cwd, rotation.file);
  const binding = seen.binding && { ...seen.binding, shownFile: shownPath(context.cwd, bindingPath(rotation.file)) };
  const diff = proposalDiff({ proposal, shownFile, binding });
  const body = proposalBody({ ...seen, forecast: shownForecast(seen.forecast), shownFile, binding });
  const changed = diff !== '';
  terminal.heading(proposal.title);
  if (changed) terminal.block(diff);
  else terminal.note(`${shownFile} already declares this: nothing to propose`);
  const write = changed && !flag(options, 'dryRun');
  if (write) {
    if (!flag(options, 'yes')) await terminal.confirm(`write this to ${shownFile}?`, context.signal);
    // First: a binding without its switch does nothing.
    if (binding?.after !== undefined && binding.after !== binding.before)
      await writeRotation(bindingPath(rotation.file), binding.after, binding.before);
    await writeRotation(rotation.file, proposal.after, proposal.before);
  }
  const bodyFile = changed ? await writeBody(context, options, body) : undefined;
  if (!flag(options, 'json') && changed) terminal.data(harmlessLines(diff));
  const files = binding?.after === undefined ? shownFile : `${shownFile} and ${binding.shownFile}`;
  if (write) terminal.hint(`commit ${files} on a branch such as ${proposal.branch} and open a pull request`);
  if (write && proposal.kind === 'rollback')
    terminal.hint(
      `end the commit message with the line "${rollbackTrailer(proposal)}": the review needs it to accept a rollback`,
    );
  return {
    exitCode: EXIT.done,
    data: {
      rotation: rotation.name,
      phase: proposal.kind,
      version: proposal.version,
      changed,
      written: write,
      title: proposal.title,
      branch: proposal.branch,
      diff,
      body,
      bodyFile: bodyFile ?? null,
      key: seen.observed?.key ?? null,
      binding: binding?.version ?? null,
      forecast: seen.forecast,
    },
  };
}

async function writeBody(context: CommandContext, options: OptionValues, body: string): Promise<string | undefined> {
  const given = text(options, 'body');
  if (given === undefined) {
    if (!flag(options, 'json')) context.terminal.note('the body of the pull request: --body <file>, or --json');
    return undefined;
  }
  if (flag(options, 'dryRun')) return undefined;
  const file = path.resolve(context.cwd, given);
  await writeOutput(file, body);
  context.terminal.note(`body of the pull request: ${file}`);
  return file;
}

/** Relative to the working directory, with `/`; only the name if the file is outside of it. */
function shownPath(cwd: string, file: string): string {
  const relative = path.relative(cwd, file).split(path.sep).join('/');
  return relative.startsWith('..') ? path.basename(file) : relative;
}
