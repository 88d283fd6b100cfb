import { EXIT } from '../lib/errors';
import type { BucketVerification } from '../lib/verify/bucket-verification';
import { accountText } from '../lib/verify/version-account';
import { type LateWriters, lateWriters } from '../lib/workflow/late-writers';
import { stragglers as findStragglers } from '../lib/workflow/remaining-versions';
import { type CommandDefinition, flag, rotationFileOptions } from './cli/command';
import { paceOptions } from './cli/flow-options';
import { withReading } from './cli/session';
import { table } from './cli/table';
import { useTable } from './cli/use-table';

export const stragglers: CommandDefinition = {
  description:
    'Lists every bucket and checks every object version like the verify step, but reads no objects. Changes ' +
    'nothing. A straggler from after the switch comes from a writer that still names the old key: CloudTrail shows who.',
  options: [
    ...rotationFileOptions,
    ...paceOptions,
    {
      flags: '--detailed-exitcode',
      description: 'exit 2 if there is a straggler, an unknown or an open upload',
    },
  ],
  mutates: false,
  examples: ['npx keyturn stragglers', 'npx keyturn stragglers --json', 'npx keyturn stragglers --detailed-exitcode'],
  async run(context, options) {
    const { rotation, account, result } = await withReading(context, options, async (run) => ({
      buckets: await findStragglers(run),
      late: await lateWriters(run),
    }));
    const { buckets, late } = result;
    if (!flag(options, 'json')) context.terminal.show([format(buckets), ...late.flatMap(lateText)].join('\n'));
    const some = buckets.some((one) => one.leftTotal + one.unknownTotal + one.openUploadsTotal > 0);
    const pending = some && flag(options, 'detailedExitcode');
    return {
      exitCode: pending ? EXIT.changesPending : EXIT.done,
      data: { rotation: rotation.name, account, region: rotation.region, buckets, writers: late },
    };
  },
};

function lateText({ version, since, writers, unread }: LateWriters): readonly string[] {
  const asked = `writers under ${version} since the switch`;
  if (since === null) return [`${asked}: not asked, the main alias is not at the active version`];
  const none = `${asked} (${since}): none, as far as CloudTrail shows`;
  const read = unread.length === 0 ? [none] : [];
  return [
    ...(writers.length === 0 ? read : ['', `${asked} (${since}):`, useTable(writers)]),
    ...unread.map((what) => `${asked}: not known, ${what}`),
  ];
}

function format(found: readonly BucketVerification[]): string {
  const rows = found.flatMap((one) => [
    ...one.left.map((left) => [one.bucket, JSON.stringify(left.key), left.versionId, left.lastModified, left.keyArn]),
    ...one.unknown.map((unknown) => [one.bucket, JSON.stringify(unknown.key), unknown.versionId, '-', unknown.reason]),
    ...one.openUploads.map((upload) => [one.bucket, JSON.stringify(upload.key), 'open upload', upload.initiated, '-']),
  ]);
  const totals = found.map(
    (one) => `${one.bucket}: ${accountText(one.account)}; ${one.openUploadsTotal} open upload(s)`,
  );
  if (rows.length === 0) return totals.join('\n');
  return [table(['bucket', 'key', 'version', 'written', 'under'], rows), '', ...totals].join('\n');
}
