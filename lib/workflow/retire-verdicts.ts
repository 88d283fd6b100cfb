import { KeyturnError } from '../errors';
import { aliasMoves } from '../kms/alias-moves';
import type { Observation } from '../observation/observe';
import type { RecordedVerdicts } from '../observation/verdict-records';
import { mayBeDisabled } from '../rotation/rotation';
import type { RetireFacts, VerificationRecord } from './flow-facts';
import type { GateReason } from './gate-reason';
import type { ChangeRun } from './rotation-run';
import { type Subject, wayOut } from './version-subjects';

/** A version with its verdict: empty where there is no reason against it. */
export interface Judged {
  readonly subject: Subject;
  readonly reasons: readonly { readonly code: string; readonly text: string }[];
  /** The gate's own refusal, where it was asked to disable the key. */
  readonly refusal: KeyturnError<'gate-refused'> | undefined;
}

/** The same verdict as the gate's, for a key that this run leaves as it is. */
export async function judge(run: ChangeRun, subject: Subject, reasons: readonly GateReason[]): Promise<Judged> {
  await run.evidence.record('gate', 'retire', {
    version: subject.version.name,
    keyArn: keyArnOf(subject),
    open: reasons.length === 0,
    disables: false,
    reasons,
  });
  return { subject, reasons, refusal: undefined };
}

const keyArnOf = ({ key, input }: Subject): string | undefined => key?.arn ?? input?.keyArn;

/** When the first listing of a verification began, ISO 8601. */
export function verifiedAt(verification: VerificationRecord | undefined): string | undefined {
  return verification?.buckets.map((one) => one.at).sort()[0];
}

/** One line for people about a version that nothing is left under. */
export function emptyLine({ version, key, disables, superseded, emptySince }: Subject, at: string | undefined): string {
  const since = `empty since ${emptySince ?? at}`;
  if (disables) return `${version.name} is Disabled: ${since}`;
  if (!superseded || mayBeDisabled(version)) return `${version.name} is ${key?.state ?? 'gone'}: ${since}`;
  if (key?.state !== 'Enabled') return `${version.name} is ${key?.state ?? 'gone'}: ${since}`;
  return `${version.name} may be disabled: ${since}; its key is adopted, so its owner disables it, or \`retire: true\` on it lets Keyturn`;
}

/** The verdict as evidence and `--json` show it. */
export function factsOf({ subject, reasons }: Judged): RetireFacts['verdicts'][number] {
  const { version, key, emptySince } = subject;
  return {
    name: version.name,
    keyArn: keyArnOf(subject),
    state: subject.disables && reasons.length === 0 ? 'Disabled' : (key?.state ?? 'gone'),
    empty: reasons.length === 0,
    emptySince: reasons.length === 0 ? emptySince : undefined,
    reasons,
  };
}

/** What `status` believes later: which switch the verification covers, which buckets, and what it found of each version. */
export async function recordVerdicts(
  run: ChangeRun,
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
    versions: judged.map(factsOf),
  };
  await run.evidence.record('verdict', 'retire', { ...recorded });
}

/** @throws gate-refused where the gate alone refused, one version; otherwise versions-not-empty with all of them */
export function refuseWhatIsLeft(judged: readonly Judged[]): void {
  const left = judged.filter((one) => one.reasons.length > 0);
  const [first, ...more] = left;
  if (first === undefined) return;
  if (first.refusal && more.length === 0) throw first.refusal;
  throw new KeyturnError('versions-not-empty', {
    versions: left.map(({ subject, reasons }) => ({
      version: subject.version.name,
      state: subject.key?.state ?? 'gone',
      reasons,
      fix: wayOut(subject),
    })),
  });
}
