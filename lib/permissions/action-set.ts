import type { Rotation } from '../rotation/rotation';

/** The targets of actions; `policy-document.ts` turns each into resources and conditions. */
export type Target =
  /** Actions that name no resource. */
  | 'anything'
  /** A key at its creation, by its tags. */
  | 'new keys'
  /** Tagging of a key at its creation. */
  | 'tags of new keys'
  /** Every declared key, including adopted ones. */
  | 'keys'
  /** The keys that Keyturn declared, by their tag. */
  | 'own keys'
  | 'keys to retire'
  /** The same, for the round trip that proves material. */
  | 'own keys for the proof'
  /** Every declared key, only through S3 of the rotation's Region. */
  | 'keys through S3'
  /** The keys that `reencrypt.from` names by ARN, only through S3; with `any`, every key of the account. */
  | 'named sources through S3'
  /** The keys that objects are moved to: those that Keyturn declared, and the active one. Only through S3. */
  | 'target keys through S3'
  | 'aliases'
  | 'buckets'
  /** Buckets that the storage stack owns, including support buckets. */
  | 'owned buckets'
  /** The support buckets: for jobs, and for evidence. */
  | 'support buckets'
  /** Buckets of `retire.verifyOnlyBuckets`. */
  | 'other buckets'
  /** Every bucket that the account owns. */
  | 'buckets of the account'
  | 'objects'
  | 'objects of adopted buckets'
  | 'objects of other buckets'
  /** A job of S3 Batch Operations at its creation, by its tags. */
  | 'new jobs'
  /** Every job of the account in the rotation's Region. */
  | 'jobs'
  /** Jobs of this rotation, by their tag. */
  | 'own jobs'
  /** Tagging of jobs with the tag of this rotation, if they have no tag of another one. */
  | 'tags of own jobs'
  /** The role of the jobs. */
  | 'job role'
  /** The same, passed to S3 Batch Operations. */
  | 'job role for jobs'
  | 'job bucket'
  | 'manifests'
  | 'reports'
  /** The KMS key that signs evidence. */
  | 'signing key'
  | 'evidence bucket'
  | 'evidence'
  | 'state bucket'
  | 'state objects'
  | 'state locks'
  | 'state key'
  | 'alarms'
  /** The role of `retire.rehearseAs`. */
  | 'readers role';

/** A set of actions on one target. */
export interface ActionSet {
  /** Name of the statement, unique in a policy. */
  readonly sid: string;
  readonly on: Target;
  readonly actions: readonly string[];
  /** Whether a rotation needs it; absent: always. */
  readonly when?: (rotation: Rotation) => boolean;
}
