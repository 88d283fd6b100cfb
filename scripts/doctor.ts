import path from 'node:path';
import { confirmTarget } from '../lib/aws/account-guard';
import { assumeRole } from '../lib/aws/assume-role';
import { awsNow, clockOffset } from '../lib/aws/aws-clock';
import type { AwsClients } from '../lib/aws/clients';
import { clientsFor } from '../lib/aws/rotation-clients';
import { EXIT, KeyturnError } from '../lib/errors';
import { exposureOf, exposureText } from '../lib/key-material/custody/exposure';
import { expiryOf } from '../lib/kms/expiry';
import type { DriftFinding } from '../lib/observation/drift-finding';
import { extendCommand, keeperOf } from '../lib/observation/key-remedy';
import { notAdopted } from '../lib/observation/not-adopted';
import { type Observation, type Observing, observe } from '../lib/observation/observe';
import type { CustodyObserving } from '../lib/observation/observed-custody';
import { observeDrift } from '../lib/observation/observed-drift';
import { type ObservedMaterials, observeMaterials } from '../lib/observation/observed-materials';
import { versionVerdicts } from '../lib/observation/version-verdicts';
import { actionsFor, POLICY_NAMES } from '../lib/permissions/command-permissions';
import { refuseCommitted } from '../lib/repository/committed-files';
import { AWS_PROVIDER_VERSION } from '../lib/rotation/provider-version';
import { batchRoleName, custodyDirectory, type Rotation } from '../lib/rotation/rotation';
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

interface Finding {
  readonly check: string;
  readonly sound: boolean;
  readonly found: string;
  readonly hint: string | undefined;
}

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
    findings.push(...clockFindings(clients));
    if (seen) findings.push(...adoptionFindings(rotation, seen));
    await examineServing({ rotation, clients, identity: target, signal }, findings);
    await examineReaders(rotation, clients, findings);
    const custodian = openCustodian(rotation, { noCustody: false, env, signal });
    if (seen) await examineKeys({ rotation, clients, identity: target, signal, custodian }, seen, findings);
  } finally {
    clients.destroy();
  }
}

/** A clock that is off moves every date that is given in days, and every warning of other tools. */
function clockFindings({ kms }: AwsClients): readonly Finding[] {
  const minutes = Math.round(clockOffset(kms) / 60_000);
  if (minutes === 0) return [];
  const found = `the clock of this machine is ${Math.abs(minutes)} minutes ${minutes < 0 ? 'ahead of' : 'behind'} AWS's`;
  return [
    { check: 'clock', sound: false, found, hint: 'set the clock, such as by NTP; AWS decides when material expires' },
  ];
}

/** What exists since before Keyturn, where the file does not say so. */
const adoptionFindings = (rotation: Rotation, seen: Observation): readonly Finding[] =>
  notAdopted(rotation, seen).map(({ stops, text: found }) => ({
    check: 'adoption',
    sound: !stops,
    found: stops ? found : `${found}; \`npx keyturn adopt\` declares it`,
    hint: 'let `npx keyturn adopt` declare it under adopted:, or bring back the state that holds it',
  }));

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

/** Every key that objects need is in use: an outage is a fault here as it is in `status`. */
async function examineKeys(
  looking: Observing & CustodyObserving,
  seen: Observation,
  findings: Finding[],
): Promise<void> {
  const { rotation } = looking;
  const now = awsNow(looking.clients.kms);
  const read = async () => {
    const materials = rotation.strategy === 'in-place' ? await observeMaterials(looking) : undefined;
    const drift = await observeDrift(looking, seen, now, { verdicts: await versionVerdicts(looking), materials });
    return { materials, faults: drift.filter(isFault) };
  };
  const found = await attempt(
    'keys',
    read,
    ({ faults }) => (faults.length === 0 ? 'no key is lost or off' : ''),
    findings,
  );
  if (found && found.faults.length > 0) {
    findings.pop();
    for (const { text, fix } of found.faults) findings.push({ check: 'keys', sound: false, found: text, hint: fix });
  }
  findings.push(
    ...(found?.materials ? materialExpiry(rotation, found.materials, now) : expiryFindings(rotation, seen, now)),
  );
}

