import { KeyturnError } from '../errors';
import type { CustodyStanding } from '../observation/custody-standing';
import type { Observation } from '../observation/observe';
import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import type { KeyVersion } from '../rotation/rotation';
import type { RetireWaiver } from '../rotation/settings';
import { isKey } from '../s3/object-version';
import type { BucketVerification } from '../verify/bucket-verification';
import { unaccounted } from '../verify/unaccounted';
import { type DroppedBucket, droppedReasons } from './dropped-buckets';
import type { VerificationRecord } from './flow-facts';
import { annotationReasons } from './gate-annotations';
import { formerReasons } from './gate-former-keys';
import type { GateReason } from './gate-reason';
import { rehearsalReasons } from './gate-rehearsal';
import { uploadReasons } from './gate-uploads';
import { relatedReasons, soakReasons, userReasons } from './gate-users';
import { applyRetireWaivers, type WaivedReason } from './gate-waivers';
import type { OtherKeyUsers } from './key-users';
import type { Pin } from './pins';
import type { DressRehearsal } from './rehearsal/dress-rehearsal';
import { isFresh, VERIFICATION_FRESH } from './verification-age';

export interface GateInput {
  /** The version to retire, and the ARN of its key. */
  readonly version: KeyVersion;
  readonly keyArn: string;
  /** ARNs of the keys that the version was in earlier runs. */
  readonly formerKeys: readonly string[];
  readonly activeKeyArn: string;
  readonly observation: Observation;
  /** Whether custody holds the material of the active version; undefined: KMS has no material of it. */
  readonly activeCustody: Pick<CustodyStanding, 'proven' | 'text'> | undefined;
  /** Every bucket the verification had to cover: the declared ones and `retire.verifyOnlyBuckets`. */
  readonly buckets: readonly string[];
  readonly verification: VerificationRecord | undefined;
  readonly reencryptions: readonly BucketReencryption[];
  /** Buckets that the rotation file named once, and that may hold objects under the key. */
  readonly dropped: readonly DroppedBucket[];
  /** Who else uses the key. */
  readonly users: OtherKeyUsers;
  /** Days before its expiry from which on the active key is near its end: the longest of `expiry.warnDays`. */
  readonly warnDays: number;
  /** Whole days without use that the rotation file asks for. */
  readonly unusedForDays: number | undefined;
  /** What is known of the writers of the buckets with `pinWriters`. */
  readonly pins?: readonly Pin[] | undefined;
  /** ARN of the role as which the disable is to be rehearsed; undefined: it is not. */
  readonly rehearseAs?: string | undefined;
  readonly rehearsal?: DressRehearsal | undefined;
  /** What the rotation file sets aside. */
  readonly waivers: readonly RetireWaiver[];
  /** Milliseconds by S3's clock: the moment of the decision. */
  readonly now: number;
  /** Milliseconds by S3's clock of the moment at which this run saw alias and defaults at the active version. */
  readonly switchSeenAt: number | undefined;
}

/** Only {@link openGate} makes one, and only a green verification lets it: `disableKey` is reached with this in hand. */
export class GatePass {
  readonly #made = true;
  readonly version: KeyVersion;
  readonly keyArn: string;

  /** Reasons that waivers of the rotation file set aside. */
  readonly waived: readonly WaivedReason[];

  private constructor({ version, keyArn }: GateInput, waived: readonly WaivedReason[]) {
    this.version = version;
    this.keyArn = keyArn;
    this.waived = waived;
  }

  /** @throws gate-refused with every reason at once */
  static open(input: GateInput): GatePass {
    const { reasons, waived } = gateVerdict(input);
    if (reasons.length > 0) throw new KeyturnError('gate-refused', { version: input.version.name, reasons });
    return new GatePass(input, waived);
  }

