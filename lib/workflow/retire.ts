import { isCode, KeyturnError } from '../errors';
import { disableKey } from '../kms/key-switch';
import { otherUsers } from '../kms/other-users';
import { custodyStanding } from '../observation/custody-standing';
import {
  type Observation,
  type ObservedVersion,
  observe,
  observedActive,
  observeVersions,
} from '../observation/observe';
import { type Rotation, supersededVersions } from '../rotation/rotation';
import type { FlowFacts, VerificationRecord } from './flow-facts';
import { type GateInput, GatePass, gateReasons } from './gate';
import { activeInUse } from './material/require-custody';
import type { ChangeRun } from './rotation-run';
import type { Earlier, Step, StepResult, StepState } from './step';
import { bucketsToVerify } from './verify';

/** Superseded versions that Keyturn may disable: its own, and still Enabled. Adopted keys are left as they are. */
function toRetire(run: Pick<ChangeRun, 'rotation'>, versions: readonly ObservedVersion[]): readonly ObservedVersion[] {
  const superseded = new Set(supersededVersions(run.rotation).map((version) => version.name));
  return versions.filter(
    ({ version, key }) => superseded.has(version.name) && version.keyArn === undefined && key?.state === 'Enabled',
  );
}

/** Step 6: superseded versions are disabled, each behind the retire gate. Nothing deletes a key. */
export const retire: Step<'retire', ChangeRun, 're-encrypt' | 'verify'> = {
  id: 'retire',
  title: 'retire',
  doneBy: 'post-apply',
  leavesBehind: 'superseded versions are Disabled, never deleted',

  async check(run): Promise<StepState> {
    const names = toRetire(run, await observeVersions(run)).map((one) => one.version.name);
    if (names.length === 0) return { state: 'done', summary: 'no superseded version is Enabled' };
    return { state: 'ready', summary: `${names.join(', ')} can retire once the gate is satisfied` };
  },

  async run(run, earlier): Promise<StepResult<'retire'>> {
    const seen = await observe(run);
    const versions = toRetire(run, seen.versions);
    if (versions.length === 0) return { outcome: 'unchanged', summary: 'no superseded version is Enabled', facts: {} };
    const material = await activeInUse(run);
    const activeCustody = material && (await custodyStanding(run, material));
    const inputs = versions
      .flatMap((one) => gateInput(run.rotation, seen, earlier, one) ?? [])
      .map((input) => ({ ...input, activeCustody }));
    return run.dryRun ? previewOf(run, inputs) : retireAll(run, inputs);
  },

  async verify(run) {
    const left = toRetire(run, await observeVersions(run)).map((one) => one.version.name);
    if (left.length === 0 || run.dryRun) return;
    throw new KeyturnError('step-not-verified', { step: 'retire', found: `${left.join(', ')} is still Enabled` });
  },
};

function gateInput(
  rotation: Rotation,
  seen: Observation,
  { verify, 're-encrypt': moved }: Earlier<'re-encrypt' | 'verify'>,
  { version, key }: ObservedVersion,
): GateInput | undefined {
  const active = observedActive(rotation, seen.versions).key;
  if (!key || !active) return undefined;
  return {
    version,
    keyArn: key.arn,
    activeKeyArn: active.arn,
    observation: seen,
    buckets: bucketsToVerify(rotation),
    verification: recordOf(verify),
    reencryptions: moved?.passes ?? [],
    switchSeenAt: moved?.switchSeenAt,
  };
}

/** Half a record is none: the gate stays closed. */
function recordOf(found: Partial<FlowFacts['verify']> | undefined): VerificationRecord | undefined {
  const { activeKeyArn, buckets } = found ?? {};
  return activeKeyArn === undefined || buckets === undefined ? undefined : { activeKeyArn, buckets };
}

/** In a dry run nothing has moved yet, so what the gate says is a preview and no refusal. */
function previewOf({ reporter }: Pick<ChangeRun, 'reporter'>, inputs: readonly GateInput[]): StepResult<'retire'> {
  const gates = inputs.map((input) => ({ version: input.version.name, reasons: gateReasons(input) }));
  for (const { version, reasons } of gates) {
    for (const reason of reasons) reporter.note(`${version} stays on as things stand: ${reason.text}`);
  }
  const open = gates.filter((gate) => gate.reasons.length === 0).map((gate) => gate.version);
  const summary = open.length > 0 ? `would disable ${open.join(', ')}` : 'the gate would stay closed as things stand';
  return { outcome: 'unchanged', summary, facts: { gates } };
}

async function retireAll(run: ChangeRun, inputs: readonly GateInput[]): Promise<StepResult<'retire'>> {
  const retired = [];
  for (const input of inputs) {
    const pass = await openGate(run, input);
    await warnOfOtherUsers(run, input.keyArn);
    await retireVersion(run, pass);
    retired.push({ version: input.version.name, keyArn: input.keyArn });
  }
  const names = retired.map((one) => one.version).join(', ');
  return { outcome: 'changed', summary: `${names} is Disabled`, facts: { retired } };
}

async function openGate(run: ChangeRun, input: GateInput): Promise<GatePass> {
  try {
    const pass = GatePass.open(input);
    await run.evidence.record('gate', 'retire', {
      version: input.version.name,
      open: true,
      activeCustody: input.activeCustody,
    });
    return pass;
  } catch (error) {
    if (isCode(error, 'gate-refused')) await run.evidence.record('gate', 'retire', { open: false, ...error.facts });
    throw error;
  }
}

/** The one caller of `disableKey`; it takes a pass, so there is no way here but through the gate. */
async function retireVersion(run: ChangeRun, pass: GatePass): Promise<void> {
  if (!GatePass.isPass(pass)) throw new TypeError('a key is disabled only with a pass of the retire gate');
  await run.approve(`disable ${pass.version.name} (${pass.keyArn})?`);
  await run.evidence.record('intent', 'retire', { version: pass.version.name, keyArn: pass.keyArn });
  await disableKey(run.clients.kms, pass.keyArn, { signal: run.signal });
}

async function warnOfOtherUsers({ clients, reporter }: ChangeRun, keyArn: string): Promise<void> {
  const { grants, lastUsage } = await otherUsers(clients.kms, keyArn);
  for (const grant of grants) {
    reporter.warn(
      `${keyArn} is granted to ${grant.grantee ?? 'somebody'} (grant ${grant.name ?? grant.id}): it may still be in use`,
    );
  }
  if (lastUsage?.at)
    reporter.note(`last use that KMS knows of: ${lastUsage.operation ?? 'a call'} at ${lastUsage.at.toISOString()}`);
}
