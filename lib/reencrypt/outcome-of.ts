/** The forms that the outcome of one listed version takes. */
import { encryptionLabel, type ListedVersion, type ObjectHead, type VersionRef } from '../s3/object-version';
import type { StoreFault } from '../s3/store-fault';
import type { BlockedVersion, VersionOutcome } from './outcome';
import type { Moved } from './rewrap';

/** A version that a rewrite copied stays behind as a noncurrent one. */
export function moved(
  listed: ListedVersion,
  ref: VersionRef,
  before: ObjectHead,
  end: Extract<Moved, { end: 'moved' }>,
): readonly VersionOutcome[] {
  const done = outcome(listed, {
    outcome: 'moved',
    from: before.encryption,
    to: end.head.encryption,
    etag: end.head.etag,
    newVersionId: end.versionId === ref.versionId ? undefined : end.versionId,
  });
  if (end.versionId === ref.versionId) return [done];
  const detail = 'the rewrite left it behind as a noncurrent version; rewrap it, or let it expire';
  return [done, blocked(listed, encryptionLabel(before.encryption), { reason: 'noncurrent-version', detail })];
}

type OutcomeOf = VersionOutcome extends infer V
  ? V extends VersionOutcome
    ? Omit<V, 'key' | 'versionId' | 'size'>
    : never
  : never;

export function outcome({ key, versionId, size }: ListedVersion, rest: OutcomeOf): VersionOutcome {
  return { key, versionId, size, ...rest } as VersionOutcome;
}

export function blocked(
  listed: ListedVersion,
  encryption: string,
  { reason, detail }: Pick<BlockedVersion, 'reason' | 'detail'>,
  earliest?: number,
): VersionOutcome {
  const { key, versionId } = listed;
  const date = earliest === undefined ? undefined : new Date(earliest).toISOString();
  return outcome(listed, {
    outcome: 'blocked',
    blocked: { key, versionId, reason, detail, earliest: date, encryption },
  });
}

export function damaged(listed: ListedVersion, reason: string): VersionOutcome {
  return failed(listed, { operation: 'HeadObject', status: 200, code: 'Changed', reason });
}

export function facts({ operation, status, code }: StoreFault) {
  return { operation, status, code };
}

export function failed(
  listed: ListedVersion,
  fault: { operation: string; status: number; code: string; reason: string },
): VersionOutcome {
  const { key, versionId } = listed;
  return outcome(listed, { outcome: 'failed', failed: { key, versionId, ...fault } });
}
