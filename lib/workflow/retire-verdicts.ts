import { KeyturnError } from '../errors';
import { aliasMoves } from '../kms/alias-moves';
import { isOff } from '../kms/describe-key';
import type { Observation } from '../observation/observe';
import type { RecordedOutOfScope, RecordedVerdicts } from '../observation/verdict-records';
import { mayBeDisabled, type Rotation } from '../rotation/rotation';
import { isKey } from '../s3/object-version';
import type { BucketVerification } from '../verify/bucket-verification';
import type { RetireFacts, VerificationRecord } from './flow-facts';
import { gateReasons } from './gate';
import { gateInput, type RetireFindings, verificationOf } from './gate-facts';
import type { GateReason } from './gate-reason';
import { applyRetireWaivers } from './gate-waivers';
import type { RetireRun } from './rotation-run';
import type { StepResult } from './step';
import { leftUnder, type Subject, wayOut } from './version-subjects';

/** A version with its verdict: empty where there is no reason against it. */
export interface Judged {
  readonly subject: Subject;
  readonly reasons: readonly { readonly code: string; readonly text: string }[];
  /** Reasons to keep the key on that say nothing of what is under it. */
  readonly keep: readonly { readonly code: string; readonly text: string }[];
  /** The refusal of the gate or of the look at a key that was off, where there was one. */
  readonly refusal: KeyturnError<'gate-refused'> | KeyturnError<'disabled-not-empty'> | undefined;
  /** True for a key that was off, and that only this run shows to be empty. */
  readonly isProvenNow: boolean;
}

/**
 * Every reason against a version. One that is superseded and in use is judged like a key that Keyturn disables itself: its owner
 * relies on the verdict. Of any other key only what is under it counts.
 */
async function reasonsAgainst(
  run: RetireRun,
  subject: Subject,
  seen: Observation,
  earlier: RetireFindings,
): Promise<readonly GateReason[]> {
  const { version, key, superseded } = subject;
  if (superseded && !isOff(key)) return gateReasons(await gateInput(run, { version, key }, earlier));
  const left = leftUnder(subject, seen, verificationOf(earlier));
  return applyRetireWaivers(left, run.rotation.retire.waivers, run.store.now()).reasons;
}

/** The verdict on a key that this run leaves as it is. */
export async function judge(
  run: RetireRun,
  subject: Subject,
  seen: Observation,
  earlier: RetireFindings,
): Promise<Judged> {
  const all = await reasonsAgainst(run, subject, seen, earlier);
  await run.evidence.record('gate', 'retire', {
    version: subject.version.name,
    keyArn: subject.keyArn,
    open: all.length === 0,
    disables: false,
    reasons: all,
  });
  return { subject, ...split(all), refusal: undefined, isProvenNow: false };
}

/** Reasons of the gate about other users of a key, and about the active one. */
const ABOUT_USERS: ReadonlySet<string> = new Set<GateReason['code']>([
  'active-key-expires',
  'key-not-enabled',
  'custody-not-proven',
  'granted',
  'grants-unknown',
  'default-elsewhere',
  'defaults-unknown',
  'replicates',
  'replication-unknown',
  'related-key',
  'used',
  'used-recently',
  'use-unknown',
  'rehearsal-not-possible',
]);

/** Sets apart what is left under a key, which is this rotation's to move, and who else needs it, which is its owner's to decide. */
export function split(
  all: readonly { readonly code: string; readonly text: string }[],
): Pick<Judged, 'reasons' | 'keep'> {
  return {
    reasons: all.filter(({ code }) => !ABOUT_USERS.has(code)),
    keep: all.filter(({ code }) => ABOUT_USERS.has(code)),
  };
}

/** In a dry run nothing has moved yet, so what the gate says is a preview and no refusal. */
export async function previewOf(
  run: RetireRun,
  subjects: readonly Subject[],
  seen: Observation,
  earlier: RetireFindings,
): Promise<StepResult<'retire'>> {
  const gates = [];
  for (const subject of subjects) {
    const reasons = await reasonsAgainst(run, subject, seen, earlier);
    gates.push({ version: subject.version.name, reasons, disables: subject.disables });
  }
  for (const { version, reasons, disables } of gates) {
    for (const reason of reasons)
      run.reporter.note(`${version} ${disables ? 'stays on' : 'is not empty'} as things stand: ${reason.text}`);
  }
  const open = gates.filter((gate) => gate.reasons.length === 0);
  const closed = gates.filter((gate) => gate.reasons.length > 0).map((gate) => gate.version);
  const disabled = open.filter((gate) => gate.disables).map((gate) => gate.version);
  const pending = [
    ...(disabled.length > 0 ? [`would disable ${disabled.join(', ')}`] : []),
    ...(closed.length > 0 ? [`the gate would stay closed for ${closed.join(', ')} as things stand`] : []),
  ].join('; ');
  const summary = pending === '' ? `nothing is left under ${open.map((gate) => gate.version).join(', ')}` : pending;
  const facts = { gates: gates.map(({ version, reasons }) => ({ version, reasons })) };
  return { outcome: 'unchanged', summary, facts, ...(pending === '' ? {} : { pending }) };
}

