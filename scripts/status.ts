import { EXIT } from '../lib/errors';
import { explainJob } from '../lib/workflow/jobs/job-messages';
import { status as readStatus, type Status } from '../lib/workflow/rotation-status';
import { type CommandDefinition, flag, rotationFileOptions } from './cli/command';
import { withReading } from './cli/session';
import { table } from './cli/table';

export const status: CommandDefinition = {
  description:
    'Reads AWS, the rotation file, custody records and evidence; changes nothing. As a scheduled job it finds ' +
    'expiring material (60, 30 or 7 days ahead), keys that are too old, changes made outside of Terraform, ' +
    'earlier versions without a verification since the last switch, and missing custody records. It exits 1 during an ' +
    'outage, when a key that objects need is out of use, and where an earlier key is out of use and nothing shows that ' +
    'no object needs it.',
  options: [
    ...rotationFileOptions,
    {
      flags: '--detailed-exitcode',
      description: 'exit 2 if a step is pending or a finding needs action',
    },
  ],
  mutates: false,
  examples: ['npx keyturn status', 'npx keyturn status --json', 'npx keyturn status --detailed-exitcode'],
  async run(context, options) {
    const { rotation, account, result } = await withReading(context, options, readStatus);
    if (!flag(options, 'json')) context.terminal.show(formatStatus(result));
    const called = result.next !== undefined || result.drift.some((one) => one.level !== 'note');
    const pending = flag(options, 'detailedExitcode') && called;
    const down = result.drift.some((one) => one.level === 'outage' || one.unproven);
    return {
      exitCode: pending ? EXIT.changesPending : down ? EXIT.error : EXIT.done,
      data: { rotation: rotation.name, account, region: rotation.region, ...result },
    };
  },
};

function formatStatus(found: Status): string {
  const versions = table(
    ['version', 'role', 'key state', 'material valid to', 'last drilled', 'key'],
    found.versions.map((one) => [
      one.name,
      one.role,
      one.material ? `${one.keyState}, material ${one.material}` : one.keyState,
      dateText(one),
      one.drilledAt ?? 'never',
      one.keyArn ?? '-',
    ]),
  );
  const verdicts = found.versions.flatMap((one) => (one.verdict ? [`${one.name}: ${one.verdict.text}`] : []));
  const pointers = table(
    ['what', 'points at', 'bucket key'],
    [
      [found.alias.name, found.alias.pointsAt ?? 'nothing', '-'],
      ...found.buckets.map((one) => [one.name, one.pointsAt ?? 'no such bucket', one.bucketKey ? 'on' : 'off']),
    ],
  );
  const steps = table(
    ['step', 'state', 'why'],
    found.steps.map((one) => [one.id, one.state, one.summary]),
  );
  const next = found.next
    ? `next: ${found.next.command}  (${found.next.summary})`
    : 'next: nothing, the rotation is done';
  const findings = found.drift.map((one) => `${one.level === 'note' ? 'i' : '!'} ${one.text}\n    ${one.fix}`);
  const jobs = found.jobs === undefined ? [] : [jobLines(found.jobs)].filter((text) => text !== '');
  const judged = verdicts.length > 0 ? [verdicts.join('\n')] : [];
  return [
    versions,
    pointers,
    ...judged,
    ...(verdicts.length > 0 ? [outOfScopeLines(found.outOfScope)] : []),
    steps,
    ...jobs,
    ...(findings.length > 0 ? [findings.join('\n')] : []),
    next,
  ].join('\n\n');
}

function dateText({ validity, validTo, keyState }: Status['versions'][number]): string {
  if (validity === 'expired') return 'expired';
  if (validity === 'lost') return 'no material any more';
  if (validity === 'waiting') return 'no material yet';
  if (validity === undefined) return keyState;
  return validTo ?? 'does not expire';
}

/** Said also where there is nothing, and where nobody counted: what is not moved must not look as if it were not there. */
function outOfScopeLines(found: Status['outOfScope']): string {
  if (found === undefined) return 'out of scope: not counted yet; `npx keyturn post-apply --dry-run` counts';
  return found.buckets
    .map(({ bucket, versions, under }) => {
      const keys = under.length > 0 ? `, under ${under.join(', ')}` : '';
      return `${bucket}: ${versions} object version(s) out of scope${keys}, as of ${found.verifiedAt}`;
    })
    .join('\n');
}

function jobLines(jobs: NonNullable<Status['jobs']>): string {
  if (jobs === 'denied') return 'jobs: unknown, because s3:ListJobs or s3:DescribeJob is denied';
  return jobs
    .map((one) => {
      const tasks = one.total === 0 ? '' : `, ${one.succeeded + one.failed} of ${one.total} tasks`;
      return `job ${one.jobId} of ${one.bucket} is ${one.status}${tasks}: ${explainJob(one)}`;
    })
    .join('\n');
}
