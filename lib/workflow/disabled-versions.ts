import { KeyturnError } from '../errors';
import { type Disabling, lastDisablings } from '../observation/evidence-queries';
import { evidenceDirectory, evidenceOf, type ObservedVersion, type Observing } from '../observation/observe';
import type { VerificationRecord } from './flow-facts';
import { coverReasons, heldReasons } from './gate';
import type { GateReason } from './gate-reason';
import { applyRetireWaivers } from './gate-waivers';
import { type DisabledVersion, lookAfterDisable, lookFailed, takeBack } from './look-after-disable';
import { retirable } from './retirable-versions';
import type { RetireRun } from './rotation-run';

/** A version whose key is Disabled, and the last thing that the evidence here says of that. */
export interface UnprovenVersion extends ObservedVersion {
  readonly keyArn: string;
  readonly last: Disabling | undefined;
}

/**
 * Superseded versions of ours that are Disabled, and of which no sound evidence here shows that nothing was under them
 * afterwards. The run was killed, somebody disabled the key by hand, or the evidence is elsewhere. A version that the
 * rotation file records as disabled was reviewed, and is not among them.
 */
export async function withoutLook(
  run: Pick<Observing, 'rotation' | 'identity'>,
  versions: readonly ObservedVersion[],
): Promise<readonly UnprovenVersion[]> {
  const disabled = retirable(run.rotation, versions).filter(
    ({ version, key }) => key?.state === 'Disabled' && !version.disabled,
  );
  if (disabled.length === 0) return [];
  const last = await lastDisablings(evidenceDirectory(run.rotation), evidenceOf(run));
  return disabled.flatMap((one) => {
    const keyArn = one.key?.arn ?? '';
    return last.get(keyArn) === 'looked-at' ? [] : [{ ...one, keyArn, last: last.get(keyArn) }];
  });
}

/**
 * Does the look that is missing for each of them: what the verification of this run found, and what changed since.
 *
 * @throws retire-taken-back where a run of Keyturn disabled a key that is needed: it is Enabled again; disabled-not-empty where
 *   somebody else did, and only a person knows why
 */
export async function verifyDisabled(
  run: RetireRun,
  versions: readonly ObservedVersion[],
  verification: VerificationRecord | undefined,
): Promise<readonly DisabledVersion[]> {
  const proven: DisabledVersion[] = [];
  for (const { version, keyArn, last } of await withoutLook(run, versions)) {
    const what = { version: version.name, keyArn };
    const reasons = await reasonsAgainst(run, what, verification, last === 'intended').catch((error: unknown) => {
      if (last !== 'intended') throw error;
      return [lookFailed(error)];
    });
    if (reasons.length > 0 && last === 'intended') return takeBack(run, what, reasons);
    if (reasons.length > 0) throw new KeyturnError('disabled-not-empty', { ...what, reasons });
    proven.push(what);
  }
  return proven;
}

async function reasonsAgainst(
  run: RetireRun,
  what: DisabledVersion,
  verification: VerificationRecord | undefined,
  isOurs: boolean,
): Promise<readonly GateReason[]> {
  if (!verification) return [{ code: 'not-verified', text: 'this run has not verified the buckets' }];
  const found = [
    ...verification.buckets.flatMap((found) => coverReasons(found, what.keyArn)),
    ...[...verification.buckets, ...verification.changes].flatMap((found) => heldReasons(found, what.keyArn)),
  ];
  const verified = applyRetireWaivers(found, run.rotation.retire.waivers, run.store.now()).reasons;
  return verified.length > 0 ? verified : lookAfterDisable(run, what, verification, isOurs);
}
