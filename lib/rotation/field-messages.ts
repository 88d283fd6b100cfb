/** Limits of the fields of a rotation file, and the registry of their fault messages. */
import { z } from 'zod';

/** Limits of AWS and of the file, each written once. */
export const LIMITS = {
  /** KMS: length of an alias with its `alias/` prefix. */
  aliasLength: 256,
  /** KMS ImportKeyMaterial: material expires at most this long after the import. */
  materialDays: 365,
  /** KMS PutKeyPolicy: characters of a key policy. */
  keyPolicy: 32_768,
  /** KMS ScheduleKeyDeletion. */
  deletionWindowDays: { min: 7, max: 30 },
  /** Rotation period of a key version: a day to ten years. */
  rotateEveryDays: { min: 1, max: 3650 },
  drillEveryDays: { min: 1, max: 3650 },
  /** AWS allows 50 tags per resource; ten are reserved for Keyturn and for tag policies of the organization. */
  tags: 40,
  tagKeyLength: 128,
  tagValueLength: 256,
  /** KMS RotateKeyOnDemand: rotations per key. */
  rotationsInPlace: 25,
  /** CloudWatch alarms per key version. */
  warnDays: 5,
  /** Days without use before a key is disabled: at most the validity of its material. */
  unusedForDays: { min: 1, max: 365 },
  /** The event history of CloudTrail is 90 days long. */
  accessDays: { min: 1, max: 90 },
  /** Address and reason of a waiver. */
  waiverText: 1024,
  /** Arguments of a custodian command, and the length of each. */
  commandWords: 32,
  commandWordLength: 1024,
  /** Seconds that a custodian command may take. */
  commandSeconds: { min: 1, max: 600 },
  /** Threshold of object versions for S3 Batch Operations; at most what one job accepts. */
  fromVersions: { min: 1, max: 20_000_000_000 },
  /** S3 Batch Operations: the highest priority of a job. */
  jobPriority: 2_147_483_647,
  /** S3 Object Lock: days of a default retention, at most a hundred years. */
  retentionDays: { min: 1, max: 36_500 },
  /** PKCS#11: length of a token's label. */
  tokenLabel: 32,
  /** A larger file is refused. */
  fileBytes: 1024 * 1024,
} as const;

/** The path of a field: names of fields, and indexes of list items. */
export type FieldPath = readonly (string | number)[];

/** The fault message of a field: its allowed values, and the fix for any other value. */
export interface FieldMessages {
  readonly allowed: string;
  readonly change: string;
}

/** The fault messages of every field, by its schema. */
export const fieldMessages = z.registry<FieldMessages>();

/** A schema with its description for editors and its fault messages. */
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

/** Messages for the key of a tag, which has no schema field of its own. */
export const TAG_KEY_MESSAGES: FieldMessages = {
  allowed: `1 to ${LIMITS.tagKeyLength} letters, digits, spaces and _.:/=+-@, not starting with aws: or keyturn:`,
  change: 'rename the tag',
};
/** The exact form of `materialValidTo`. KMS stores whole seconds, so it would never report a fraction back. */
export const UTC_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
