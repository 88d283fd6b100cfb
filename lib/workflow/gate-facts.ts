import { type ObservedVersion, observe, observedActive } from '../observation/observe';
import type { FlowFacts, VerificationRecord } from './flow-facts';
import type { GateInput } from './gate';
import { observeUsers } from './key-users';
import { bucketsToVerify } from './retirable-versions';
import type { RetireRun } from './rotation-run';
import type { Earlier } from './step';

/** What the steps before the retirement found. */
export type RetireFindings = Earlier<'re-encrypt' | 'verify'>;

/** Gathers, by fresh requests, everything the gate decides on; `now` is when all of it is together. */
export async function gateInput(
  run: RetireRun,
  { version, key }: ObservedVersion,
  earlier: RetireFindings,
): Promise<GateInput> {
  const { rotation } = run;
  const moved = earlier['re-encrypt'] ?? {};
  const observation = await observe(run);
  const keyArn = key?.arn ?? '';
  const activeKeyArn = observedActive(rotation, observation.versions).key?.arn ?? '';
  return {
    version,
    keyArn,
    activeKeyArn,
    observation,
    buckets: bucketsToVerify(rotation),
    verification: verificationOf(earlier),
    reencryptions: moved.passes ?? [],
    switchSeenAt: moved.switchSeenAt,
    users: await observeUsers(run, { keyArn, activeKeyArn }, moved),
    warnDays: Math.max(...rotation.expiry.warnDays),
    unusedForDays: rotation.retire.unusedForDays,
    waivers: rotation.retire.waivers,
    now: run.store.now(),
  };
}

/** Half a record is none: the gate stays closed. */
export function verificationOf({ verify }: RetireFindings): VerificationRecord | undefined {
  const { activeKeyArn, buckets, changes, asOf }: Partial<FlowFacts['verify']> = verify ?? {};
  if (activeKeyArn === undefined || !buckets || !changes || asOf === undefined) return undefined;
  return { activeKeyArn, buckets, changes, asOf };
}
