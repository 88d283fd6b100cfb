import path from 'node:path';
import { callerIdentity } from '../lib/aws/caller-identity';
import { endpointsOf } from '../lib/aws/endpoints';
import { clientsFor } from '../lib/aws/rotation-clients';
import { announcementOf } from '../lib/confirm/announcement';
import { confirmedFile } from '../lib/confirm/confirmed-file';
import { inSandbox } from '../lib/confirm/in-sandbox';
import { probes } from '../lib/confirm/probes';
import { type Removed, removeSandboxes } from '../lib/confirm/remove-sandbox';
import { type Answered, runProbes } from '../lib/confirm/run-probes';
import { newMark } from '../lib/confirm/sandbox-mark';
import { EXIT, KeyturnError } from '../lib/errors';
import { accessFrom, accessOptions } from './cli/access-options';
import { type CommandContext, type CommandDefinition, flag, type OptionValues, text } from './cli/command';
import { table } from './cli/table';
import { ownVersion } from './cli/version';
import { writeOutput } from './cli/write-output';

export const confirm: CommandDefinition = {
  description:
    'Makes a bucket and two keys of its own, asks each question of docs/confirm.md once, and removes them: KMS deletes ' +
    'the keys after 7 days. --dry-run prints cost, permissions and what it leaves behind, and asks nothing. ' +
    '`local-aws --as` takes the file of --out as its settings.',
  options: [
    { flags: '--account <id>', description: 'the sandbox account, typed: it must be that of the credentials' },
    { flags: '--region <name>', description: 'default: AWS_REGION' },
    { flags: '--yes-i-am-in-a-sandbox', description: 'required, as nothing of value may be in the account' },
    {
      flags: '--role <arn>',
      description: 'a role that the identity may assume, for the question about restricted callers',
    },
    ...accessOptions,
    { flags: '--with-jobs', description: 'also ask about S3 Batch Operations, whose jobs cost 0.25 USD each' },
    { flags: '--job-role <arn>', description: 'with --with-jobs: the role of the jobs' },
    { flags: '--wait <minutes>', description: 'how long to wait for what AWS shows late, 0 to 90', default: '5' },
    { flags: '--out <path>', description: 'write the answers as JSON' },
  ],
  mutates: true,
  examples: [
    'npx keyturn confirm --account 111122223333 --region eu-central-1 --dry-run',
    'npx keyturn confirm --account 111122223333 --region eu-central-1 --yes-i-am-in-a-sandbox --out confirmed.json',
  ],
  async run(context, options) {
    const asked = askedOf(context, options);
    const { terminal } = context;
    const { cost, lines } = announcementOf(probes, asked);
    terminal.heading(`confirm, in account ${asked.account}, ${asked.region}`);
    for (const line of lines) terminal.note(line);
    const announced = { account: asked.account, region: asked.region, costUsd: cost, announcement: lines };
    if (flag(options, 'dryRun')) return { exitCode: EXIT.done, data: { ...announced, dryRun: true } };
    if (!flag(options, 'yesIAmInASandbox')) {
      throw usage(
        'nothing was asked: confirm makes and deletes keys and buckets',
        'pass --yes-i-am-in-a-sandbox if nothing of value is in this account',
      );
    }
    return { exitCode: EXIT.done, data: { ...announced, dryRun: false, ...(await ask(context, options, asked)) } };
  },
};

interface Asked {
  readonly account: string;
  readonly region: string;
  /** How long probes wait for what AWS shows late. */
  readonly minutes: number;
  readonly role: string | undefined;
  readonly jobRole: string | undefined;
}

function askedOf({ env }: CommandContext, options: OptionValues): Asked {
  const account = text(options, 'account') ?? '';
  if (!/^\d{12}$/.test(account)) {
    throw usage('--account must name the sandbox account by its 12 digits', 'such as --account 111122223333');
  }
  const region = text(options, 'region') ?? env.AWS_REGION ?? '';
  if (region === '') throw usage('no Region is given', 'pass --region eu-central-1, or set AWS_REGION');
  const minutes = Number(text(options, 'wait'));
  if (!Number.isInteger(minutes) || minutes < 0 || minutes > 90)
    throw usage('--wait accepts whole minutes from 0 to 90', 'such as --wait 60');
  const jobRole = text(options, 'jobRole');
  if (flag(options, 'withJobs') !== (jobRole !== undefined))
    throw usage('--with-jobs and --job-role need each other', 'pass both, or neither: jobs cost 0.25 USD each');
  return { account, region, minutes, role: text(options, 'role'), jobRole };
}

async function ask(context: CommandContext, options: OptionValues, { minutes, ...asked }: Asked) {
  const { account, region } = asked;
  const { env, signal, terminal, cwd } = context;
  const reach = { name: 'confirm', region, aws: accessFrom(options) };
  const clients = clientsFor(reach, { env, signal });
  const cleaners = clientsFor(reach, { env });
  try {
    const identity = await callerIdentity(clients);
    if (identity.account !== account) {
      throw usage(
        `the credentials belong to account ${identity.account} (${identity.arn}), not to ${account}`,
        'use credentials of the sandbox account; nothing was asked or changed',
      );
    }
    report(context, 'earlierRuns', await removeSandboxes(clients, account), 'earlier runs left');
    const request = { ...asked, clients, mark: newMark(), signal, waitMs: minutes * 60_000 };
    const { result: answered, removed } = await inSandbox(request, cleaners, (sandbox) =>
      runProbes(sandbox, probes, ({ probe, answer }) => terminal.note(`${probe.setting}: ${answer.standing}`)),
    );
    if ('failed' in removed) reportFailure(context, removed.failed);
    else report(context, 'removed', removed, 'removed');
    if (!flag(options, 'json')) terminal.show(answerTable(answered));
    const endpoints = await endpointsOf(clients);
    const endpoint = endpoints.kms ?? endpoints.s3 ?? endpoints.sts;
    const confirmedAt = new Date().toISOString();
    const file = confirmedFile(answered, { account, region, endpoint, keyturn: ownVersion(), confirmedAt });
    const out = text(options, 'out');
    if (out !== undefined) await writeOutput(path.resolve(cwd, out), `${JSON.stringify(file, null, 2)}\n`);
    return { endpoint, settings: file.settings, probes: file.probes, out: out ?? null };
  } finally {
    clients.destroy();
    cleaners.destroy();
  }
}

function report({ terminal, sideResult }: CommandContext, name: string, removed: Removed, words: string): void {
  const { buckets, keys } = removed;
  sideResult(name, { ...removed });
  if (buckets.length + keys.length === 0) return;
  terminal.note(`${words}: ${[...buckets, ...keys].join(', ')}`);
}

/** The answers count all the same; what is left is found by its tag. */
function reportFailure({ sideResult }: CommandContext, error: unknown): void {
  if (!(error instanceof KeyturnError)) throw error;
  sideResult('removed', { buckets: [], keys: [] }, error);
}

function answerTable(answered: readonly Answered[]): string {
  const rows = answered.map(({ probe, answer }) => [
    probe.setting,
    answer.standing === 'settled' ? answer.value : answer.standing === 'unforeseen' ? 'UNFORESEEN' : 'not settled',
    answer.standing === 'not-settled' ? answer.why : answer.seen,
  ]);
  return table(['setting', 'answer', 'seen, or why not'], rows);
}

const usage = (problem: string, hint: string): KeyturnError => new KeyturnError('usage', { problem, hint });
