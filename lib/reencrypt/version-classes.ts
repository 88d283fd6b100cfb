import type { ObjectHead } from '../s3/object-version';
import type { Versioning } from '../s3/store';
import type { VersionScope } from '../s3/version-scope';
import type { BlockedReason } from './outcome';

/** Everything that the disposition of a version depends on. */
export interface VersionFacts {
  readonly head: ObjectHead;
  readonly isLatest: boolean;
  readonly versioning: Versioning;
  readonly scope: VersionScope;
  /** Milliseconds since the epoch by the endpoint's clock. */
  readonly now: number;
}

/** What is to be done with a version. */
export type Verdict =
  | { readonly do: 'nothing' }
  | { readonly do: 'leave' }
  | { readonly do: 'move' }
  | { readonly do: 'block'; readonly reason: BlockedReason; readonly detail: string };

/** One kind of object version: the first row whose `holds` is true decides. */
export interface VersionClass {
  readonly kind: string;
  readonly holds: (facts: VersionFacts) => boolean;
  readonly rewrap: Verdict;
  readonly rewrite: Verdict;
  /** The earliest date it can move, in milliseconds since the epoch. */
  readonly earliest?: (facts: VersionFacts) => number | undefined;
}

const NOTHING: Verdict = { do: 'nothing' };
const LEAVE: Verdict = { do: 'leave' };
const MOVE: Verdict = { do: 'move' };
const block = (reason: BlockedReason, detail: string): Verdict => ({ do: 'block', reason, detail });
const blockedEither = (reason: BlockedReason, detail: string) => {
  const verdict = block(reason, detail);
  return { rewrap: verdict, rewrite: verdict };
};

const retained = (mode: 'GOVERNANCE' | 'COMPLIANCE') => (facts: VersionFacts) =>
  facts.head.lock?.mode === mode && (facts.head.lock.until ?? Number.POSITIVE_INFINITY) > facts.now;
const retainedUntil = (facts: VersionFacts) => facts.head.lock?.until;

const ARCHIVE_CLASSES: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE']);
const isArchived = ({ head }: VersionFacts) =>
  ARCHIVE_CLASSES.has(head.storageClass) || head.archiveStatus !== undefined;

/**
 * Every kind of object version and what each method does with it. The documentation's table is printed from here.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/update-sse-encryption.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export const VERSION_CLASSES: readonly VersionClass[] = [
  {
    kind: 'already under the target key, SSE-KMS or DSSE-KMS',
    holds: ({ scope }) => scope.scope === 'active',
    rewrap: NOTHING,
    rewrite: NOTHING,
  },
  {
    kind: 'under something that the rotation file does not name; SSE-C in any case',
    holds: ({ scope }) => scope.scope === 'out-of-scope',
    rewrap: LEAVE,
    rewrite: LEAVE,
  },
  {
    kind: 'under a key or an encryption that cannot be determined',
    holds: ({ scope }) => scope.scope === 'unknown',
    ...blockedEither('unknown-encryption', 'S3 names no key of which Keyturn knows whether it is to be emptied'),
  },
  {
    kind: 'legal hold',
    holds: ({ head }) => head.lock?.legalHold === true,
    ...blockedEither('legal-hold', 'whoever placed the legal hold must lift it'),
  },
  {
    kind: 'event hold (object lock with variable retention)',
    holds: ({ head }) => head.lock?.eventHold === true,
    ...blockedEither('event-hold', 'whoever placed the event hold must end it; until then S3 names no date'),
  },
  {
    kind: 'retention of a kind that Keyturn does not know',
    holds: ({ head }) => head.lock?.mode === 'OTHER',
    ...blockedEither('object-lock', 'S3 names a retention mode that Keyturn does not know'),
  },
  {
    kind: 'compliance retention',
    holds: retained('COMPLIANCE'),
    ...blockedEither('compliance-retention', 'nobody can lift it before its date'),
    earliest: retainedUntil,
  },
  {
    kind: 'governance retention',
    holds: retained('GOVERNANCE'),
    ...blockedEither('governance-retention', 'wait for its date, or lift it with s3:BypassGovernanceRetention'),
    earliest: retainedUntil,
  },
  {
    kind: 'noncurrent version',
    holds: ({ isLatest }) => !isLatest,
    rewrap: MOVE,
    rewrite: block('noncurrent-version', 'a copy would become the current version; rewrap it, or let it expire'),
  },
  {
    kind: 'DSSE-KMS under another key',
    holds: ({ head }) => head.encryption.kind === 'dsse-kms',
    rewrap: block('dual-layer', 'S3 rewraps no dual-layer object; use rewrite, which keeps both layers'),
    rewrite: MOVE,
  },
  {
    kind: 'unencrypted (written before 2023)',
    holds: ({ head }) => head.encryption.kind === 'unencrypted',
    rewrap: block('unencrypted', 'there is no data key to rewrap; use rewrite'),
    rewrite: MOVE,
  },
  {
    kind: 'archived, being restored',
    holds: (facts) => isArchived(facts) && facts.head.restore === 'ongoing',
    rewrap: MOVE,
    rewrite: block('being-restored', 'run again when its restore is done'),
  },
  {
    kind: 'archived, not restored',
    holds: (facts) => isArchived(facts) && facts.head.restore === undefined,
    rewrap: MOVE,
    rewrite: block('archived', 'restore it first, or use rewrap, which needs no restore'),
  },
  {
    kind: 'SSE-S3',
    holds: ({ head }) => head.encryption.kind === 'sse-s3',
    rewrap: MOVE,
    rewrite: MOVE,
  },
  {
    kind: 'SSE-KMS under another key',
    holds: ({ head }) => head.encryption.kind === 'sse-kms',
    rewrap: MOVE,
    rewrite: MOVE,
  },
];

/** The first kind that holds. Every encryption has a row, so there always is one. */
export function versionClassOf(facts: VersionFacts): VersionClass {
  const found = VERSION_CLASSES.find((kind) => kind.holds(facts));
  if (!found) throw new RangeError(`no kind holds for ${facts.head.encryption.kind}`);
  return found;
}
