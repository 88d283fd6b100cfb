import type { Rotation } from '../rotation/rotation';
import type { PlanDocument, PlannedChange } from './plan-document';
import { list, text, type Values, values } from './plan-values';
import { type Words, words } from './review-messages';

/** Type of the resource that sets a bucket's default encryption. */
export const BUCKET_DEFAULT = 'aws_s3_bucket_server_side_encryption_configuration';

/** How addresses of the support buckets end; the rotation's own buckets are `.bucket_<name>`. */
export const SUPPORT_BUCKET = /\.(batch|evidence)$/;

/** The buckets that {@link bucketOf} searches. */
type Named = Pick<Rotation, 'buckets' | 'reencrypt' | 'evidence'>;

/** The default encryption that a rule of a bucket sets. */
export interface DefaultEncryption {
  readonly algorithm: string | undefined;
  readonly key: string | undefined;
  /** True: the key is known only after the apply. */
  readonly keyUnknown: boolean;
  readonly bucketKey: boolean;
}

/** An alias or a bucket default that a plan points at another key, or at a key for the first time. */
export interface KeyTargetChange {
  readonly address: string;
  /** `alias x`, `the default of bucket y`. */
  readonly what: Words;
  readonly kind: 'alias' | 'default';
  readonly from: string | undefined;
  /** Undefined: known only after the apply, or no key. */
  readonly to: string | undefined;
}

/** The first rule of a bucket's default encryption; S3 allows only one. */
export function defaultEncryption(held: Values | undefined, unknown: Values = {}): DefaultEncryption | undefined {
  const [rule] = list(held?.rule).map(values);
  if (!rule) return undefined;
  const [applied] = list(rule.apply_server_side_encryption_by_default).map(values);
  const [unknownRule] = list(unknown.rule).map(values);
  const [unknownApplied] = list(unknownRule?.apply_server_side_encryption_by_default).map(values);
  return {
    algorithm: text(applied?.sse_algorithm),
    key: text(applied?.kms_master_key_id),
    keyUnknown: unknownApplied?.kms_master_key_id === true,
    bucketKey: rule.bucket_key_enabled === true,
  };
}

/** Name of the bucket of a bucket setting; a bucket that does not exist yet is known only by its address. */
export function bucketOf({ before, after, address }: PlannedChange, rotation: Named): string {
  const { buckets, reencrypt, evidence } = rotation;
  const own = buckets.find(({ name }) => address.endsWith(`.bucket_${name.replaceAll('.', '_')}`));
  const serving = { batch: reencrypt.batch?.bucket, evidence: evidence.bucket?.name };
  const [, role] = SUPPORT_BUCKET.exec(address) ?? [];
  const declared = role === undefined ? own?.name : serving[role as keyof typeof serving];
  return text(after?.bucket) ?? text(before?.bucket) ?? declared ?? address;
}

/**
 * Every alias and bucket default that a plan moves, including version aliases, because the guard looks keys up by
 * them.
 */
export function keyTargetChanges(plan: PlanDocument, rotation: Named): readonly KeyTargetChange[] {
  return plan.changes.flatMap((change): readonly KeyTargetChange[] => {
    if (change.mode !== 'managed' || !['create', 'update', 'replace'].includes(change.action)) return [];
    if (change.type === 'aws_kms_alias') return aliasMove(change);
    return change.type === BUCKET_DEFAULT && !SUPPORT_BUCKET.test(change.address) ? defaultMove(change, rotation) : [];
  });
}

function aliasMove({ address, before, after }: PlannedChange): readonly KeyTargetChange[] {
  const [from, to] = [text(before?.target_key_id), text(after?.target_key_id)];
  if (from !== undefined && from === to) return [];
  return [{ address, kind: 'alias', what: words`alias ${text(after?.name) ?? address}`, from, to }];
}

function defaultMove(change: PlannedChange, rotation: Named): readonly KeyTargetChange[] {
  const from = defaultEncryption(change.before)?.key;
  const to = defaultEncryption(change.after, change.unknown)?.key;
  if (from !== undefined && from === to) return [];
  const what = words`the default of bucket ${bucketOf(change, rotation)}`;
  return [{ address: change.address, kind: 'default', what, from, to }];
}
