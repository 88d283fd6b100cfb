import { inspectVersion } from '../s3/inspect-version';
import { encryptionLabel, type ListedVersion, type VersionRef } from '../s3/object-version';
import type { Caller } from '../s3/pacing-and-retry';
import type { ObjectStore } from '../s3/store';
import { asFault } from '../s3/store-fault';
import { type MoveScope, versionScope } from '../s3/version-scope';

/** What a manifest does with a listed version: a row, or why it has none. */
export type ManifestEntry =
  | { readonly row: string }
  /** Left to the local engine, by a reason that is counted. */
  | { readonly leftOut: string }
  /** Counted and never moved, by how it is encrypted. */
  | { readonly outOfScope: string }
  /** Under the active key already. */
  | { readonly there: true }
  /** Either of the two, and the local engine inspects it and counts it. */
  | { readonly again: true }
  /** What it is under is not known, or it is annotated: the local engine decides. */
  | { readonly undecided: string };

/** What asking about a version before it gets a row takes. */
export interface EntryTools {
  readonly store: ObjectStore;
  readonly call: Caller;
  readonly scope: MoveScope;
  /** True: AWS does not say that the operation of the job moves annotations, so that an annotated version gets no row. */
  readonly leaveAnnotated: boolean;
}

/**
 * Whether a job is to move a version: it moves every row of its manifest, whatever that is under.
 *
 * @throws StoreFault only for what is not this version's: the credentials, the bucket
 */
export async function scopedEntry(
  { store, call, scope, leaveAnnotated }: EntryTools,
  { ref, listed, row }: { readonly ref: VersionRef; readonly listed: ListedVersion; readonly row: string },
): Promise<ManifestEntry> {
  const inspection = await inspectVersion(store, call, ref, listed.size);
  if (inspection.found === 'gone') return { leftOut: 'versions that are gone again' };
  if (inspection.found === 'sse-c') return { outOfScope: 'SSE-C' };
  if (inspection.found === 'fault') return { undecided: listed.key };
  const { encryption, lastModified } = inspection.head;
  const found = versionScope(scope, { encryption, dates: [listed.lastModified, lastModified] });
  if (found.scope === 'active') return { there: true };
  if (found.scope === 'out-of-scope') return { outOfScope: encryptionLabel(encryption) };
  if (found.scope === 'unknown') return { undecided: listed.key };
  if (leaveAnnotated && (await mayBeAnnotated(store, call, ref))) return { undecided: listed.key };
  return { row };
}

async function mayBeAnnotated(store: ObjectStore, call: Caller, ref: VersionRef): Promise<boolean> {
  try {
    return (await call('s3', () => store.annotated(ref))) === true;
  } catch (error) {
    if (asFault(error)) return true;
    throw error;
  }
}
