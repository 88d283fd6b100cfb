import { isCode, KeyturnError } from '../errors';
import { disableKey } from '../kms/key-switch';
import { otherUsers } from '../kms/other-users';
import { type Observation, type ObservedVersion, observe, observeVersions } from '../observation/observe';
import { isSettled, type VersionVerdict, versionVerdicts } from '../observation/version-verdicts';
import { mayBeDisabled, supersededVersions } from '../rotation/rotation';
import type { VerificationRecord } from './flow-facts';
import { type GateInput, GatePass } from './gate';
import {
  emptyLine,
  factsOf,
  type Judged,
  judge,
  recordVerdicts,
  refuseWhatIsLeft,
  verifiedAt,
} from './retire-verdicts';
import type { ChangeRun } from './rotation-run';
import type { Step, StepResult, StepState } from './step';
import { reasonsAgainst, type Subject, subjectsOf, verificationOf } from './version-subjects';

/** Superseded versions that the gate may disable and that are still Enabled. */
function toRetire(run: Pick<ChangeRun, 'rotation'>, versions: readonly ObservedVersion[]): readonly ObservedVersion[] {
  const superseded = new Set(supersededVersions(run.rotation).map((version) => version.name));
  return versions.filter(
    ({ version, key }) => superseded.has(version.name) && mayBeDisabled(version) && key?.state === 'Enabled',
  );
}

/** Step 6: every earlier version gets its verdict, and those that may be are disabled behind the gate. Nothing deletes a key. */
export const retire: Step<'retire', ChangeRun, 're-encrypt' | 'verify'> = {
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
    const subjects = await subjectsOf(run, seen, earlier);
    if (subjects.length === 0) return { outcome: 'unchanged', summary: 'there is no other version', facts: {} };
    const verification = verificationOf(earlier.verify);
    return run.dryRun ? previewOf(run, subjects, seen, verification) : settle(run, subjects, seen, verification);
  },

  async verify(run) {
    const left = toRetire(run, await observeVersions(run)).map((one) => one.version.name);
    if (left.length === 0 || run.dryRun) return;
    throw new KeyturnError('step-not-verified', { step: 'retire', found: `${left.join(', ')} is still Enabled` });
  },
};

const verdictLine = ({ version, text }: VersionVerdict): string => `${version.name}: ${text}`;

/** In a dry run nothing has moved yet, so what the gate says is a preview and no refusal. */
function previewOf(
  { reporter }: Pick<ChangeRun, 'reporter'>,
  subjects: readonly Subject[],
  seen: Observation,
  verification: VerificationRecord | undefined,
): StepResult<'retire'> {
  const gates = subjects.map((one) => ({
    version: one.version.name,
    reasons: reasonsAgainst(one, seen, verification),
    disables: one.disables,
  }));
  for (const { version, reasons, disables } of gates) {
    for (const reason of reasons)
      reporter.note(`${version} ${disables ? 'stays on' : 'is not empty'} as things stand: ${reason.text}`);
  }
  const open = gates.filter((gate) => gate.reasons.length === 0);
  const closed = gates.filter((gate) => gate.reasons.length > 0).map((gate) => gate.version);
  const disabled = open.filter((gate) => gate.disables).map((gate) => gate.version);
  const summary = [
    ...(disabled.length > 0 ? [`would disable ${disabled.join(', ')}`] : []),
    ...(closed.length > 0 ? [`the gate would stay closed for ${closed.join(', ')} as things stand`] : []),
  ].join('; ');
  const isPending = summary !== '';
  return {
    outcome: 'unchanged',
    summary: isPending ? summary : `nothing is left under ${open.map((gate) => gate.version).join(', ')}`,
    facts: { gates: gates.map(({ version, reasons }) => ({ version, reasons })) },
    ...(isPending ? { pending: summary } : {}),
  };
}

/** Every version is judged before anything is refused: one that is not empty keeps no other from its verdict. */
async function settle(
  run: ChangeRun,
  subjects: readonly Subject[],
  seen: Observation,
  verification: VerificationRecord | undefined,
): Promise<StepResult<'retire'>> {
  const judged: Judged[] = [];
  for (const subject of subjects) {
    const { input } = subject;
    judged.push(
      subject.disables && input
        ? await retireOne(run, subject, input)
        : await judge(run, subject, reasonsAgainst(subject, seen, verification)),
    );
  }
  await recordVerdicts(run, judged, seen, verification);
  refuseWhatIsLeft(judged);
  const retired = judged.flatMap(({ subject: { disables, version, input } }) =>
    disables && input ? [{ version: version.name, keyArn: input.keyArn }] : [],
  );
  const since = verifiedAt(verification);
  const lines = judged.map(({ subject }) => emptyLine(subject, since));
  for (const line of lines) run.reporter.note(line);
  const names = retired.map((one) => one.version).join(', ');
  const summary = retired.length > 0 ? `${names} is Disabled` : lines.join('; ');
  const verdicts = judged.map(factsOf);
  return { outcome: retired.length > 0 ? 'changed' : 'unchanged', summary, facts: { retired, verdicts } };
}

/** One version through the gate. A refusal is a verdict, and every other error ends the step. */
async function retireOne(run: ChangeRun, subject: Subject, input: GateInput): Promise<Judged> {
  try {
    const pass = await openGate(run, input);
    await warnOfOtherUsers(run, input.keyArn);
    await retireVersion(run, pass);
    return { subject, reasons: [], refusal: undefined };
  } catch (error) {
    if (!isCode(error, 'gate-refused')) throw error;
    return { subject, reasons: error.facts.reasons, refusal: error };
  }
}

async function openGate(run: ChangeRun, input: GateInput): Promise<GatePass> {
  try {
    const pass = GatePass.open(input);
    await run.evidence.record('gate', 'retire', { version: input.version.name, open: true });
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
