import path from 'node:path';
import { confirmTarget } from '../lib/aws/account-guard';
import { assumeRole } from '../lib/aws/assume-role';
import { clockOffset } from '../lib/aws/aws-clock';
import type { AwsClients } from '../lib/aws/clients';
import { clientsFor } from '../lib/aws/rotation-clients';
import { EXIT } from '../lib/errors';
import { notAdopted } from '../lib/observation/not-adopted';
import { type Observation, observe } from '../lib/observation/observe';
import { actionsFor, POLICY_NAMES } from '../lib/permissions/command-permissions';
import { refuseCommitted } from '../lib/repository/committed-files';
import { AWS_PROVIDER_VERSION } from '../lib/rotation/provider-version';
import { batchRoleName, type Rotation } from '../lib/rotation/rotation';
import { bucketExists } from '../lib/s3/bucket-default';
import { findTerraform } from '../lib/terraform/binary';
import { type ProviderSource, providerSource } from '../lib/terraform/cli-configuration';
import { standingOf } from '../lib/terraform/support-table';
import { jobsReady } from '../lib/workflow/jobs/jobs-ready';
import { openCustodian } from '../lib/workflow/material/open-custodian';
import {
  type CommandContext,
  type CommandDefinition,
  flag,
  type OptionValues,
  rotationFileOptions,
} from './cli/command';
import { trySigner } from './cli/open-signer';
import { readRotation } from './cli/open-target';
import { table, wrapWords } from './cli/table';
import { attempt, type Finding } from './doctor-finding';
import { custodyFinding, examineKeys, exposureFindings } from './doctor-keys';

const OLDEST_NODE = [20, 19] as const;

export const doctor: CommandDefinition = {
  description:
    'Tests everything that a rotation needs without changing anything, and lists the required IAM actions. It does ' +
    'not test actions that write; it only lists them.',
  options: [...rotationFileOptions],
  mutates: false,
  examples: ['npx keyturn doctor', 'npx keyturn doctor --json'],
  async run(context, options) {
    const { findings, rotation } = await examine(context, options);
    const permissions = Object.fromEntries(POLICY_NAMES.map((name) => [name, actionsFor(name, rotation)]));
    const sound = findings.every((one) => one.sound);
    if (!flag(options, 'json')) context.terminal.show(format(findings, permissions));
    return { exitCode: sound ? EXIT.done : EXIT.error, data: { sound, findings, permissions } };
  },
};

/**
 * The findings, and the rotation if its file could be read: it limits the listed permissions to those that it needs.
 */
interface Examination {
  readonly findings: readonly Finding[];
  readonly rotation: Rotation | undefined;
}

async function examine(context: CommandContext, options: OptionValues): Promise<Examination> {
  const { env, signal } = context;
  const findings: Finding[] = [nodeFinding(process.versions.node)];
  const binary = await attempt(
    'Terraform',
    () => findTerraform({ env, signal }),
    (one) => `${one.product} ${one.version} (${standingOf(one.product, one.version)})`,
    findings,
  );
  const rotation = await attempt(
    'rotation file',
    () => readRotation(context, options, 'accept'),
    (one) => `${one.file}: ${one.name}`,
    findings,
  );
  if (binary) {
    const required = rotation?.terraform.awsProvider ?? AWS_PROVIDER_VERSION;
    const found = async () => ({ required, source: await providerSource({ binary, env, required }) });
    await attempt('AWS provider', found, describeProvider, findings);
  }
  if (rotation) {
    await attempt(
      'working files',
      () => refuseCommitted(path.dirname(rotation.file), env),
      () => 'git tracks none of them',
      findings,
    );
    await examineAws(rotation, context, findings);
    if (rotation.evidence.signer !== undefined)
      await attempt(
        'evidence signer',
        () => trySigner(context, rotation),
        (found) => found,
        findings,
      );
  }
  return { findings, rotation };
}

async function examineAws(
  rotation: Rotation,
  { env, signal }: Pick<CommandContext, 'env' | 'signal'>,
  findings: Finding[],
): Promise<void> {
  findings.push(await custodyFinding(rotation, env, signal), ...(await exposureFindings(rotation)));
  const clients = clientsFor(rotation, { env, signal });
  try {
    const target = await attempt(
      'credentials and account',
      () => confirmTarget(clients, rotation),
      (one) => `account ${one.account} as ${one.arn}, Region ${one.region}`,
      findings,
    );
    if (!target) return;
    const seen = await attempt(
      'read access to KMS and S3',
      () => observe({ rotation, clients, identity: target, signal }),
      ({ versions }) => versions.map((one) => `${one.version.name} ${one.key?.state ?? 'not declared yet'}`).join(', '),
      findings,
    );
    if (seen) findings.push(...adoptionFindings(rotation, seen));
    findings.push(...clockFindings(clients));
    await examineServing({ rotation, clients, identity: target, signal }, findings);
    await examineReaders(rotation, clients, findings);
    const custodian = openCustodian(rotation, { noCustody: false, env, signal });
    if (seen) await examineKeys({ rotation, clients, identity: target, signal, custodian }, seen, findings);
  } finally {
    clients.destroy();
  }
}

