import { RETRY_POLICY } from '../aws/retry-policy';
import type { FaultPolicy } from '../s3/fault-policy';
import { type Inspection, inspectVersion } from '../s3/inspect-version';
import { listedRef } from '../s3/listed-ref';
import { encryptionLabel, type ListedVersion, type ObjectHead, type VersionRef } from '../s3/object-version';
import type { Versioning } from '../s3/store';
import { asFault, faultKind, StoreFault } from '../s3/store-fault';
import { type MoveScope, versionScope } from '../s3/version-scope';
import type { VersionOutcome } from './outcome';
import { blocked, damaged, failed, moved, outcome } from './outcome-of';
import { resolveFault } from './resolve-fault';
import {
  differenceOf,
  type MoveContext,
  type Moved,
  proveByHead,
  rewrap,
  rewrapUnproven,
  type UnprovenMove,
} from './rewrap';
import { rewrite } from './rewrite';
import type { Unseen, UnseenParts } from './unseen-parts';
import { versionClassOf } from './version-classes';

export interface VersionMove extends MoveContext {
  readonly bucket: string;
  readonly scope: MoveScope;
  readonly method: 'rewrap' | 'rewrite';
  readonly versioning: Versioning;
  readonly dryRun: boolean;
  readonly faultPolicy: FaultPolicy;
  readonly unseen: UnseenParts;
}

/** What is left out when a version is rewrapped; a rewrite leaves nothing out. */
export interface MoveManner {
  /** True: it is rewrapped before anything is inspected. */
  readonly unseen: boolean;
  /** True: it is not inspected afterwards, because somebody else will. */
  readonly unproven: boolean;
}

/** Inspected before and after. */
export const INSPECTED: MoveManner = { unseen: false, unproven: false };

/** Times that a version which others keep replacing is inspected and decided before it counts as failed. */
const ROUNDS = RETRY_POLICY['contended version'].attempts;

/**
 * Moves one listed version: inspect, decide, move, compare. Yields one outcome, and a second one where a
 * rewrite left the version it copied behind as a noncurrent one; or a move that {@link provenBy} or {@link proveMove} has to prove.
 *
 * @throws KeyturnError, RunStopped: faults that are not this version's, from {@link FaultPolicy}
 */
export async function moveVersion(
  move: VersionMove,
  listed: ListedVersion,
  manner: MoveManner,
): Promise<readonly VersionOutcome[] | UnprovenMove> {
  const ref = listedRef(move.bucket, move.versioning, listed);
  if (manner.unseen && move.method === 'rewrap' && !move.dryRun) {
    const done = await rewrapUnseen(move, ref, listed, manner);
    if (done) return done;
  }
  let isLatest = listed.isLatest;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const inspection = await inspectSafely(move, ref, listed);
    if (inspection.found === 'gone') return [outcome(listed, { outcome: 'gone' })];
    if (inspection.found === 'sse-c') return [outcome(listed, { outcome: 'out-of-scope', from: { kind: 'sse-c' } })];
    if (inspection.found === 'fault') {
      const faulty = await resolveFault(move, listed, ref, inspection.fault, undefined);
      if (faulty) return [faulty];
      continue;
    }
    const { head } = inspection;
    move.faultPolicy.succeeded('HeadObject');
    const decided = decide(move, listed, isLatest, head);
    if (decided) return [decided];
    const unseen = await unseenSafely(move, ref, head);
    const stopped = decideUnseen(move, listed, isLatest, head, unseen);
    if (stopped) return [stopped];
    const unproven = manner.unproven && isAsListed(head, listed);
    const end = unseen instanceof StoreFault ? unseen : await moveSafely(move, ref, head, tagsOf(unseen), unproven);
    if (end instanceof StoreFault) {
      const faulty = await resolveFault(move, listed, ref, end, head.encryption);
      if (faulty) return [faulty];
      isLatest = await stillLatest(move, ref, isLatest);
      continue;
    }
    if (end.end === 'unproven') return end;
    if (end.end === 'changed') continue;
    if (end.end === 'gone') return [outcome(listed, { outcome: 'gone' })];
    if (end.end === 'damaged') return [damaged(listed, end.difference)];
    return moved(listed, ref, head, end);
  }
  const reason = `it was replaced ${ROUNDS} times while it was being moved`;
  return [failed(listed, { operation: move.method, status: 409, code: 'Contended', reason })];
}

/**
 * The outcome of a move, by the answer to a HEAD that somebody else sent after it; undefined: it does not show that the version moved as
 * it was.
 */
export function provenBy(
  { targetKeyArn }: Pick<VersionMove, 'targetKeyArn'>,
  listed: ListedVersion,
  { ref, from, bucketKey }: UnprovenMove,
  head: ObjectHead,
): VersionOutcome | undefined {
  if ((head.versionId ?? 'null') !== (ref.versionId ?? 'null')) return undefined;
  if (differenceOf(listed, head, { targetKeyArn, bucketKey }) !== undefined) return undefined;
  return outcome(listed, { outcome: 'moved', from, to: head.encryption, etag: head.etag, newVersionId: undefined });
}

/** Inspects a version that was rewrapped, and decides again where it is not as it was. @throws as {@link moveVersion} */
export async function proveMove(
  move: VersionMove,
  listed: ListedVersion,
  unproven: UnprovenMove,
): Promise<readonly VersionOutcome[]> {
  try {
    const end = await proveByHead(move, unproven, listed);
    if (end.end === 'gone') return [outcome(listed, { outcome: 'gone' })];
    const proven = end.end === 'moved' ? provenBy(move, listed, unproven, end.head) : undefined;
    if (proven) return [proven];
    if (end.end === 'damaged' && unproven.from !== undefined) return [damaged(listed, end.difference)];
  } catch (error) {
    if (!asFault(error)) throw error;
  }
  const again = await moveVersion(move, listed, INSPECTED);
  return 'end' in again ? proveMove(move, listed, again) : again;
}

