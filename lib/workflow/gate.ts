import { KeyturnError } from '../errors';
import type { Observation } from '../observation/observe';
import type { BucketReencryption } from '../reencrypt/bucket-reencryption';
import type { KeyVersion } from '../rotation/rotation';
import { isKey } from '../s3/object-version';
import type { BucketVerification } from '../verify/bucket-verification';
import { unaccounted } from '../verify/unaccounted';
import type { VerificationRecord } from './flow-facts';
import type { GateReason } from './gate-reason';

export interface GateInput {
  /** The version to retire, and the ARN of its key. */
  readonly version: KeyVersion;
  readonly keyArn: string;
  readonly activeKeyArn: string;
  readonly observation: Observation;
  /** Every bucket the verification had to cover: the declared ones and `retire.verifyOnlyBuckets`. */
  readonly buckets: readonly string[];
  readonly verification: VerificationRecord | undefined;
  readonly reencryptions: readonly BucketReencryption[];
  /** Milliseconds by S3's clock of the moment at which this run saw alias and defaults at the active version. */
  readonly switchSeenAt: number | undefined;
}

/** Only {@link openGate} makes one, and only a green verification lets it: `disableKey` is reached with this in hand. */
export class GatePass {
  readonly #made = true;
  readonly version: KeyVersion;
  readonly keyArn: string;

  private constructor(version: KeyVersion, keyArn: string) {
    this.version = version;
    this.keyArn = keyArn;
  }

  /** @throws gate-refused with every reason at once */
  static open(input: GateInput): GatePass {
    const reasons = gateReasons(input);
    if (reasons.length > 0) throw new KeyturnError('gate-refused', { version: input.version.name, reasons });
    return new GatePass(input.version, input.keyArn);
  }

  /** True for a pass that this class made; a look-alike object has no such mark. */
  static isPass(value: unknown): value is GatePass {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

/** Every reason to keep the version on, none when it may be retired. Pure: the same input, the same reasons. */
export function gateReasons(input: GateInput): readonly GateReason[] {
  return [...switchReasons(input), ...verificationReasons(input), ...reencryptionReasons(input)];
}

function switchReasons({ observation, activeKeyArn, keyArn }: GateInput): GateReason[] {
  const reasons: GateReason[] = [];
  if (keyArn === activeKeyArn) {
    reasons.push({ code: 'active-key-itself', text: `${keyArn} is the active key itself` });
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

function verificationReasons(input: GateInput): GateReason[] {
  const { verification, buckets, activeKeyArn } = input;
  if (!verification || verification.activeKeyArn !== activeKeyArn) {
    return [{ code: 'not-verified', text: 'this run has not verified the buckets against the active key' }];
  }
  return buckets.flatMap((name) => {
    const found = verification.buckets.find((one) => one.bucket === name);
    return found ? bucketReasons(found, input) : [{ code: 'not-verified', text: `${name} was not verified` } as const];
  });
}

function bucketReasons(found: BucketVerification, { keyArn, switchSeenAt }: GateInput): GateReason[] {
  const reasons: GateReason[] = [];
  if (found.covers !== 'every-key' && !found.covers.some((one) => isKey(one, keyArn))) {
    const text = `the verification of ${found.bucket} did not inspect every object version, and S3 was not asked for those under it`;
    reasons.push({ code: 'key-not-covered', text });
  }
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
  const uploads = uploadsOfBefore(found, switchSeenAt);
  if (uploads > 0) {
    const begun = found.openUploads[0] ? `, the first begun ${found.openUploads[0].initiated}` : '';
    reasons.push({
      code: 'uploads-open',
      text: `${found.bucket} has ${uploads} open multipart upload(s) that may finish under it${begun}`,
    });
  }
  return reasons;
}

/**
 * An upload is encrypted under the default of the moment it is begun. One begun after this run saw the switch done is
 * under the active key; of any other, and of those that the verification did not list, that is not known.
 */
function uploadsOfBefore(found: BucketVerification, switchSeenAt: number | undefined): number {
  if (switchSeenAt === undefined) return found.openUploadsTotal;
  const since = found.openUploads.filter((upload) => Date.parse(upload.initiated) >= switchSeenAt);
  return found.openUploadsTotal - since.length;
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
