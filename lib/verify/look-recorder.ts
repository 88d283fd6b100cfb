import type { FoundKind, LookRecord } from '../s3/look-record';
import { LOOK_GROUPS } from '../s3/look-record';
import type { ListedVersion } from '../s3/object-version';
import { VersionGroups } from './version-groups';

type Counts = Pick<LookRecord, 'requests' | 'secondHeads' | 'askedForAnnotations'>;

/** Where what was found of versions goes. */
export interface LookSink {
  /** A version that is accounted for. */
  settled(version: ListedVersion, kind: FoundKind): void;
  /** All of the version's group has to be inspected again. */
  doubt(version: Pick<ListedVersion, 'key' | 'versionId'>): void;
}

/** Collects what was found, to be reported to the process whose verification it is for. */
export class LookRecorder implements LookSink {
  readonly #groups = new VersionGroups(LOOK_GROUPS);
  readonly #kinds = new Map<string, { readonly at: number; readonly kind: FoundKind }>();
  #entries: { readonly group: number; readonly high: number; readonly low: number; readonly kind: number }[] = [];
  #doubted = new Set<number>();
  #reported: Counts = { requests: 0, secondHeads: { versions: 0, contradictions: 0 }, askedForAnnotations: 0 };

  settled(version: ListedVersion, kind: FoundKind): void {
    const name = `${kind.place} ${kind.label}`;
    const known = this.#kinds.get(name) ?? { at: this.#kinds.size, kind };
    this.#kinds.set(name, known);
    this.#entries.push({ ...this.#groups.entryOf(version), kind: known.at });
  }

  doubt(version: Pick<ListedVersion, 'key' | 'versionId'>): void {
    this.#doubted.add(this.#groups.groupOf(version));
  }

  /** What was found since the last time. @param now - counts since the beginning */
  take({ requests, secondHeads, askedForAnnotations }: Counts): LookRecord {
    const now = { requests, secondHeads: { ...secondHeads }, askedForAnnotations };
    const entries = this.#entries;
    const doubted = this.#doubted;
    const before = this.#reported;
    this.#entries = [];
    this.#doubted = new Set();
    this.#reported = now;
    return {
      groups: Uint16Array.from(entries, (one) => one.group),
      high: Uint32Array.from(entries, (one) => one.high),
      low: Uint32Array.from(entries, (one) => one.low),
      kindOf: Uint16Array.from(entries, (one) => one.kind),
      kinds: [...this.#kinds.values()].map(({ kind }) => kind),
      doubted: Uint16Array.from(doubted),
      requests: now.requests - before.requests,
      secondHeads: {
        versions: now.secondHeads.versions - before.secondHeads.versions,
        contradictions: now.secondHeads.contradictions - before.secondHeads.contradictions,
      },
      askedForAnnotations: now.askedForAnnotations - before.askedForAnnotations,
    };
  }
}
