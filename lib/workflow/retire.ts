import { isCode, KeyturnError } from '../errors';
import { disableKey, enableKey } from '../kms/key-switch';
import { lastUsageOf } from '../kms/other-users';
import { type ObservedVersion, observeVersions } from '../observation/observe';
import { verifyDisabled, withoutLook } from './disabled-versions';
import type { VerificationRecord } from './flow-facts';
import { type GateInput, GatePass, gateReasons, gateVerdict } from './gate';
import { gateInput, type RetireFindings, verificationOf } from './gate-facts';
import type { GateReason } from './gate-reason';
import { type DisabledVersion, lookAfterDisable, lookFailed, takeBack } from './look-after-disable';
import { toRetire } from './retirable-versions';
import type { RetireRun } from './rotation-run';
import type { Step, StepResult, StepState } from './step';
import { verifyBuckets } from './verify-buckets';

/** Step 6: superseded versions are disabled, each behind the retire gate. Nothing deletes a key. */
export const retire: Step<'retire', RetireRun, 're-encrypt' | 'verify'> = {
  id: 'retire',
  title: 'retire',
  doneBy: 'post-apply',
  leavesBehind: 'superseded versions are Disabled, never deleted',

  async check(run): Promise<StepState> {
    const versions = await observeVersions(run);
    const unproven = (await withoutLook(run, versions)).map((one) => one.version.name);
    if (unproven.length > 0) {
      const names = unproven.join(', ');
      return { state: 'ready', summary: `${names} is Disabled, and no evidence here shows that nothing needs it` };
    }
    const names = toRetire(run.rotation, versions).map((one) => one.version.name);
    if (names.length === 0) return { state: 'done', summary: NOTHING };
    return { state: 'ready', summary: `${names.join(', ')} can retire once the gate is satisfied` };
  },

  async run(run, earlier): Promise<StepResult<'retire'>> {
    const versions = await observeVersions(run);
    const enabled = toRetire(run.rotation, versions);
    if (run.dryRun) return enabled.length === 0 ? UNCHANGED : previewOf(run, await inputsOf(run, enabled, earlier));
    const lookedAt = await verifyDisabled(run, versions, verificationOf(earlier));
    const retired = [];
    for (const one of enabled) retired.push(await retireOne(run, one, earlier));
    if (retired.length + lookedAt.length === 0) return UNCHANGED;
    const names = [...lookedAt, ...retired].map((one) => one.version).join(', ');
    const outcome = retired.length > 0 ? 'changed' : 'unchanged';
    return { outcome, summary: `${names} is Disabled, and nothing is under it`, facts: { retired, lookedAt } };
  },

  async verify(run) {
    const left = toRetire(run.rotation, await observeVersions(run)).map((one) => one.version.name);
    if (left.length === 0 || run.dryRun) return;
    throw new KeyturnError('step-not-verified', { step: 'retire', found: `${left.join(', ')} is still Enabled` });
  },
};

const NOTHING = 'no superseded version is Enabled';
const UNCHANGED: StepResult<'retire'> = { outcome: 'unchanged', summary: NOTHING, facts: {} };

async function inputsOf(
  run: RetireRun,
  versions: readonly ObservedVersion[],
  earlier: RetireFindings,
): Promise<readonly GateInput[]> {
  const inputs = [];
  for (const one of versions) inputs.push(await gateInput(run, one, earlier));
  return inputs;
}

/** In a dry run nothing has moved yet, so what the gate says is a preview and no refusal. */
function previewOf({ reporter }: Pick<RetireRun, 'reporter'>, inputs: readonly GateInput[]): StepResult<'retire'> {
  const gates = inputs.map((input) => ({ version: input.version.name, ...gateVerdict(input) }));
  for (const { version, reasons } of gates) {
    for (const reason of reasons) reporter.note(`${version} stays on as things stand: ${reason.text}`);
  }
  const open = gates.filter((gate) => gate.reasons.length === 0).map((gate) => gate.version);
  const summary = open.length > 0 ? `would disable ${open.join(', ')}` : 'the gate would stay closed as things stand';
  return { outcome: 'unchanged', summary, facts: { gates } };
}

/** Times that the buckets are verified again at most, until that is fresh when all facts of the gate are together. */
const MOST_TIMES = 2;