/** What exists since before Keyturn, where the file does not say so. */
const adoptionFindings = (rotation: Rotation, seen: Observation): readonly Finding[] =>
  notAdopted(rotation, seen).map(({ stops, text: found }) => ({
    check: 'adoption',
    sound: !stops,
    found: stops ? found : `${found}; \`npx keyturn adopt\` declares it`,
    hint: 'let `npx keyturn adopt` declare it under adopted:, or bring back the state that holds it',
  }));

/** A clock that is off moves every date that is given in days, and every warning of other tools. */
function clockFindings({ kms }: AwsClients): readonly Finding[] {
  const minutes = Math.round(clockOffset(kms) / 60_000);
  if (minutes === 0) return [];
  const found = `the clock of this machine is ${Math.abs(minutes)} minutes ${minutes < 0 ? 'ahead of' : 'behind'} AWS's`;
  return [
    { check: 'clock', sound: false, found, hint: 'set the clock, such as by NTP; AWS decides when material expires' },
  ];
}

/** The support buckets of a rotation and its jobs. A missing bucket is not a fault. */
async function examineServing(looking: Parameters<typeof jobsReady>[0], findings: Finding[]): Promise<void> {
  const { rotation, clients, identity } = looking;
  const { batch } = rotation.reencrypt;
  const there = (bucket: string, is: boolean) =>
    is ? `${bucket} exists` : `${bucket} does not exist yet: the storage stack creates it`;
  if (batch) {
    const role = `the role ${batchRoleName(rotation)} is tested when a job is created`;
    await attempt(
      'jobs',
      () => jobsReady(looking),
      ({ bucket }) => `jobs can be listed; ${there(batch.bucket, bucket)}; ${role}`,
      findings,
    );
  }
  const kept = rotation.evidence.bucket?.name;
  if (kept === undefined) return;
  await attempt(
    'evidence bucket',
    () => bucketExists(clients.s3, kept, identity.account),
    (is) => there(kept, is),
    findings,
  );
}

/** Whether this identity can take the readers' role of the dress rehearsal. The session may do nothing. */
async function examineReaders({ name, retire }: Rotation, clients: AwsClients, findings: Finding[]): Promise<void> {
  const role = retire.rehearseAs;
  if (role === undefined) return;
  const nothing = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] };
  const session = { roleArn: role, sessionName: `keyturn-${name}-doctor`, policy: JSON.stringify(nothing) };
  await attempt(
    'dress rehearsal',
    async () => (await assumeRole(clients, session)).destroy(),
    () => `${role} can be assumed`,
    findings,
  );
}

function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const sound = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return {
    check: 'Node',
    sound,
    found: `${version} (${standingOf('Node', version)})`,
    hint: `install Node ${OLDEST_NODE.join('.')} or newer`,
  };
}

interface RequiredProvider {
  readonly required: string;
  readonly source: ProviderSource;
}

function describeProvider({ required, source }: RequiredProvider): string {
  if (source.kind === 'user') return `${required}, as configured in ${source.file}`;
  if (source.kind === 'registry') return `${required}, from its registry at the first \`terraform init\``;
  return `${source.version} (${standingOf('AWS provider', source.version)}) from the mirror ${source.directory}`;
}

function format(findings: readonly Finding[], permissions: Readonly<Record<string, readonly string[]>>): string {
  const checks = table(
    ['', 'check', 'found'],
    findings.map((one) => [one.sound ? '✓' : '✗', one.check, one.found.replaceAll('\n', ' ')]),
  );
  const hints = findings.filter((one) => !one.sound && one.hint).map((one) => `next (${one.check}): ${one.hint}`);
  const needed = Object.entries(permissions).flatMap(([who, actions]) => [
    `IAM actions of \`npx keyturn policy ${who}\`:`,
    ...wrapWords(actions, 100).map((line) => `  ${line}`),
  ]);
  return [checks, ...hints, '', ...needed].join('\n');
}
