import path from 'node:path';
import { confirmTarget } from '../../lib/aws/account-guard';
import { createClients } from '../../lib/aws/clients';
import { isCode, KeyturnError } from '../../lib/errors';
import { openEvidence } from '../../lib/evidence/evidence';
import { provenance } from '../../lib/evidence/provenance';
import { observe } from '../../lib/observation/observe';
import { stateFacts } from '../../lib/observation/state-facts';
import type { Rotation } from '../../lib/rotation/rotation';
import { loadRotation } from '../../lib/rotation/rotation-file';
import { openStore } from '../../lib/s3/open-store';
import { openWorkspace } from '../../lib/terraform/open-workspace';
import { openCustodian } from '../../lib/workflow/material/open-custodian';
import { preflight } from '../../lib/workflow/preflight';
import { requireEngine } from '../../lib/workflow/reencrypt-engine';
import type { RotationRun, RunRecord } from '../../lib/workflow/rotation-run';
import { lockRotation } from '../../lib/workflow/run-lock';
import { archiveEvidence } from './archive-evidence';
import { type CommandContext, flag, type OptionValues, text } from './command';
import { materialOptions, reencryptOptions } from './run-options';

/** The result of a session, for the caller's report. */
export interface SessionEnd<T> {
  readonly rotation: Rotation;
  readonly account: string;
  /** Absent for a dry run, which writes no evidence. */
  readonly evidenceFile: string | undefined;
  readonly result: T;
}

/**
 * The rotation file named by `--rotation-file`, read and checked. Read-only commands accept a file whose active
 * version has expired, because they must be able to report it.
 */
export function readRotation(
  context: CommandContext,
  options: OptionValues,
  expired: 'refuse' | 'accept' = 'refuse',
): Promise<Rotation> {
  const file = path.resolve(context.cwd, text(options, 'rotationFile') ?? 'rotation.yaml');
  return loadRotation(file, { now: new Date(), expired });
}

export interface RunManner {
  /** `accept` for a command that fixes an expiry. Default `refuse`. */
  readonly expired?: 'refuse' | 'accept';
  /** True for a command that controls the jobs of another run: it runs while that run holds the lock. Default false. */
  readonly mayRunBeside?: boolean;
}

/**
 * Opens everything a step needs, prints the account and Region before anything can change, runs the body, and always
 * closes everything; the evidence records how the run ended.
 */
export async function withRun<T>(
  command: string,
  context: CommandContext,
  options: OptionValues,
  body: (run: RotationRun) => Promise<T>,
  { expired = 'refuse', mayRunBeside = false }: RunManner = {},
): Promise<SessionEnd<T>> {
  return withClients(context, options, expired, async (target) => {
    const { rotation, identity } = target;
    const home = path.dirname(rotation.file);
    if (flag(options, 'dryRun')) {
      const run = await assemble(context, options, target, NO_RECORD);
      await preflight(run);
      return { rotation, account: identity.account, evidenceFile: undefined, result: await body(run) };
    }
    const lock = await lockRotation(home, rotation.name).catch((error: unknown) => {
      if (mayRunBeside && isCode(error, 'run-locked')) return undefined;
      throw error;
    });
    const concurrentRun = lock === undefined;
    const directory = path.join(home, '.keyturn', 'evidence');
    // The evidence of another active run is incomplete; that run archives it, and this run's evidence too.
    const keep = async () => {
      if (!concurrentRun) await archiveEvidence(context, { command, directory, ...target });
    };
    try {
      const evidence = await openEvidence({ directory, command, rotation: rotation.name, concurrentRun });
      try {
        const asked = await provenance(rotation.file, context.env);
        await evidence.record('run', 'begin', { rotation: rotation.name, region: rotation.region, identity, ...asked });
        const run = await assemble(context, options, target, evidence);
        await preflight(run);
        await evidence.record('state', 'begin', { ...stateFacts(await observe(run)) });
        const result = await body(run);
        await evidence.close('finished');
        await keep();
        return { rotation, account: identity.account, evidenceFile: evidence.file, result };
      } catch (error) {
        const outcome = error instanceof KeyturnError ? error.code : 'failed';
        await evidence.close(outcome).catch(() => context.terminal.warn(`cannot close the evidence: ${evidence.file}`));
        await keep();
        throw error;
      }
    } finally {
      await lock?.release();
    }
  });
}

/** For read-only commands: no lock and no evidence. */
export async function withReading<T>(
  context: CommandContext,
  options: OptionValues,
  body: (run: RotationRun) => Promise<T>,
): Promise<SessionEnd<T>> {
  return withClients(context, options, 'accept', async (target) => {
    const run = await assemble(context, { ...options, dryRun: true }, target, NO_RECORD);
    return { rotation: run.rotation, account: run.identity.account, evidenceFile: undefined, result: await body(run) };
  });
}

/** A run that changes nothing leaves no evidence. */
const NO_RECORD: RunRecord = { file: undefined, record: async () => undefined };

type Target = Pick<RotationRun, 'rotation' | 'clients' | 'identity' | 'store'>;

async function withClients<T>(
  context: CommandContext,
  options: OptionValues,
  expired: 'refuse' | 'accept',
  body: (target: Target) => Promise<T>,
): Promise<T> {
  const chosen = reencryptOptions(options);
  const rotation = await readRotation(context, options, expired);
  requireEngine(rotation, chosen);
  const clients = createClients({ region: rotation.region });
  try {
    const identity = await confirmTarget(clients, rotation);
    const dry = flag(options, 'dryRun') ? ' (dry run: nothing will be changed)' : '';
    context.terminal.note(
      `rotation ${rotation.name} in account ${identity.account}, Region ${rotation.region}, as ${identity.arn}${dry}`,
    );
    const opened = openStore(clients.s3);
    try {
      return await body({ rotation, clients, identity, store: opened.store });
    } finally {
      await opened.close();
    }
  } finally {
    clients.destroy();
  }
}

/** Journals must outlive a run; the outcomes belong to the run's evidence and are stored next to it. */
function runFiles(evidenceFile: string): RotationRun['files'] {
  const { dir, name } = path.parse(evidenceFile);
  return { journals: path.join(dir, '..', 'journals'), outcomes: path.join(dir, `${name}.outcomes`) };
}

async function assemble(
  context: CommandContext,
  options: OptionValues,
  target: Target,
  evidence: RunRecord,
): Promise<RotationRun> {
  const { terminal, signal, env } = context;
  return {
    ...target,
    workspace: openWorkspace({ rotation: target.rotation, env, signal }),
    custodian: openCustodian(target.rotation, { noCustody: options.custody === false, env, signal }),
    material: materialOptions(context, options),
    reencrypt: reencryptOptions(options),
    evidence,
    reporter: terminal,
    signal,
    dryRun: flag(options, 'dryRun'),
    approve: (question) => (flag(options, 'yes') ? Promise.resolve() : terminal.confirm(question, signal)),
    ask: (question) => ask(terminal, question, signal, flag(options, 'yes')),
    files: evidence.file === undefined ? undefined : runFiles(evidence.file),
  };
}

async function ask(
  terminal: CommandContext['terminal'],
  question: string,
  signal: AbortSignal,
  yes: boolean,
): Promise<boolean> {
  if (yes || !terminal.interactive) return false;
  try {
    await terminal.confirm(question, signal);
    return true;
  } catch (error) {
    if (isCode(error, 'declined')) return false;
    throw error;
  }
}
