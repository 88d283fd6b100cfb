import type { Rotation } from '../rotation/rotation';

/** What actions are allowed on; `policy-document.ts` turns each into resources and conditions. */
export type Target =
  /** Actions that name no resource. */
  | 'anything'
  /** A key that is being made, by the tags it is made with. */
  | 'new keys'
  /** A key that gets its tags as it is made. */
  | 'tags of new keys'
  /** Every declared key, adopted ones too. */
  | 'keys'
  /** The keys that Keyturn declared, by their tag. */
  | 'own keys'
  /** The same, for the round trip that proves material. */
  | 'own keys for the proof'
  /** Every declared key, through S3 of the rotation's Region alone. */
  | 'keys through S3'
  | 'aliases'
  | 'buckets'
  /** Buckets that the storage stack owns, those that serve the rotation too. */
  | 'owned buckets'
  /** Of them, the bucket for jobs and the bucket of the evidence. */
  | 'serving buckets'
  /** Buckets of `retire.verifyOnlyBuckets`. */
  | 'other buckets'
  | 'objects'
  | 'objects of adopted buckets'
  | 'objects of other buckets'
  /** Job of S3 Batch Operations that is being created, by the tags it is created with. */
  | 'new jobs'
  /** Every job of the account in the rotation's Region. */
  | 'jobs'
  /** Jobs of this rotation, by their tag. */
  | 'own jobs'
  /** Jobs that get, or keep, the tag of this rotation, and have that of no other. */
  | 'tags of own jobs'
  /** The role of the jobs. */
  | 'job role'
  /** The same, for S3 Batch Operations to take. */
  | 'job role for jobs'
  | 'job bucket'
  | 'manifests'
  | 'reports'
  | 'evidence bucket'
  | 'evidence'
  | 'state bucket'
  | 'state objects'
  | 'state locks'
  | 'state key'
  | 'alarms';

/** Actions that go together on one target. */
export interface ActionSet {
  /** Name of the statement, unique in a policy. */
  readonly sid: string;
  readonly on: Target;
  readonly actions: readonly string[];
  /** When a rotation needs it; absent: always. */
  readonly when?: (rotation: Rotation) => boolean;
}
