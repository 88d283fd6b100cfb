import { EXIT } from '../lib/errors';
import { type BlockedIn, blockedVersions } from '../lib/workflow/remaining-versions';
import { type CommandDefinition, flag, rotationFileOptions } from './cli/command';
import { paceOptions } from './cli/flow-options';
import { withReading } from './cli/session';
import { table } from './cli/table';

export const blocked: CommandDefinition = {
  description:
    'Checks every object version of the declared buckets by the rules of post-apply, for the declared method. ' +
    'Changes nothing.',
  options: [...rotationFileOptions, ...paceOptions],
  mutates: false,
  examples: ['npx keyturn blocked', 'npx keyturn blocked --json'],
  async run(context, options) {
    const { rotation, account, result } = await withReading(context, options, blockedVersions);
    if (!flag(options, 'json')) context.terminal.show(format(result));
    return {
      exitCode: EXIT.done,
      data: { rotation: rotation.name, account, region: rotation.region, buckets: result },
    };
  },
};

function format(found: readonly BlockedIn[]): string {
  const rows = found.flatMap(({ bucket, blocked: versions }) =>
    versions.map((one) => [
      bucket,
      JSON.stringify(one.key),
      one.versionId ?? 'null',
      one.earliest ?? 'not known',
      `${one.reason}: ${one.detail}`,
    ]),
  );
  const totals = found.map((one) => `${one.bucket}: ${one.total} object version(s) blocked`);
  if (rows.length === 0) return totals.join('\n');
  return [table(['bucket', 'key', 'version', 'earliest', 'why'], rows), '', ...totals].join('\n');
}
