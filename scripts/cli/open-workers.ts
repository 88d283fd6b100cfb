import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Target as Account } from '../../lib/aws/account-guard';
import type { Rotation } from '../../lib/rotation/rotation';
import { WorkerPool } from '../../lib/workers/worker-pool';
import { startWorkers, type WorkerEntry } from '../../lib/workers/worker-process';
import type { CommandContext, OptionValues } from './command';
import { processesOf, reencryptOptions } from './run-options';

/**
 * The processes that `--processes` asks for; undefined for one, which is this one. None is started before there is something for it.
 *
 * @throws usage
 */
export function openWorkers(
  { env }: Pick<CommandContext, 'env'>,
  options: OptionValues,
  { rotation, identity }: { readonly rotation: Rotation; readonly identity: Pick<Account, 'account'> },
): WorkerPool | undefined {
  const { concurrency, maxRps } = reencryptOptions(options);
  // This process has a share of both limits, too, and a share is one at least.
  const shares = Math.min(concurrency ?? Number.POSITIVE_INFINITY, maxRps ?? Number.POSITIVE_INFINITY);
  const processes = Math.min(processesOf(options), shares - 1);
  if (processes <= 1) return undefined;
  const { file, name, region, aws } = rotation;
  const settings = { file, name, region, aws, account: identity.account };
  return new WorkerPool({ processes, settings, start: startWorkers(workerEntry(), env) });
}

/** The compiled file beside this one, as the package and `bin/keyturn.js` have it; else the source, which Node loads with tsx. */
function workerEntry(): WorkerEntry {
  const compiled = path.join(__dirname, '../worker.js');
  if (existsSync(compiled)) return { file: compiled, nodeOptions: [] };
  return { file: path.join(__dirname, '../worker.ts'), nodeOptions: ['--require', 'tsx/cjs'] };
}
