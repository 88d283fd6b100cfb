import type { FaultPolicy } from '../s3/fault-policy';
import { type Encryption, encryptionLabel, type ListedVersion, type VersionRef } from '../s3/object-version';
import { asFault, faultText, type StoreFault } from '../s3/store-fault';
import type { VersionOutcome } from './outcome';
import { blocked, facts, failed, outcome } from './outcome-of';
import type { MoveContext } from './rewrap';

/** What has to be known of a move that met a fault. */
export interface FaultyMove extends Pick<MoveContext, 'store' | 'call'> {
  readonly faultPolicy: FaultPolicy;
}

/** The outcome that a fault leads to; undefined: read again and decide again. */
export async function resolveFault(
  move: FaultyMove,
  listed: ListedVersion,
  ref: VersionRef,
  fault: StoreFault,
  source: Encryption | undefined,
): Promise<VersionOutcome | undefined> {
  const opens = () => readable(move, ref, listed.size);
  const disposition = await move.faultPolicy.classify(fault, ref, source, opens);
  switch (disposition.kind) {
    case 'gone':
      return outcome(listed, { outcome: 'gone' });
    case 'again':
      return undefined;
    case 'blocked':
      return blocked(listed, source ? encryptionLabel(source) : 'unknown', disposition);
    case 'failed':
      return failed(listed, { ...facts(fault), reason: faultText(fault) });
  }
}

async function readable({ store, call }: FaultyMove, ref: VersionRef, size: number): Promise<boolean> {
  try {
    await call('kms', () => store.probe(ref, size), ref.key);
    return true;
  } catch (error) {
    if (asFault(error)) return false;
    throw error;
  }
}
