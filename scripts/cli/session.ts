import path from 'node:path';
import { endpointsOf } from '../../lib/aws/endpoints';
import { readingOnce } from '../../lib/aws/read-once';
import { isCode, KeyturnError } from '../../lib/errors';
import { type EvidenceRun, openEvidence } from '../../lib/evidence/evidence';
import { forgePeople, NOT_GIVEN } from '../../lib/evidence/forge-people';
import { provenance } from '../../lib/evidence/provenance';
import { observe } from '../../lib/observation/observe';
import { stateFacts } from '../../lib/observation/state-facts';
import { evidenceFolder } from '../../lib/rotation/own-folder';
import type { Rotation } from '../../lib/rotation/rotation';
import { preflight } from '../../lib/workflow/preflight';
import { refuseRebound } from '../../lib/workflow/refuse-rebound';
import type { RotationRun, RunRecord } from '../../lib/workflow/rotation-run';
import { lockRotation } from '../../lib/workflow/run-lock';
import { archiveEvidence } from './archive-evidence';
import { assembleRun } from './assemble-run';
import { type CommandContext, flag, type OptionValues } from './command';
import { type OpenSigner, openSigner, signRun } from './open-signer';
import { type Target, withTarget } from './open-target';
import type { StackCommand } from './refuse-own-stacks';

/** The result of a session, for the caller's report. */
export interface SessionEnd<T> {
  readonly rotation: Rotation;
  readonly account: string;
  /** Absent for a dry run, which writes no evidence. */
  readonly evidenceFile: string | undefined;
  readonly result: T;
}

export interface RunManner {
  /** `accept` for a command that fixes an expiry. Default `refuse`. */
  readonly expired?: 'refuse' | 'accept';
  /** True for a command that controls the jobs of another run: it runs while that run holds the lock. Default false. */
  readonly mayRunBeside?: boolean;
  /** For a command that runs Terraform: its name, with which it refuses stacks of the team's own. */
  readonly onStacks?: StackCommand;
}

/** What a command does with a run. */
type Body<T> = (run: RotationRun) => Promise<T>;

/**
 * Opens everything a step needs, prints the account and Region before anything can change, runs the body, and always
 * closes everything; the evidence records how the run ended.
 */
export async function withRun<T>(
  command: string,
  context: CommandContext,
  options: OptionValues,
  body: Body<T>,
  { expired = 'refuse', mayRunBeside = false, onStacks }: RunManner = {},
): Promise<SessionEnd<T>> {
  return withTarget(context, options, { expired, onStacks }, async (target) => {
    if (flag(options, 'dryRun')) return unrecorded(context, options, target, preflightFirst(body));
    const { rotation } = target;
    const lock = await lockRotation(path.dirname(rotation.file), rotation.name).catch((error: unknown) => {
      if (mayRunBeside && isCode(error, 'run-locked')) return undefined;
      throw error;
    });
    try {
      return await recorded({ command, context, options, target, concurrentRun: lock === undefined }, body);
    } finally {
      await lock?.release();
    }
  });
}

/** For read-only commands: no lock and no evidence. */
export async function withReading<T>(
  context: CommandContext,
  options: OptionValues,
  body: Body<T>,
  { onStacks }: Pick<RunManner, 'onStacks'> = {},
): Promise<SessionEnd<T>> {
  return withTarget(context, options, { expired: 'accept', onStacks }, (target) =>
    unrecorded(context, { ...options, dryRun: true }, target, body),
  );
}

/** A run that changes nothing leaves no evidence. */
const NO_RECORD: RunRecord = { file: undefined, record: async () => undefined };

async function unrecorded<T>(
  context: CommandContext,
  options: OptionValues,
  target: Target,
  body: Body<T>,
): Promise<SessionEnd<T>> {
  const run = await assembleRun(context, options, target, NO_RECORD);
  const { rotation, identity } = target;
  return { rotation, account: identity.account, evidenceFile: undefined, result: await body(run) };
}

interface Recording {
  readonly command: string;
  readonly context: CommandContext;
  readonly options: OptionValues;
  readonly target: Target;
  /** True while another run of the rotation holds the lock. */
  readonly concurrentRun: boolean;
}

/** Runs the body with evidence, which is closed and archived whatever the body does. */
async function recorded<T>(recording: Recording, body: Body<T>): Promise<SessionEnd<T>> {
  // Before the evidence exists: a signer that cannot be used is found before anything changes.
  const signer = await openSigner(recording.context, recording.target.rotation);
  try {
    return await signed(recording, signer, body);
  } finally {
    signer?.close();
  }
}

async function signed<T>(recording: Recording, signer: OpenSigner | undefined, body: Body<T>): Promise<SessionEnd<T>> {
  const { command, context, target, concurrentRun } = recording;
  const { rotation, identity } = target;
  const directory = evidenceFolder(rotation.file);
  // The evidence of another active run is incomplete; that run archives it, and this run's evidence too.
  const archive = async () => {
    if (!concurrentRun) await archiveEvidence(context, { command, directory, ...target });
  };
  const { name } = rotation;
  const evidence = await openEvidence({ directory, command, rotation: name, concurrentRun, signer: signer?.declared });
  const end = async () => {
    await signRun(context, signer, { file: evidence.file, head: evidence.head, rotation: name });
    await archive();
  };
  try {
    const result = await runRecorded(recording, evidence, preflightFirst(body));
    await evidence.close('finished');
    await end();
    return { rotation, account: identity.account, evidenceFile: evidence.file, result };
  } catch (error) {
    const outcome = error instanceof KeyturnError ? error.code : 'failed';
    await evidence.close(outcome).catch(() => context.terminal.warn(`cannot close the evidence: ${evidence.file}`));
    await end();
    throw error;
  }
}

async function runRecorded<T>(
  { context, options, target }: Recording,
  evidence: EvidenceRun,
  body: Body<T>,
): Promise<T> {
  const { rotation, identity } = target;
  const source = await provenance(rotation.file, context.env);
  const endpoints = await endpointsOf(target.clients);
  const people = forgePeople(context.env);
  if (Object.values(people).some((value) => value !== NOT_GIVEN)) context.sideResult('people', { ...people });
  const about = { rotation: rotation.name, region: rotation.region, identity, endpoints, people };
  await evidence.record('run', 'begin', { ...about, ...source });
  return body(await assembleRun(context, options, target, evidence));
}

/** What the rotation file takes for granted is checked before anything is done; a run with evidence records what it found. */
function preflightFirst<T>(body: Body<T>): Body<T> {
  return async (run) => {
    const first = readingOnce(run);
    await preflight(first);
    await refuseRebound(first);
    if (!run.dryRun) await run.evidence.record('state', 'begin', { ...stateFacts(await observe(first)) });
    return body(run);
  };
}
