import { KeyturnError } from '../errors';
import { enableKey } from '../kms/key-switch';
import { observe } from '../observation/observe';
import type { BucketVerification } from '../verify/bucket-verification';
import type { VerificationRecord } from './flow-facts';
import { heldReasons, switchReasons } from './gate';
import type { GateReason } from './gate-reason';
import { standingReasons } from './gate-users';
import { applyRetireWaivers } from './gate-waivers';
import { observeStanding } from './key-users';
import type { RetireRun } from './rotation-run';
import { changedSince } from './verify-buckets';

/** The version whose key is Disabled, and the ARN of the key. */
export interface DisabledVersion {
  readonly version: string;
  readonly keyArn: string;
}

/**
 * The last look: once a key is Disabled, what changed since its verification is inspected, and alias, defaults and other users of the key
 * are read once more. A clean look is recorded, and only then is the version retired.
 *
 * @param isOurs - false: somebody else disabled the key, and decided about its other users
 * @returns every reason to enable the key again; none: it may stay Disabled
 * @throws what a verification throws; nothing is proven then
 */
export async function lookAfterDisable(
  run: RetireRun,
  { version, keyArn }: DisabledVersion,
  { activeKeyArn, buckets, changes }: VerificationRecord,
  isOurs = true,
): Promise<readonly GateReason[]> {
  const looks = await changedSince(run, activeKeyArn, changes.length > 0 ? changes : buckets);
  const found = [
    ...looks.flatMap((one) => heldReasons(one, keyArn)),
    ...switchReasons({ observation: await observe(run), activeKeyArn, keyArn }),
    ...(isOurs ? standingReasons(await observeStanding(run, keyArn)) : []),
  ];
  const { reasons } = applyRetireWaivers(found, run.rotation.retire.waivers, run.store.now());
  const clean = reasons.length === 0;
  const what = { version, keyArn, clean, reasons, buckets: looks.map(summaryOf) };
  await run.evidence.record('look', 'retire', what);
  return reasons;
}

function summaryOf({
  bucket,
  at,
  objectVersions,
  left,
  leftTotal,
  unknown,
  unknownTotal,
  sources,
}: BucketVerification) {
  const inspected = objectVersions - sources.notInspected;
  return { bucket, at, objectVersions, inspected, left, leftTotal, unknown, unknownTotal };
}

/**
 * Enables a key again that was disabled without proof that nothing needs it. It does not wait for the run's signal: an interrupted run
 * must not leave the key off.
 *
 * @throws retire-taken-back; retire-unproven where the key cannot be enabled
 */
export async function takeBack(
  run: RetireRun,
  { version, keyArn }: DisabledVersion,
  reasons: readonly GateReason[],
  cause?: unknown,
): Promise<never> {
  for (const { text } of reasons) run.reporter.warn(`${version} is needed: ${text}`);
  try {
    await enableKey(run.clients.kms, keyArn);
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    await run.evidence.record('taken-back', 'retire', { version, keyArn, enabled: false, reasons, failure });
    throw new KeyturnError('retire-unproven', { version, keyArn, reasons, failure }, error);
  }
  await run.evidence.record('taken-back', 'retire', { version, keyArn, enabled: true, reasons });
  throw new KeyturnError('retire-taken-back', { version, keyArn, reasons }, cause);
}

/** Why nothing is proven when the look itself did not come to its end. */
export function lookFailed(error: unknown): GateReason {
  const why = error instanceof Error ? error.message : String(error);
  return { code: 'look-failed', text: `what changed since the verification could not be inspected: ${why}` };
}
