import type { ListedVersion } from '../s3/object-version';
import type { JournalHead } from './journal-entry';

/** Limits a run to the versions that something else did not deal with. */
export interface OnlyVersions {
  /** Names the limit in the journal: a run resumes only from a journal of the same one. */
  readonly label: string;
  /** What was written since is inspected; milliseconds since the epoch. */
  readonly since: number;
  /** Keys whose versions are all inspected, whatever their date. */
  readonly hasKey: (key: string) => boolean;
  /** Versions that are inspected whatever their date and key. */
  readonly also?: ((version: ListedVersion) => boolean) | undefined;
}

/** Which versions of a listing a pass inspects. */
export type ShouldInspect = (version: ListedVersion) => boolean;

/** What the first pass of a run inspects: everything, or what it is limited to and the objects of uploads that are open. */
export function firstPass(only: OnlyVersions | undefined, { uploadKeys }: JournalHead): ShouldInspect {
  if (!only) return () => true;
  const uploads = new Set(uploadKeys);
  return (version) =>
    version.lastModified >= only.since ||
    uploads.has(version.key) ||
    only.hasKey(version.key) ||
    only.also?.(version) === true;
}

/** Which versions a pass inspects, as data that another process can be given. */
export interface InspectRule {
  /** What is dated since, in milliseconds since the epoch; absent: every version. */
  readonly since: number | undefined;
  /** Keys whose versions are inspected whatever their date. */
  readonly uploadKeys: readonly string[];
}

/** Every version. */
export const EVERY_VERSION: InspectRule = { since: undefined, uploadKeys: [] };

/** What a later pass inspects: what was written since the one before it began, and the objects of uploads. */
export function laterPass({ uploadKeys }: JournalHead, since: number): InspectRule {
  return uploadKeys === undefined ? EVERY_VERSION : { since, uploadKeys };
}

export function shouldInspectBy({ since, uploadKeys }: InspectRule): ShouldInspect {
  if (since === undefined) return () => true;
  const uploads = new Set(uploadKeys);
  return (version) => version.lastModified >= since || uploads.has(version.key);
}