/** The version that was listed, and not one that took its place. */
function isAsListed({ etag, size, storageClass }: ObjectHead, listed: ListedVersion): boolean {
  return etag === listed.etag && size === listed.size && storageClass === listed.storageClass;
}

/** Rewrite reads the checksum too, as it must ask for the same one again. */
async function inspectSafely(move: VersionMove, ref: VersionRef, listed: ListedVersion): Promise<Inspection> {
  try {
    return await inspectVersion(move.store, move.call, ref, listed.size, { checksums: move.method === 'rewrite' });
  } catch (error) {
    const fault = asFault(error);
    if (!fault) throw error;
    return { found: 'fault', fault };
  }
}

function decide(
  move: VersionMove,
  listed: ListedVersion,
  isLatest: boolean,
  head: ObjectHead,
): VersionOutcome | undefined {
  const { versioning, store } = move;
  const dates = [listed.lastModified, head.lastModified];
  const scope = versionScope(move.scope, { encryption: head.encryption, dates });
  const facts = { head, isLatest, versioning, scope, now: store.now() };
  const kind = versionClassOf(facts);
  const verdict = kind[move.method];
  if (verdict.do === 'nothing') return outcome(listed, { outcome: 'already-there' });
  if (verdict.do === 'leave') return outcome(listed, { outcome: 'out-of-scope', from: head.encryption });
  if (verdict.do === 'block') {
    const detail = scope.scope === 'unknown' ? scope.reason : verdict.detail;
    const { reason } = verdict;
    return blocked(listed, encryptionLabel(head.encryption), { reason, detail }, kind.earliest?.(facts));
  }
  return move.dryRun ? outcome(listed, { outcome: 'would-move', from: head.encryption }) : undefined;
}

async function unseenSafely(move: VersionMove, ref: VersionRef, head: ObjectHead): Promise<Unseen | StoreFault> {
  try {
    return await move.unseen.of(ref, head);
  } catch (error) {
    const fault = asFault(error);
    if (!fault) throw error;
    return fault;
  }
}

/** The outcome that what HEAD did not show leads to; undefined: it can be moved, or a fault is to be resolved. */
function decideUnseen(
  move: VersionMove,
  listed: ListedVersion,
  isLatest: boolean,
  head: ObjectHead,
  unseen: Unseen | StoreFault,
): VersionOutcome | undefined {
  if (unseen instanceof StoreFault || unseen.found === 'nothing') return undefined;
  if (unseen.found === 'lock') return decide(move, listed, isLatest, { ...head, lock: unseen.lock });
  if (unseen.found === 'annotations') return blocked(listed, encryptionLabel(head.encryption), ANNOTATED[move.method]);
  const { operation, reason } = unseen;
  return failed(listed, { operation, status: 403, code: 'NotCarried', reason });
}

const ANNOTATED = {
  rewrap: { reason: 'annotated', detail: 'AWS does not say that rewrap moves annotations; rewrite it, or remove them' },
  rewrite: { reason: 'annotated', detail: 'a copy in parts does not carry annotations; remove them, or let it expire' },
} as const;

function tagsOf(unseen: Unseen): Readonly<Record<string, string>> {
  return (unseen.found === 'nothing' && unseen.tags) || {};
}

async function moveSafely(
  move: VersionMove,
  ref: VersionRef,
  head: ObjectHead,
  tags: Readonly<Record<string, string>>,
  unproven: boolean,
): Promise<Moved | UnprovenMove | StoreFault> {
  try {
    const end = await (move.method === 'rewrite'
      ? rewrite(move, ref, head, tags)
      : unproven
        ? rewrapUnproven(move, ref, head)
        : rewrap(move, ref, head));
    move.faultPolicy.succeeded(move.method === 'rewrap' ? 'UpdateObjectEncryption' : 'CopyObject', head.encryption);
    return end;
  } catch (error) {
    const fault = asFault(error);
    if (!fault) throw error;
    return fault;
  }
}

/** Rewraps a version by its entry in the listing; undefined: it did not succeed, and the version has to be inspected. */
async function rewrapUnseen(
  move: VersionMove,
  ref: VersionRef,
  listed: ListedVersion,
  manner: MoveManner,
): Promise<readonly VersionOutcome[] | UnprovenMove | undefined> {
  const { store, call, faultPolicy } = move;
  try {
    if (await move.unseen.isAnnotated(ref)) return undefined;
    const unproven = await rewrapUnproven(move, ref, undefined);
    if (manner.unproven) {
      faultPolicy.succeeded('UpdateObjectEncryption');
      return unproven;
    }
    const head = await call('s3', () => store.head(ref), ref.key);
    faultPolicy.succeeded('UpdateObjectEncryption');
    const proven = provenBy(move, listed, unproven, head);
    return proven && [proven];
  } catch (error) {
    if (asFault(error)) return undefined;
    throw error;
  }
}

/** After a lost race the version may have been overtaken: then a copy of it would bring old content back. */
async function stillLatest(
  { store, call, versioning }: VersionMove,
  ref: VersionRef,
  before: boolean,
): Promise<boolean> {
  if (!before || versioning === 'unversioned') return before;
  try {
    const current = await call('s3', () => store.head({ ...ref, versionId: undefined }), ref.key);
    return (current.versionId ?? 'null') === ref.versionId;
  } catch (error) {
    const fault = asFault(error);
    if (fault && faultKind(fault) === 'gone') return false;
    if (fault) return before;
    throw error;
  }
}
