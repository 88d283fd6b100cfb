import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClients } from '../lib/aws/clients';
import { EXIT } from '../lib/errors';
import { type KeptProvider, keepProvider } from '../lib/terraform/kept-provider';
import { openWorkspace } from '../lib/terraform/open-workspace';
import type { Workspace } from '../lib/terraform/workspace';
import { type LocalAws, startLocalAws } from '../local-aws';
import { type Proof, ProofBook } from '../rehearsal/proofs';
import { readersRole } from '../rehearsal/readers';
import { playRehearsal, type Rehearsal } from '../rehearsal/rehearsal';
import type { Stage } from '../rehearsal/stage';
import { Stopwatch } from '../rehearsal/stopwatch';
import {
  type CommandContext,
  type CommandDefinition,
  flag,
  type OptionValues,
  rotationFileOption,
} from './cli/command';
import { readRotation } from './cli/open-target';
import { withRun } from './cli/session';
import { table } from './cli/table';
import { untilStopped } from './local-aws';
import { CUSTODIANS, custodyOption, type RehearsedCustody, setUpCustody } from './rehearse-custody';

export const rehearse: CommandDefinition = {
  description:
    'Starts the embedded AWS endpoint and rotates the keys of the rotation file from v1 to v2 there. Ends with eleven ' +
    'proofs, each checked through an ordinary AWS client. Writes only to a temporary directory and never contacts ' +
    'AWS.',
  options: [
    rotationFileOption,
    custodyOption,
    {
      flags: '--engine <engine>',
      description: 'the engine that moves the objects: this process, or jobs of S3 Batch Operations',
      choices: ['local', 'batch'],
      default: 'local',
    },
    { flags: '--keep', description: 'leave the endpoint running and the directory in place until Ctrl-C' },
  ],
  mutates: false,
  examples: [
    'npm run rehearse',
    'npm run rehearse -- --custody pkcs11',
    'npm run rehearse -- --engine batch',
    'npm run rehearse -- --keep',
    'npx keyturn rehearse --json',
  ],
  async run(context, options) {
    const started = performance.now();
    const sample = await readRotation(context, options);
    const endpoint = await startLocalAws({ region: sample.region, accountId: sample.account });
    const directory = await mkdtemp(path.join(tmpdir(), 'keyturn-rehearsal-'));
    const provider = keepProvider(path.join(directory, 'provider'), (reason) =>
      context.terminal.warn(`Terraform starts the AWS provider for each command, which takes longer: ${reason}`),
    );
    let restore = () => {};
    try {
      const custody = await setUpCustody(CUSTODIANS.find((kind) => kind === options.custody) ?? 'age', directory);
      restore = setVariables({ ...endpoint.environment(), ...custody.env });
      const rehearsal = await play(context, options, { sample, endpoint, directory, custody, provider });
      const seconds = (performance.now() - started) / 1000;
      const held = rehearsal.proofs.every((proof) => proof.holds);
      if (!flag(options, 'json')) context.terminal.show(formatRehearsal(rehearsal, seconds));
      if (flag(options, 'keep')) await keep(context, endpoint, directory);
      return { exitCode: held ? EXIT.done : EXIT.error, data: { held, seconds, ...rehearsal } };
    } finally {
      restore();
      await provider.close();
      await endpoint.close();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

interface Setting {
  readonly sample: Stage['sample'];
  readonly endpoint: LocalAws;
  readonly directory: string;
  readonly custody: RehearsedCustody;
  readonly provider: KeptProvider;
}

async function play(context: CommandContext, options: OptionValues, setting: Setting): Promise<Rehearsal> {
  const { terminal, signal } = context;
  const { sample, endpoint, directory, custody, provider } = setting;
  const rotationFile = path.join(directory, 'rotation.yaml');
  const clients = createClients({ region: sample.region, env: context.env });
  const readers = readersRole(sample, endpoint.accountId);
  const stopwatch = new Stopwatch();
  const env = { ...process.env };
  terminal.note(`embedded endpoint at ${endpoint.url}, account ${endpoint.accountId}; working in ${directory}`);
  try {
    return await playRehearsal({
      sample,
      rotationFile,
      custody: custody.declared,
      readers: readers && endpoint.addRole(readers),
      guests: guestsOf(sample, endpoint),
      policies: endpoint.credentials,
      engine: options.engine === 'batch' ? 'batch' : 'local',
      kms: clients.kms,
      s3: clients.s3,
      s3Control: clients.s3Control,
      sts: clients.sts,
      s3As: (session) => clients.as(session).s3,
      clock: endpoint.clock,
      reporter: terminal,
      signal,
      stopwatch,
      proofs: new ProofBook((proof, { what, holds }) =>
        holds ? terminal.note(`✓ proof ${proof}: ${what}`) : terminal.warn(`proof ${proof} failed: ${what}`),
      ),
      perform: async (command, body) => {
        const given = { ...options, rotationFile, yes: true, confirm: true, dryRun: false };
        const end = await withRun(command, { ...context, env, cwd: directory }, given, (run) => {
          const workspace = openWorkspace({ rotation: run.rotation, env, signal, provider });
          return body({ ...run, workspace: timed(workspace, stopwatch) });
        });
        return end.result;
      },
    });
  } finally {
    clients.destroy();
  }
}

/** Who uses v1 without being in the rotation file: a role, a service and a user of another account. */
function guestsOf({ name, region }: Stage['sample'], { accountId, addRole, credentials }: LocalAws): Stage['guests'] {
  const trust = [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: 'sts:AssumeRole' }];
  const may = [{ Effect: 'Allow', Action: ['s3:GetObject', 's3:GetObjectVersion'], Resource: '*' }];
  const service = 'delivery.logs.amazonaws.com';
  const sourceArn = `arn:aws:logs:${region}:${accountId}:*`;
  const other = OTHER_ACCOUNTS.find((one) => one !== accountId) ?? '';
  const noToken = { sessionToken: '' };
  return {
    reader: addRole({ name: `${name}-nightly`, trust, may }),
    delivery: {
      ...credentials.addService({
        name: service,
        sourceArn: sourceArn.replace('*', 'log-group'),
        sourceAccount: accountId,
      }),
      ...noToken,
      service,
      sourceArn,
    },
    partner: {
      ...credentials.addUser('partner', undefined, other),
      ...noToken,
      arn: `arn:aws:iam::${other}:user/partner`,
    },
  };
}

/** Example accounts of AWS's documentation. */
const OTHER_ACCOUNTS = ['444455556666', '111122223333'];

function timed(workspace: Workspace, stopwatch: Stopwatch): Workspace {
  return {
    plan: (stack) => stopwatch.measure('terraform plan', () => workspace.plan(stack)),
    apply: (plan) => stopwatch.measure('terraform apply', () => workspace.apply(plan)),
    declared: (stack) => workspace.declared(stack),
    managed: (stack) => workspace.managed(stack),
  };
}

/**
 * Sets the environment of this process and its children, replaces all AWS variables, and restores everything
 * afterwards.
 */
function setVariables(ours: Readonly<Record<string, string>>): () => void {
  const before = new Map<string, string | undefined>();
  const theirs = Object.keys(process.env).filter((name) =>
    /^AWS_(PROFILE|SESSION_TOKEN|ENDPOINT_URL.*|CA_BUNDLE|ROLE_ARN|WEB_IDENTITY.*)$/.test(name),
  );
  for (const name of new Set([...theirs, ...Object.keys(ours)])) {
    before.set(name, process.env[name]);
    delete process.env[name];
  }
  Object.assign(process.env, ours);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

async function keep({ terminal, signal }: CommandContext, endpoint: LocalAws, directory: string): Promise<void> {
  terminal.heading('the endpoint runs until Ctrl-C; in another shell:');
  for (const [name, value] of Object.entries(endpoint.environment())) terminal.plain(`export ${name}=${value}`);
  terminal.plain(`cd ${directory}`);
  terminal.plain('aws kms list-aliases');
  await untilStopped(signal);
}

function formatRehearsal({ proofs, spent }: Rehearsal, seconds: number): string {
  const proved = table(
    ['', 'proof', 'seen'],
    proofs.map((proof) => [proof.holds ? '✓' : '✗', `${proof.number}. ${proof.title}`, seen(proof)]),
  );
  const total = Object.values(spent).reduce((sum, one) => sum + one, 0);
  const time = table(
    ['duration of each step', 'seconds', 'share'],
    Object.entries(spent)
      .sort(([, left], [, right]) => right - left)
      .map(([account, ms]) => [
        account,
        (ms / 1000).toFixed(1).padStart(7),
        `${Math.round((100 * ms) / total)} %`.padStart(5),
      ]),
  );
  const failed = proofs.flatMap((proof) =>
    proof.observations
      .filter((one) => !one.holds)
      .map(
        (one) =>
          `✗ ${proof.number} ${one.what}: expected ${JSON.stringify(one.expected)}, observed ${JSON.stringify(one.observed)}`,
      ),
  );
  const held = proofs.filter((proof) => proof.holds).length;
  return [proved, ...failed, '', time, '', `${held} of ${proofs.length} proofs hold, in ${seconds.toFixed(0)} s`].join(
    '\n',
  );
}

function seen({ observations }: Proof): string {
  return `${observations.filter((one) => one.holds).length} of ${observations.length}`;
}
