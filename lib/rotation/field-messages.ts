/** What every field of a rotation file is said with: limits, and the words of its faults. */
import { z } from 'zod';

/** Limits of AWS and of the file, each written once. */
export const LIMITS = {
  /** KMS: length of an alias with its `alias/` prefix. */
  aliasLength: 256,
  /** KMS ImportKeyMaterial: material expires at most this long after the import. */
  materialDays: 365,
  /** KMS ScheduleKeyDeletion. */
  deletionWindowDays: { min: 7, max: 30 },
  /** How long a key version may be declared to serve: a day to ten years. */
  rotateEveryDays: { min: 1, max: 3650 },
  /** AWS allows 50 tags a resource; ten are left for Keyturn and for the organisation's own tag policies. */
  tags: 40,
  tagKeyLength: 128,
  tagValueLength: 256,
  /** KMS RotateKeyOnDemand: rotations that one key can have in its life. */
  rotationsInPlace: 25,
  /** CloudWatch alarms of one key version. */
  warnDays: 5,
  /** Address and reason of a waiver. */
  waiverText: 1024,
  /** Arguments of a custodian command, and the length of each. */
  commandWords: 32,
  commandWordLength: 1024,
  /** Seconds that a custodian command may take. */
  commandSeconds: { min: 1, max: 600 },
  /** Object versions from which a job of S3 Batch Operations may take over; the most that one job works on. */
  fromVersions: { min: 1, max: 20_000_000_000 },
  /** S3 Batch Operations: the highest priority of a job. */
  jobPriority: 2_147_483_647,
  /** S3 Object Lock: days of a default retention, a hundred years at the most. */
  retentionDays: { min: 1, max: 36_500 },
  /** PKCS#11: length of a token's label. */
  tokenLabel: 32,
  /** A rotation file above this is no rotation file. */
  fileBytes: 1024 * 1024,
} as const;

/** Where a field stands: names of fields, and indexes of list items. */
export type FieldPath = readonly (string | number)[];

/** What a fault says of a field: what it may hold, and what to do when it holds something else. */
export interface FieldMessages {
  readonly allowed: string;
  readonly change: string;
}

/** The words of every field, by its schema. */
export const fieldMessages = z.registry<FieldMessages>();

/** A schema with its description for editors and the words of its faults. */
export const field = <S extends z.ZodType>(
  schema: S,
  description: string,
  allowed: string,
  change = 'correct it',
): S => {
  const described = schema.describe(description);
  fieldMessages.add(described, { allowed, change });
  return described;
};

/** A fault of a tag's key belongs to the key, which has no place of its own among the fields. */
export const TAG_KEY_MESSAGES: FieldMessages = {
  allowed: `1 to ${LIMITS.tagKeyLength} letters, digits, spaces and _.:/=+-@, not starting with aws: or keyturn:`,
  change: 'rename the tag',
};
/** The exact form of `materialValidTo`: KMS keeps whole seconds, so a fraction would never be what it reports. */
export const UTC_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