/** When the first listing of a verification began, ISO 8601. */
export function verifiedAt(verification: VerificationRecord | undefined): string | undefined {
  return verification?.buckets.map((one) => one.at).sort()[0];
}

/** One line for people about a version that nothing is left under. */
export function emptyLine({ subject, keep }: Judged, at: string | undefined): string {
  const { version, key, disables, superseded } = subject;
  const since = `empty since ${at}`;
  if (disables) return `${version.name} is Disabled: ${since}`;
  if (!superseded || mayBeDisabled(version)) return `${version.name} is ${key?.state ?? 'gone'}: ${since}`;
  if (isOff(key)) return `${version.name} is ${key?.state ?? 'gone'}: ${since}`;
  if (keep.length > 0) {
    return `${version.name} is ${since}, and not to be disabled yet: ${keep.map(({ text }) => text).join('; ')}`;
  }
  return `${version.name} may be disabled: ${since}; its key is adopted, so its owner disables it, or \`retire: true\` on it lets Keyturn`;
}

/** The verdict as evidence and `--json` show it. */
export function factsOf({ subject, reasons, keep, refusal }: Judged): RetireFacts['verdicts'][number] {
  const { version, key } = subject;
  return {
    name: version.name,
    keyArn: subject.keyArn,
    state: subject.disables && !refusal ? 'Disabled' : (key?.state ?? 'gone'),
    empty: reasons.length === 0,
    reasons,
    keep,
  };
}

/** What `status` believes later: which switch the verification covers, which buckets, and what it found of each version. */
export async function recordVerdicts(
  run: RetireRun,
  judged: readonly Judged[],
  seen: Observation,
  verification: VerificationRecord | undefined,
): Promise<void> {
  const at = verifiedAt(verification);
  // Where the alias points elsewhere, no verdict covers a switch.
  if (!verification || at === undefined || seen.aliasTarget !== verification.activeKeyArn) return;
  const moves = await aliasMoves(run.clients.kms, run.rotation.alias, verification.activeKeyArn);
  const recorded: RecordedVerdicts = {
    activeKeyArn: verification.activeKeyArn,
    aliasMovedAt: moves?.movedAt.toISOString(),
    verifiedAt: at,
    buckets: verification.buckets.map((one) => one.bucket),
    outOfScope: verification.buckets.map((one) => outOfScopeOf(one, seen)),
    versions: judged.map(factsOf),
  };
  await run.evidence.record('verdict', 'retire', { ...recorded });
}

function outOfScopeOf({ bucket, account, byKey }: BucketVerification, seen: Observation): RecordedOutOfScope {
  const declared = seen.versions.flatMap(({ key }) => key?.arn ?? []);
  const isDeclared = (label: string) => declared.some((arn) => isKey(label.replace(/^DSSE:/, ''), arn));
  const under =
    account.outOfScope === 0
      ? []
      : Object.keys(byKey)
          .filter((label) => !isDeclared(label))
          .sort();
  return { bucket, versions: account.outOfScope, under };
}

/** @throws gate-refused where the gate alone refused, one version; otherwise versions-not-empty with all of them */
export function refuseWhatIsLeft(rotation: Rotation, judged: readonly Judged[]): void {
  const left = judged.filter((one) => one.reasons.length > 0 || one.refusal);
  const [first, ...more] = left;
  if (first === undefined) return;
  if (first.refusal && more.length === 0) throw first.refusal;
  throw new KeyturnError('versions-not-empty', {
    versions: left.map(({ subject, reasons, keep }) => ({
      version: subject.version.name,
      state: subject.key?.state ?? 'gone',
      reasons: [...reasons, ...keep],
      fix: wayOut(rotation, subject),
    })),
  });
}
