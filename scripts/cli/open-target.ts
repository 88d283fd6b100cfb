import path from 'node:path';
import { confirmTarget } from '../../lib/aws/account-guard';
import { endpointsOf } from '../../lib/aws/endpoints';
import { clientsFor } from '../../lib/aws/rotation-clients';
import { isCode, KeyturnError } from '../../lib/errors';
import { refuseCommitted } from '../../lib/repository/committed-files';
import type { Rotation } from '../../lib/rotation/rotation';
import { loadRotation } from '../../lib/rotation/rotation-file';
import { findRotationFiles } from '../../lib/rotation/rotation-files';
import { openStore } from '../../lib/s3/open-store';
import { requireEngine } from '../../lib/workflow/engine-asked';
import type { RotationRun } from '../../lib/workflow/rotation-run';
import { type CommandContext, flag, type OptionValues, text } from './command';
import { openWorkers } from './open-workers';
import { refuseOwnStacks, type StackCommand } from './refuse-own-stacks';
import { reencryptOptions } from './run-options';

/** The rotation, the account it is in, and the clients that reach it. */
export type Target = Pick<RotationRun, 'rotation' | 'clients' | 'identity' | 'store' | 'workers'>;

/**
 * The rotation file named by `--rotation-file`, read and checked. Read-only commands accept a file whose active
 * version has expired, because they must be able to report it.
 */
export function readRotation(
  context: CommandContext,
  options: OptionValues,
  expired: 'refuse' | 'accept' = 'refuse',
): Promise<Rotation> {
  const named = text(options, 'rotationFile') ?? 'rotation.yaml';
  const file = path.resolve(context.cwd, named);
  return loadRotation(file, { now: new Date(), expired }).catch(async (error: unknown) => {
    if (!isCode(error, 'rotation-file-missing') || named !== 'rotation.yaml') throw error;
    throw new KeyturnError('rotation-file-missing', { file, others: await findRotationFiles(context.cwd) }, error);
  });
}

/**
 * Opens the clients, compares account and Region with the rotation file, prints them, runs the body, and closes the clients.
 *
 * @throws what reading the rotation file throws; own-stacks, working-files-committed, engine-undeclared, and where account or Region differ
 */
export async function withTarget<T>(
  context: CommandContext,
  options: OptionValues,
  { expired, onStacks }: { readonly expired: 'refuse' | 'accept'; readonly onStacks: StackCommand | undefined },
  body: (target: Target) => Promise<T>,
): Promise<T> {
  const chosen = reencryptOptions(options);
  const rotation = await readRotation(context, options, expired);
  if (onStacks !== undefined) refuseOwnStacks(onStacks, rotation);
  await refuseCommitted(path.dirname(rotation.file), context.env);
  requireEngine(rotation, chosen);
  const clients = clientsFor(rotation, { env: context.env });
  try {
    const identity = await confirmTarget(clients, rotation);
    const dry = flag(options, 'dryRun') ? ' (dry run: nothing will be changed)' : '';
    context.terminal.note(
      `rotation ${rotation.name} in account ${identity.account}, Region ${rotation.region}, as ${identity.arn}${dry}`,
    );
    await showEndpoints(context, clients);
    const opened = openStore(clients.s3, identity.account);
    const workers = openWorkers(context, options, { rotation, identity });
    try {
      return await body({ rotation, clients, identity, store: opened.store, workers });
    } finally {
      workers?.close();
      await opened.close();
    }
  } finally {
    clients.destroy();
  }
}

/** An endpoint that is not AWS's is a rehearsal, or somebody in between: people and programs must see it. */
async function showEndpoints(context: CommandContext, clients: Parameters<typeof endpointsOf>[0]): Promise<void> {
  const endpoints = await endpointsOf(clients);
  const foreign = Object.entries(endpoints).filter(([, url]) => url !== null);
  if (foreign.length === 0) return;
  const list = foreign.map(([service, url]) => `${service} ${url}`).join(', ');
  context.terminal.warn(`this is not AWS: ${list}`);
  context.sideResult('endpoints', { ...endpoints });
}
