import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, KeyturnError } from '../lib/errors';
import { reenable } from '../lib/workflow/roll-back';
import type { RotationRun } from '../lib/workflow/rotation-run';
import { type WatchedVersion, watchDisabled } from '../lib/workflow/watch-disabled';
import { type CommandContext, type CommandDefinition, flag, rotationFileOptions } from './cli/command';
import { duration } from './cli/run-options';
import { withReading, withRun } from './cli/session';
import { useTable } from './cli/use-table';

/** CloudTrail is late by minutes: looking more often finds nothing sooner. */
const PAUSE_MS = 60_000;

export const watch: CommandDefinition = {
  description:
    'Looks in CloudTrail for calls that failed with DisabledException since a key of this rotation was disabled: who, on ' +
    'which bucket, how often. CloudTrail is about five minutes late. Exit code 0: nobody failed. 2: somebody did, or not ' +
    'everything could be read. 3: somebody did, and --enable-on-failure enabled the key again.',
  options: [
    ...rotationFileOptions,
    { flags: '--for <duration>', description: 'look every minute for this long, such as 2h; default: look once' },
    { flags: '--enable-on-failure', description: 'enable the key again as soon as somebody fails' },
  ],
  mutates: true,
  examples: ['npx keyturn watch', 'npx keyturn watch --for 2h --enable-on-failure --yes'],
  async run(context, options) {
    const forMs = duration(options, 'for', '--for') ?? 0;
    const enables = flag(options, 'enableOnFailure');
    const body = async (run: RotationRun) => {
      const found = await lookUntil(context, run, Date.now() + forMs);
      const enabled = enables ? await enableFailing(run, found) : [];
      return { found, enabled };
    };
    const { rotation, account, result } = enables
      ? await withRun('watch', context, options, body, { expired: 'accept' })
      : await withReading(context, options, body);
    if (!flag(options, 'json')) context.terminal.show(format(result.found));
    for (const name of result.enabled)
      context.terminal.hint(`${name} is enabled again: fix what still needs it, then run \`npx keyturn post-apply\``);
    const versions = result.found.map(({ version, ...one }) => ({ version: version.name, ...one }));
    return {
      exitCode: exitCodeOf(result),
      data: { rotation: rotation.name, account, region: rotation.region, versions, enabled: result.enabled },
    };
  },
};

interface Watched {
  readonly found: readonly WatchedVersion[];
  /** Names of the versions that were enabled. */
  readonly enabled: readonly string[];
}

const failing = (found: readonly WatchedVersion[]) => found.filter(({ failures }) => failures.length > 0);

function exitCodeOf({ found, enabled }: Watched) {
  if (enabled.length > 0) return EXIT.partlyDone;
  const isOpen = failing(found).length > 0 || found.some(({ unread }) => unread.length > 0);
  return isOpen ? EXIT.changesPending : EXIT.done;
}

/** Looks until somebody fails or the time is over. @throws interrupted */
async function lookUntil(
  { signal, terminal }: CommandContext,
  run: RotationRun,
  deadline: number,
): Promise<readonly WatchedVersion[]> {
  for (;;) {
    const found = await watchDisabled(run);
    const left = deadline - Date.now();
    if (left <= 0 || found.length === 0 || failing(found).length > 0) return found;
    terminal.progress(`nobody failed yet; ${Math.ceil(left / 60_000)} minutes left`);
    try {
      await sleep(Math.min(PAUSE_MS, left), undefined, { signal });
    } catch (error) {
      throw new KeyturnError('interrupted', { during: 'watch' }, error);
    }
  }
}

async function enableFailing(run: RotationRun, found: readonly WatchedVersion[]): Promise<readonly string[]> {
  const enabled: string[] = [];
  for (const { version, keyArn, failures } of failing(found)) {
    await run.evidence.record('watch', 'retire', { version: version.name, keyArn, failures });
    await reenable(run, version);
    if (!run.dryRun) enabled.push(version.name);
  }
  return enabled;
}

function format(found: readonly WatchedVersion[]): string {
  if (found.length === 0) return 'no key of this rotation is disabled: there is nothing to watch';
  return found.map(one).join('\n\n');
}

function one({ version, keyArn, disabledAt, failures, unread }: WatchedVersion): string {
  const since = disabledAt === null ? 'disabled before the window' : `disabled ${disabledAt}`;
  return [
    `${version.name} (${keyArn}), ${since}`,
    failures.length === 0 ? 'nobody failed, as far as CloudTrail shows by now' : useTable(failures),
    ...unread.map((what) => `could not be read: ${what}`),
  ].join('\n');
}