  /** True for a pass that this class made; a look-alike object has no such mark. */
  static isPass(value: unknown): value is GatePass {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

/** Every reason to keep the version on that no waiver sets aside; none when it may be retired. */
export function gateReasons(input: GateInput): readonly GateReason[] {
  return gateVerdict(input).reasons;
}

/** Every reason, and those that are waived. Pure: the same input, the same verdict. */
export function gateVerdict(input: GateInput): {
  readonly reasons: readonly GateReason[];
  readonly waived: readonly WaivedReason[];
} {
  const found = [
    ...switchReasons(input),
    ...stateReasons(input),
    ...custodyReasons(input),
    ...expiryReasons(input),
    ...verificationReasons(input),
    ...reencryptionReasons(input),
    ...rehearsalReasons(input.rehearseAs, input.rehearsal),
    ...droppedReasons(input.dropped),
    ...userReasons(input.users),
    ...relatedReasons(input.observation, input.keyArn),
    ...soakReasons(input.users, input.unusedForDays, input.now),
  ];
  return applyRetireWaivers(found, input.waivers, input.now);
}

const DAY = 86_400_000;

/** An active key near its end is the one that data could be lost with: the old one stays a way back. */
function expiryReasons({ observation, activeKeyArn, warnDays, now }: GateInput): GateReason[] {
  const validTo = observation.versions.find((one) => one.key?.arn === activeKeyArn)?.key?.validTo;
  if (validTo === undefined || validTo.getTime() - now >= warnDays * DAY) return [];
  const text = `the material of the active key expires at ${validTo.toISOString()}, in less than the ${warnDays} days of expiry.warnDays`;
  return [{ code: 'active-key-expires', text }];
}

/** KMS disables only a key that is Enabled; in any other state it is off already, or comes back by itself. */
function stateReasons({ observation, keyArn }: GateInput): GateReason[] {
  const state = observation.versions.find((one) => one.key?.arn === keyArn)?.key?.state;
  if (state === 'Enabled') return [];
  const text = `its key is ${state ?? 'not to be found'}: KMS disables only a key that is Enabled`;
  return [{ code: 'key-not-enabled', text }];
}

/** What alias, defaults and the active key must be, now and once more when the key is off. */
export function switchReasons({
  observation,
  activeKeyArn,
  keyArn,
}: Pick<GateInput, 'observation' | 'activeKeyArn' | 'keyArn'>): GateReason[] {
  const reasons: GateReason[] = [];
  if (keyArn === activeKeyArn) {
    reasons.push({ code: 'active-key-itself', text: `${keyArn} is the active key itself` });
  }
  const named = observation.versions.filter((one) => one.key?.arn === keyArn).map(({ version }) => version.name);
  if (named.length > 1) {
    const text = `${named.join(' and ')} are the same key: what the rotation file says of one of them would happen to the other`;
    reasons.push({ code: 'key-named-twice', text });
  }
  const active = observation.versions.find((one) => one.key?.arn === activeKeyArn)?.key;
  if (active?.state !== 'Enabled') {
    reasons.push({
      code: 'active-key-not-enabled',
      text: `the active key ${activeKeyArn} is ${active?.state ?? 'not to be found'}, not Enabled`,
    });
  }
  if (observation.aliasTarget !== activeKeyArn) {
    reasons.push({
      code: 'alias-not-switched',
      text: `the main alias points at ${observation.aliasTarget ?? 'nothing'}, not at the active key`,
    });
  }
  for (const bucket of observation.buckets) {
    if (bucket.default?.keyArn !== activeKeyArn) {
      reasons.push({
        code: 'bucket-default-not-switched',
        text: `new objects in ${bucket.name} go under ${bucket.default?.keyArn ?? 'no KMS key of ours'}, not under the active key`,
      });
    }
  }
  return reasons;
}

/** Once the old key is off, the material of the new one is all there is. */
function custodyReasons({ activeCustody }: GateInput): GateReason[] {
  if (activeCustody?.proven) return [];
  const text = activeCustody?.text ?? 'KMS has no material that custody could hold';
  return [{ code: 'custody-not-proven', text: `the active version: ${text}` }];
}

function verificationReasons(input: GateInput): GateReason[] {
  const { verification, buckets, activeKeyArn, keyArn, now } = input;
  if (!verification || verification.activeKeyArn !== activeKeyArn) {
    return [{ code: 'not-verified', text: 'this run has not verified the buckets against the active key' }];
  }
  const ofBuckets = buckets.flatMap((name) => {
    const found = verification.buckets.find((one) => one.bucket === name);
    return found ? bucketReasons(found, input) : [{ code: 'not-verified', text: `${name} was not verified` } as const];
  });
  const ofChanges = verification.changes.flatMap((found) => [
    ...heldReasons(found, keyArn),
    ...formerReasons(found, input.formerKeys),
  ]);
  return [...ofBuckets, ...ofChanges, ...ageReasons(verification, now)];
}

function ageReasons({ asOf }: VerificationRecord, now: number): GateReason[] {
  if (isFresh({ asOf }, now)) return [];
  const minutes = Math.round((now - Date.parse(asOf)) / 60_000);
  const allowed = `${VERIFICATION_FRESH / 60_000} are allowed`;
  const text =
    minutes < 0
      ? `the verification is dated ${-minutes} minutes in the future, so its age is not known`
      : `the verification is ${minutes} minutes old, and ${allowed}`;
  return [{ code: 'verification-too-old', text }];
}

function bucketReasons(found: BucketVerification, input: GateInput): GateReason[] {
  const { keyArn, switchSeenAt } = input;
  return [
    ...coverReasons(found, keyArn),
    ...heldReasons(found, keyArn),
    ...formerReasons(found, input.formerKeys),
    ...uploadReasons(found, switchSeenAt, { pin: pinOf(found, input), now: input.now }),
  ];
}

/** An alias that was moved since begins the time of a pin anew: the switch may have been another one in between. */
function pinOf({ bucket }: BucketVerification, { pins, users }: GateInput): Pin | undefined {
  const pin = pins?.find((one) => one.bucket === bucket);
  if (pin?.since === undefined) return pin;
  const moved = users.use.switchedAt.known?.getTime();
  return moved === undefined ? { ...pin, since: undefined } : { ...pin, since: Math.max(pin.since, moved) };
}

/** Whether a verification tells of a key at all. */
export function coverReasons(found: BucketVerification, keyArn: string): GateReason[] {
  if (found.covers === 'every-key' || found.covers.some((one) => isKey(one, keyArn))) return [];
  const text = `the verification of ${found.bucket} did not inspect every object version, and S3 was not asked for those under it`;
  return [{ code: 'key-not-covered', text }];
}

/** What a verification found under a key, or could not tell: reasons to keep the key on, whatever else holds. */
export function heldReasons(found: BucketVerification, keyArn: string): GateReason[] {
  const reasons: GateReason[] = [];
  const left = Object.entries(found.byKey).reduce((sum, [label, count]) => sum + (holds(label, keyArn) ? count : 0), 0);
  if (left > 0) {
    const named = found.left.find((one) => isKey(one.keyArn, keyArn));
    const example = named ? `, such as ${JSON.stringify(named.key)} (version ${named.versionId})` : '';
    reasons.push({ code: 'objects-left', text: `${found.bucket} holds ${left} object version(s) under it${example}` });
  }
  for (const fault of unaccounted(found)) {
    reasons.push({
      code: 'not-accounted',
      text: `the verification of ${found.bucket} does not account for every object version: ${fault}`,
    });
  }
  if (found.unknownTotal > 0) {
    const named = found.unknown[0];
    const example = named ? `, such as ${JSON.stringify(named.key)}: ${named.reason}` : '';
    reasons.push({
      code: 'objects-unknown',
      text: `${found.bucket} holds ${found.unknownTotal} object version(s) whose key is unknown${example}`,
    });
  }
  return [...reasons, ...annotationReasons(found)];
}

/** `DSSE:<arn>` is a second layer under the same key: disabling it shuts those objects out just as well. */
function holds(label: string, keyArn: string): boolean {
  return isKey(label.replace(/^DSSE:/, ''), keyArn);
}

function reencryptionReasons({ reencryptions }: GateInput): GateReason[] {
  return reencryptions
    .filter((one) => !one.complete)
    .map((one) => ({
      code: 're-encryption-incomplete',
      text: `the pass over ${one.bucket} did not finish: ${one.failedTotal} object version(s) failed`,
    }));
}