/** Findings about custody that call for somebody. */
const CUSTODY_FAULTS: ReadonlySet<string> = new Set([
  'custody-record-absent',
  'custody-lost',
  'custody-folder-gone',
  'custody-other-key',
  'custody-of-other-material',
  'custody-copy-missing',
  'custody-copy-unknown',
  'custody-recipients-differ',
  'drill-due',
]);

const isFault = ({ level, code }: DriftFinding): boolean =>
  level === 'outage' || KEY_FAULTS.has(code) || (level === 'act' && CUSTODY_FAULTS.has(code));

/** Findings about keys that call for somebody although nothing is down yet. */
const KEY_FAULTS: ReadonlySet<string> = new Set([
  'key-pending-deletion',
  'material-expired',
  'material-foreign',
  'earlier-key-not-verified',
  'binding-contradicted',
  'binding-incomplete',
]);

function materialExpiry(rotation: Rotation, { versions }: ObservedMaterials, now: Date): Finding[] {
  return versions.flatMap(({ version, material }) =>
    material?.imported && material.validTo
      ? expiryFinding(
          rotation,
          version.name,
          { validTo: material.validTo, expirationModel: 'KEY_MATERIAL_EXPIRES' },
          now,
        )
      : [],
  );
}

/** A near expiry is a note; expired material is a fault. */
function expiryFindings(rotation: Rotation, seen: Observation, now: Date): Finding[] {
  return seen.versions.flatMap(({ version, key }) => (key ? expiryFinding(rotation, version.name, key, now) : []));
}

function expiryFinding(rotation: Rotation, name: string, key: Parameters<typeof expiryOf>[0], now: Date): Finding[] {
  const expiry = expiryOf(key, now, rotation.expiry.warnDays);
  if (expiry?.warning === undefined) return [];
  const when = expiry.expired ? 'has expired' : `expires in ${expiry.daysLeft} days`;
  const found = `the material of ${name} ${when} (${expiry.validTo.toISOString()})`;
  const hint = `extend it: \`${extendCommand(name, keeperOf(rotation))}\``;
  return [{ check: 'expiry', sound: !expiry.expired, found, hint }];
}

/** What others can write is a fault; what they can only read is encrypted, and a warning. */
async function exposureFindings({ custody }: Rotation): Promise<readonly Finding[]> {
  const directory = custodyDirectory(custody);
  const found = directory === undefined ? undefined : await exposureOf(directory, true);
  if (!found) return [];
  const { others, fix } = found;
  return [{ check: 'custody folder', sound: others === 'read', found: exposureText(found), hint: fix }];
}

/** Asks a custodian command whether it holds a copy, and a module whether it can wrap; neither changes anything. */
async function custodyFinding(rotation: Rotation, env: CommandContext['env'], signal: AbortSignal): Promise<Finding> {
  const { age, command, pkcs11 } = rotation.custody;
  const check = 'custody';
  const hint = 'create a recipient with `npx keyturn keygen` and add it to custody.age.recipients';
  if (!command && !pkcs11) {
    const count = age?.recipients.length ?? 0;
    return {
      check,
      sound: count > 0,
      found: count > 0 ? `${count} age recipient(s)` : 'no recipient is declared',
      hint,
    };
  }
  try {
    const custodian = await openCustodian(rotation, { noCustody: false, env, signal })();
    if (custodian.kind === 'pkcs11') {
      return {
        check,
        sound: true,
        found: `token ${pkcs11?.token} wraps with ${await custodian.wrapping()}`,
        hint: undefined,
      };
    }
    await custodian.copyBinding(rotation.activeVersion);
    return { check, sound: true, found: `${command?.run[0]} answers`, hint: undefined };
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.code === 'interrupted') throw error;
    return { check, sound: false, found: `${error.code}: ${error.message}`, hint: error.hint };
  }
}

/** A failed check is a finding; only interruptions and unexpected errors are thrown. */
async function attempt<T>(
  check: string,
  work: () => Promise<T>,
  describe: (result: T) => string,
  findings: Finding[],
): Promise<T | undefined> {
  try {
    const result = await work();
    findings.push({ check, sound: true, found: describe(result), hint: undefined });
    return result;
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.code === 'interrupted') throw error;
    findings.push({ check, sound: false, found: `${error.code}: ${error.message}`, hint: error.hint });
    return undefined;
  }
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