async function retireOne(run: RetireRun, version: ObservedVersion, earlier: RetireFindings): Promise<DisabledVersion> {
  let input = await gateInput(run, version, earlier);
  const isApproved = earlier.verify?.approvedToDisable?.includes(input.keyArn) ?? false;
  if (!isApproved) {
    await openGate(run, input);
    await run.approve(`disable ${input.version.name} (${input.keyArn})?`);
  }
  // Whatever was verified before a question may be of long ago when the answer comes.
  let isDue = !isApproved || isOnlyOld(input);
  for (let times = 0; isDue && times < MOST_TIMES; times += 1) {
    run.reporter.note(`the last verification has aged: every bucket is verified again`);
    input = await gateInput(run, version, await verifiedAgain(run, input, earlier));
    isDue = isOnlyOld(input);
  }
  const pass = await openGate(run, input);
  return disableAndLook(run, pass, input.verification);
}

/** True where the gate stays closed for nothing but the age of the verification. */
function isOnlyOld(input: GateInput): boolean {
  const reasons = gateReasons(input);
  return reasons.length > 0 && reasons.every(({ code }) => code === 'verification-too-old');
}

async function verifiedAgain(run: RetireRun, input: GateInput, earlier: RetireFindings): Promise<RetireFindings> {
  const { activeKeyArn, reencryptions: passes } = input;
  const again = await verifyBuckets(run, { activeKeyArn, passes });
  await run.evidence.record('outcome', 'verify', { outcome: 'unchanged', summary: 'verified again', ...again });
  return { ...earlier, verify: { ...earlier.verify, ...again } };
}

async function openGate(run: RetireRun, input: GateInput): Promise<GatePass> {
  try {
    const pass = GatePass.open(input);
    for (const { reason, waiver } of pass.waived) {
      run.reporter.warn(`waived until ${waiver.until} (${waiver.reason}): ${reason.text}`);
    }
    const { waived } = pass;
    await run.evidence.record('gate', 'retire', {
      version: input.version.name,
      open: true,
      waived,
      users: input.users,
    });
    return pass;
  } catch (error) {
    if (isCode(error, 'gate-refused')) {
      await run.evidence.record('gate', 'retire', { open: false, ...error.facts, users: input.users });
    }
    throw error;
  }
}

/**
 * The one caller of `disableKey`; it takes a pass, so there is no way here but through the gate. Whatever fails behind it, the key is
 * enabled again: Disabled without a clean look proves nothing.
 */
async function disableAndLook(
  run: RetireRun,
  pass: GatePass,
  verification: VerificationRecord | undefined,
): Promise<DisabledVersion> {
  if (!GatePass.isPass(pass) || !verification) {
    throw new TypeError('a key is disabled only with a pass of the retire gate');
  }
  const { kms } = run.clients;
  const { keyArn } = pass;
  const what = { version: pass.version.name, keyArn };
  // Changes nothing on a key that is Enabled, and shows that the way back is permitted before it is needed.
  await enableKey(kms, keyArn, { signal: run.signal });
  await run.evidence.record('intent', 'retire', what);
  let reasons: readonly GateReason[];
  try {
    await disableKey(kms, keyArn, { signal: run.signal });
    reasons = await lookAfterDisable(run, what, verification);
  } catch (error) {
    if (!isCode(error, 'kms-disable-denied')) return takeBack(run, what, [lookFailed(error)], error);
    await run.evidence.record('taken-back', 'retire', { ...what, enabled: true, reasons: [] });
    throw await explained(run, what, error);
  }
  return reasons.length > 0 ? takeBack(run, what, reasons) : what;
}

/** A refusal because of `retire.unusedForDays`, with the date from which KMS allows it; another one as it is. */
async function explained(
  { clients, rotation, store }: RetireRun,
  { version, keyArn }: DisabledVersion,
  refusal: KeyturnError<'kms-disable-denied'>,
): Promise<KeyturnError> {
  const days = rotation.retire.unusedForDays;
  const at = (await lastUsageOf(clients.kms, keyArn)).known?.at;
  if (days === undefined || at === undefined) return refusal;
  const from = new Date(at.getTime() + days * 86_400_000);
  if (from.getTime() <= store.now()) return refusal;
  const facts = { version, days, lastUsed: at.toISOString(), from: from.toISOString() };
  return new KeyturnError('disable-too-early', { ...facts, awsMessage: refusal.facts.awsMessage }, refusal);
}
