import { isCode, KeyturnError } from '../errors';
import { disableKey, enableKey } from '../kms/key-switch';
import { lastUsageOf } from '../kms/other-users';
import { type Observation, type ObservedVersion, observe, observeVersions } from '../observation/observe';
import { isSettled, type VersionVerdict, versionVerdicts } from '../observation/version-verdicts';
import { verifyDisabled } from './disabled-versions';
import type { VerificationRecord } from './flow-facts';
import { type GateInput, GatePass, gateReasons } from './gate';
import { gateInput, type RetireFindings, verificationOf } from './gate-facts';
import type { GateReason } from './gate-reason';
import { type DisabledVersion, lookAfterDisable, lookFailed, takeBack } from './look-after-disable';
import { toRetire } from './retirable-versions';
import {
  emptyLine,
  factsOf,
  type Judged,
  judge,
  previewOf,
  recordVerdicts,
  refuseWhatIsLeft,
  split,
  verifiedAt,
} from './retire-verdicts';
import type { RetireRun } from './rotation-run';
import type { Step, StepResult, StepState } from './step';
import { verifyBuckets } from './verify-buckets';
import { emptySince, type Subject, subjectsOf } from './version-subjects';

/** Step 6: every earlier version gets its verdict, and those that may be are disabled behind the gate. Nothing deletes a key. */
export const retire: Step<'retire', RetireRun, 're-encrypt' | 'verify'> = {
  id: 'retire',
  title: 'retire',
  doneBy: 'post-apply',
  leavesBehind: 'superseded versions are Disabled, never deleted',

  async check(run): Promise<StepState> {
    const verdicts = await versionVerdicts(run);
    const open = verdicts.filter((one) => !isSettled(one));
    if (open.length > 0) return { state: 'ready', summary: open.map(verdictLine).join('; ') };
    if (verdicts.length === 0) return { state: 'done', summary: 'there is no other version' };
    return { state: 'done', summary: verdicts.map(verdictLine).join('; ') };
  },

  async run(run, earlier): Promise<StepResult<'retire'>> {
    const seen = await observe(run);
    const subjects = await subjectsOf(run, seen);
    if (subjects.length === 0) return { outcome: 'unchanged', summary: 'there is no other version', facts: {} };
    return run.dryRun ? previewOf(run, subjects, seen, earlier) : settle(run, subjects, seen, earlier);
  },

  async verify(run) {
    const left = toRetire(run.rotation, await observeVersions(run)).map((one) => one.version.name);
    if (left.length === 0 || run.dryRun) return;
    throw new KeyturnError('step-not-verified', { step: 'retire', found: `${left.join(', ')} is still Enabled` });
  },
};

const verdictLine = ({ version, text }: VersionVerdict): string => `${version.name}: ${text}`;

/** Every version is judged before anything is refused: one that is not empty keeps no other from its verdict. */
async function settle(
  run: RetireRun,
  subjects: readonly Subject[],
  seen: Observation,
  earlier: RetireFindings,
): Promise<StepResult<'retire'>> {
  const verification = verificationOf(earlier);
  const judged: Judged[] = [];
  for (const subject of subjects) judged.push(await settleOne(run, subject, seen, earlier));
  await recordVerdicts(run, judged, seen, verification);
  refuseWhatIsLeft(run.rotation, judged);
  const named = (these: readonly Judged[]) =>
    these.flatMap(({ subject: { version, keyArn } }) => (keyArn ? [{ version: version.name, keyArn }] : []));
  const retired = named(judged.filter(({ subject }) => subject.disables));
  const lookedAt = named(judged.filter(({ isProvenNow }) => isProvenNow));
  const since = await emptySince(run);
  const lines = judged.map((one) => emptyLine(one, since.get(one.subject.version.name) ?? verifiedAt(verification)));
  for (const line of lines) run.reporter.note(line);
  const names = [...lookedAt, ...retired].map((one) => one.version).join(', ');
  const summary = names === '' ? lines.join('; ') : `${names} is Disabled, and nothing is under it`;
  const facts = { retired, lookedAt, verdicts: judged.map(factsOf) };
  return { outcome: retired.length > 0 ? 'changed' : 'unchanged', summary, facts };
}

/** A refusal is the verdict of one version; every other error ends the step. */
async function settleOne(
  run: RetireRun,
  subject: Subject,
  seen: Observation,
  earlier: RetireFindings,
): Promise<Judged> {
  const { version, key } = subject;
  try {
    if (subject.disables) {
      await retireOne(run, { version, key }, earlier);
      return { subject, reasons: [], keep: [], refusal: undefined, isProvenNow: false };
    }
    const proven = subject.isRetirable ? await verifyDisabled(run, [{ version, key }], verificationOf(earlier)) : [];
    return { ...(await judge(run, subject, seen, earlier)), isProvenNow: proven.length > 0 };
  } catch (error) {
    if (!isCode(error, 'gate-refused') && !isCode(error, 'disabled-not-empty')) throw error;
    return { subject, ...split(error.facts.reasons), refusal: error, isProvenNow: false };
  }
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
      activeCustody: input.activeCustody,
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
