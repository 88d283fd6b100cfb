import { custodyStanding } from '../observation/custody-standing';
import { type ObservedVersion, observe, observedActive } from '../observation/observe';
import { bucketsToVerify } from '../rotation/rotation';
import { droppedBuckets } from './dropped-buckets';
import type { FlowFacts, VerificationRecord } from './flow-facts';
import type { GateInput } from './gate';
import { formerKeys } from './gate-former-keys';
import { rehearsalLine } from './gate-rehearsal';
import { observeUsers } from './key-users';
import { activeInUse } from './material/require-custody';
import { observePins } from './pins';
import { dressRehearsal } from './rehearsal/dress-rehearsal';
import type { RetireRun } from './rotation-run';
import type { Earlier } from './step';
import { trailLine } from './uses-since-switch';

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
  const material = await activeInUse(run);
  const activeKeyArn = observedActive(rotation, observation.versions).key?.arn ?? '';
  const verification = verificationOf(earlier);
  const passes = moved.passes ?? [];
  const { rehearseAs } = rotation.retire;
  // Before the rehearsal: what it has to read with the old key, too, would be the key's last use.
  const users = await observeUsers(run, { keyArn, activeKeyArn }, moved);
  const trail = trailLine(users.use.trail);
  if (trail !== undefined) run.reporter.note(`${version.name}: ${trail}`);
  const rehearsal = await dressRehearsal(run, { keyArn, activeKeyArn, verification, passes });
  await run.evidence.record('dress-rehearsal', 'retire', {
    version: version.name,
    ...(rehearsal ?? { keyArn, rehearsed: false, because: rehearsalLine(rehearseAs, undefined) }),
  });
  run.reporter.note(`${version.name}: ${rehearsalLine(rehearseAs, rehearsal)}`);
  return {
    version,
    keyArn,
    formerKeys: await formerKeys(run, version.name, keyArn),
    activeKeyArn,
    observation,
    activeCustody: material && (await custodyStanding(run, material)),
    buckets: bucketsToVerify(rotation),
    verification,
    reencryptions: passes,
    pins: await observePins(run, { activeKeyArn, defaults: observation.buckets }),
    rehearseAs,
    rehearsal,
    switchSeenAt: moved.switchSeenAt,
    dropped: await droppedBuckets(run, keyArn),
    users,
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
