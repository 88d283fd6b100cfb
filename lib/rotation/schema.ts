/**
 * The shape of a rotation file, once: the parser, the JSON Schema for editors and the words of its faults come from
 * here. What one field can say alone stands here; what several fields say together stands in `rules.ts`.
 */
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
  /** PKCS#11: length of a token's label. */
  tokenLabel: 32,
  /** A rotation file above this is no rotation file. */
  fileBytes: 1024 * 1024,
} as const;

/** Where a field stands: names of fields, and indexes of list items. */
export type FieldPath = readonly (string | number)[];

/** What a fault says of a field: what it may hold, and what to do when it holds something else. */
export interface FieldWords {
  readonly allowed: string;
  readonly change: string;
}

/** The words of every field, by its schema. */
export const fieldWords = z.registry<FieldWords>();

const field = <S extends z.ZodType>(schema: S, description: string, allowed: string, change = 'correct it'): S => {
  const described = schema.describe(description);
  fieldWords.add(described, { allowed, change });
  return described;
};

const VERSION_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const BUCKET_NAME =
  /^(?!xn--|sthree-|amzn-s3-demo-)(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)(?!.*(?:-s3alias|--ola-s3|\.mrap|--x-s3|--table-s3)$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const REGION = /^(?!cn-)[a-z]{2,4}(?:-[a-z]+){1,3}-\d{1,2}$/;
const KEY_ARN =
  /^arn:aws(?:-[a-z]+)*:kms:[a-z0-9-]+:\d{12}:key\/(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const PRINCIPAL_ARN =
  /^arn:aws(?:-[a-z]+)*:(?:iam::\d{12}:(?:root|(?:user|role)\/[\w+=,.@/-]+)|sts::\d{12}:assumed-role\/[\w+=,.@-]+\/[\w+=,.@-]+)$/;
/** `aws:PrincipalArn` is the role of an assumed role, never its session: a session named here would never be met. */
const STANDING_PRINCIPAL_ARN = /^arn:aws(?:-[a-z]+)*:iam::\d{12}:(?:root|(?:user|role)\/[\w+=,.@/-]+)$/;
const TOPIC_ARN = /^arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$/;
/** A fault of a tag's key belongs to the key, which has no place of its own among the fields. */
export const TAG_KEY_WORDS: FieldWords = {
  allowed: `1 to ${LIMITS.tagKeyLength} letters, digits, spaces and _.:/=+-@, not starting with aws: or keyturn:`,
  change: 'rename the tag',
};
const TAG_TEXT = '[\\p{L}\\p{Z}\\p{N}_.:/=+@-]';
/** The exact form of `materialValidTo`: KMS keeps whole seconds, so a fraction would never be what it reports. */
export const UTC_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

const BUCKET_WORDS = [
  'an S3 general purpose bucket name: 3 to 63 lower-case letters, digits, dots and hyphens, none of the forms S3 reserves',
  "write the bucket's name, without s3:// or arn:",
] as const;

const versionName = () =>
  field(
    z.string().regex(VERSION_NAME),
    'Name of the key version; its alias is <alias>/<name>. Never rename one: that replaces the key.',
    'lower-case letters, digits and hyphens, 1 to 32, such as v2',
    'write a name such as v2, in quotes if it is a number',
  );

const keyVersion = z.strictObject({
  name: versionName(),
  materialValidTo: field(
    z.string().regex(UTC_TIME).optional(),
    'When KMS deletes the key material, UTC; absent: it does not expire. At most 365 days after the import.',
    'a UTC time such as 2027-11-01T00:00:00Z',
    'write date, time and Z without fractions, or remove the field for material that does not expire',
  ),
  keyArn: field(
    z.string().regex(KEY_ARN).optional(),
    'ARN of an existing KMS key that objects are moved away from; Keyturn never changes that key.',
    'the full ARN of a KMS key, arn:aws:kms:<region>:<account>:key/<id>',
    'write the key ARN, not an alias or a bare id',
  ),
  disabled: field(
    z.boolean().default(false),
    'True records that this version is retired: the keys stack then declares it disabled.',
    'true or false',
    'write true or false without quotes',
  ),
});

const bucket = z.strictObject({
  name: field(z.string().regex(BUCKET_NAME), 'Name of the bucket; unique in the file.', ...BUCKET_WORDS),
  manage: field(
    z.enum(['bucket', 'encryption']),
    'bucket: create and own the bucket. encryption: adopt an existing bucket, own only its default encryption.',
    'bucket or encryption',
    'write bucket to create it, encryption to adopt an existing one',
  ),
  bucketKey: field(
    z.boolean().default(true),
    'Whether new objects use an S3 bucket key, which saves KMS requests.',
    'true or false',
    'write true or false without quotes',
  ),
});

const ANY_PRINCIPAL = [
  z.string().regex(PRINCIPAL_ARN),
  'the ARN of an IAM user, role, assumed role or account root, without wildcards',
] as const;
const STANDING_PRINCIPAL = [
  z.string().regex(STANDING_PRINCIPAL_ARN),
  'the ARN of an IAM user, role or account root, without wildcards; not of a session of a role',
] as const;

const principals = (who: string, [schema, allowed]: readonly [z.ZodString, string] = ANY_PRINCIPAL) =>
  field(
    z
      .array(
        field(
          schema,
          'ARN of an IAM principal.',
          allowed,
          'write the full ARN, such as arn:aws:iam::111122223333:role/name',
        ),
      )
      .default([]),
    who,
    'a list of IAM principal ARNs',
    'write a list, [] for none',
  );

const PATH_WITHOUT_NUL = /^[^\0]+$/;

const custodyDirectory = () =>
  field(
    z.string().regex(PATH_WITHOUT_NUL).default('custody'),
    "Directory of the custody files, relative to the rotation file's own.",
    'a path',
    'write a path such as custody',
  );

const age = z.strictObject({
  recipients: field(
    z
      .array(
        field(
          z.string().startsWith('age1'),
          'An age recipient, public.',
          'an age recipient, age1…, as `npx keyturn keygen` prints it',
          'copy the whole recipient again',
        ),
      )
      .default([]),
    'Who can open the custody copy of the material. Empty: pre-apply refuses unless it is told --no-custody.',
    'a list of age recipients',
    'write a list of age1… recipients, [] for none',
  ),
  directory: custodyDirectory(),
});

const command = z.strictObject({
  run: field(
    z
      .array(
        field(
          z.string().regex(PATH_WITHOUT_NUL).max(LIMITS.commandWordLength),
          'The program, or one of its arguments.',
          `text of 1 to ${LIMITS.commandWordLength} characters`,
          'write it in quotes if it is a number',
        ),
      )
      .min(1)
      .max(LIMITS.commandWords),
    'Program and arguments, run without a shell. A program with a slash is a path relative to the rotation file.',
    `a list of 1 to ${LIMITS.commandWords} words: the program and its arguments`,
    'write a list such as [./custodian.mjs]',
  ),
  directory: custodyDirectory(),
  timeoutSeconds: field(
    z.int().min(LIMITS.commandSeconds.min).max(LIMITS.commandSeconds.max).default(60),
    'How long one call of the program may take.',
    `a whole number from ${LIMITS.commandSeconds.min} to ${LIMITS.commandSeconds.max}`,
  ),
});

const pkcs11 = z.strictObject({
  module: field(
    z.string().regex(PATH_WITHOUT_NUL),
    "The PKCS#11 library of the hardware module, absolute or relative to the rotation file's folder.",
    'a path',
    'write the path of the library that the maker of the module ships',
  ),
  token: field(
    z
      .string()
      .regex(/^[^\0]+$/)
      .max(LIMITS.tokenLabel),
    'Label of the token that keeps the material.',
    `1 to ${LIMITS.tokenLabel} characters`,
    'write the label as the tools of the module show it, in quotes if it is a number',
  ),
  pinFile: field(
    z.string().regex(PATH_WITHOUT_NUL).optional(),
    'File that holds the user PIN; absent: the variable KEYTURN_PKCS11_PIN has it.',
    'a path',
    'write a path; never the PIN itself',
  ),
  directory: custodyDirectory(),
});

const s3Backend = z.strictObject({
  bucket: field(z.string().regex(BUCKET_NAME), 'Bucket of the Terraform state.', ...BUCKET_WORDS),
  region: field(
    z.string().regex(REGION).optional(),
    "Region of the state bucket; absent: the rotation's region.",
    'a Region such as ap-northeast-1',
    'write the Region code',
  ),
  prefix: field(
    z
      .string()
      .regex(/^(?!\/)[A-Za-z0-9!_.*'()/-]{0,512}$/)
      .default('keyturn/'),
    'The state of a stack is the object <prefix><stack>.tfstate.',
    "letters, digits and !_.*'()/-, up to 512, no leading slash",
    'write a prefix such as keyturn/',
  ),
  kmsKeyId: field(
    z
      .string()
      .regex(/^[A-Za-z0-9:/_-]{1,2048}$/)
      .optional(),
    "KMS key that encrypts the state; absent: the state bucket's default encryption.",
    'a KMS key ARN, key id or alias ARN',
    'write the key ARN',
  ),
});

const waiver = z.strictObject({
  rule: field(
    z.string().regex(/^KT\d{3}$/),
    'Id of the rule that is waived.',
    'the id of a review rule, such as KT032',
    'write the id as the review prints it',
  ),
  address: field(
    z.string().min(1).max(LIMITS.waiverText).optional(),
    'Terraform address that the waiver is for; absent: every address.',
    'a Terraform address such as aws_kms_external_key.version_v1',
    'copy the address as the review prints it',
  ),
  reason: field(
    z.string().min(10).max(LIMITS.waiverText),
    'Why the finding may stand; shown in every review.',
    `10 to ${LIMITS.waiverText} characters`,
    'say why, so that the next reviewer understands it',
  ),
  until: field(
    z.iso.date(),
    'Last day on which the waiver counts, UTC.',
    'a day that exists, such as 2027-01-31',
    'write year, month and day',
  ),
});

/** The rotation file as it is written. Every level is strict: an unknown field is a fault. */
export const rotationFileSchema = z.strictObject({
  name: field(
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
    'Names the two stacks, <name>-keys and <name>-storage. Never change it: that is another rotation.',
    'lower-case letters, digits and hyphens, 1 to 40',
  ),
  region: field(
    z.string().regex(REGION),
    'Region of the keys and the buckets.',
    'a Region such as ap-northeast-1, but not cn-*: KMS keys there take 16 bytes of SM4 material, which Keyturn does not make',
    'write the Region code',
  ),
  account: field(
    z
      .string()
      .regex(/^\d{12}$/)
      .optional(),
    'The account this rotation belongs to; absent: any account is accepted.',
    'an account id of 12 digits',
    'write all 12 digits',
  ),
  alias: field(
    z.string().regex(/^alias\/(?!aws(?:\/|$))[a-zA-Z0-9/_-]+$/),
    'The main alias; it points at the active version. Each version has <alias>/<version> too.',
    'alias/ and letters, digits, slashes, underscores and hyphens; never alias/aws, which AWS keeps for its own keys',
    'write an alias of your own, such as alias/my-key',
  ),
  strategy: field(
    z.enum(['new-key', 'in-place']).default('new-key'),
    'new-key: each version is a key of its own, objects move to it. in-place: one key, each version is key material of it.',
    'new-key or in-place',
    'write new-key, or in-place after reading docs/strategies.md; never change it once a second version is declared',
  ),
  keyVersions: field(
    z.array(keyVersion).min(1),
    'Key versions in the order of succession; append one to start a rotation.',
    'a list of at least one key version',
    'declare a version: "- name: v1"',
  ),
  activeVersion: field(
    z.string(),
    'The version that alias and bucket defaults point at; move it to switch.',
    'the name of a declared key version',
    'write one of the names under keyVersions, in quotes if it is a number',
  ),
  buckets: field(
    z.array(bucket).min(1),
    'The buckets whose objects this rotation covers.',
    'a list of at least one bucket',
    'declare a bucket: "- name: my-bucket" with "manage: bucket" or "manage: encryption"',
  ),
  keyPolicy: z
    .strictObject({
      administrators: principals('Who may manage the keys, but not use them.'),
      users: principals('Who may use the keys, through S3 only.'),
      breakGlass: principals(
        'Who may delete imported material or schedule the deletion of a key. Empty: the key policy denies both to everybody.',
        STANDING_PRINCIPAL,
      ),
    })
    .prefault({})
    .describe("Key policy of the declared versions; a list that is empty: the account's IAM policies decide alone."),
  expiry: z
    .strictObject({
      alarmTopicArn: field(
        z.string().regex(TOPIC_ARN).optional(),
        'SNS topic that is told before key material expires; absent: the keys stack declares no alarm.',
        'the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>',
        'write the full ARN of the topic',
      ),
      warnDays: field(
        z
          .array(
            field(
              z.int().min(1).max(LIMITS.materialDays),
              'Days before the expiry.',
              `a whole number from 1 to ${LIMITS.materialDays}`,
            ),
          )
          .min(1)
          .max(LIMITS.warnDays)
          .default([60, 30, 7]),
        'How many days before the expiry of key material it is warned of, by an alarm each.',
        `a list of 1 to ${LIMITS.warnDays} numbers of days`,
        'write a list such as [60, 30, 7]',
      ),
    })
    .prefault({})
    .describe('Warnings before key material expires.'),
  deletionWindowDays: field(
    z
      .int()
      .min(LIMITS.deletionWindowDays.min)
      .max(LIMITS.deletionWindowDays.max)
      .default(LIMITS.deletionWindowDays.max),
    'Waiting period, in days, should a key version ever be scheduled for deletion.',
    `a whole number from ${LIMITS.deletionWindowDays.min} to ${LIMITS.deletionWindowDays.max}`,
  ),
  rotateEveryDays: field(
    z.int().min(LIMITS.rotateEveryDays.min).max(LIMITS.rotateEveryDays.max).optional(),
    'How old, in days, the key of the active version may grow before `status` calls for a rotation; absent: it never does.',
    `a whole number from ${LIMITS.rotateEveryDays.min} to ${LIMITS.rotateEveryDays.max}`,
  ),
  tags: field(
    z
      .record(
        field(
          z
            .string()
            .regex(
              new RegExp(`^(?![Aa][Ww][Ss]:|[Kk][Ee][Yy][Tt][Uu][Rr][Nn]:)${TAG_TEXT}{1,${LIMITS.tagKeyLength}}$`, 'u'),
            ),
          'Key of a tag.',
          TAG_KEY_WORDS.allowed,
          TAG_KEY_WORDS.change,
        ),
        field(
          z.string().regex(new RegExp(`^${TAG_TEXT}{0,${LIMITS.tagValueLength}}$`, 'u')),
          'Value of a tag.',
          `up to ${LIMITS.tagValueLength} letters, digits, spaces and _.:/=+-@`,
          'correct it, in quotes if it is a number, true or false',
        ),
      )
      .default({}),
    'Tags of everything that the stacks create.',
    'a map from tag keys to tag values',
    'write "key: value" lines, {} for none',
  ),
  custody: z
    .strictObject({
      age: age.optional().describe('Custody in age-encrypted files.'),
      command: command
        .optional()
        .describe("Custody by an executable of the team's own; see docs/custodian-command.md."),
      pkcs11: pkcs11.optional().describe('Custody in a hardware module, which makes and wraps the material itself.'),
    })
    .prefault({})
    .describe('Where the only copy of the material outside KMS is kept; one custodian at most.'),
  reencrypt: z
    .strictObject({
      method: field(
        z.enum(['rewrap', 'rewrite']).default('rewrap'),
        'rewrap: move data keys, no data moves. rewrite: copy each object onto itself under a new data key.',
        'rewrap or rewrite',
      ),
    })
    .prefault({})
    .describe('How objects are re-encrypted.'),
  retire: z
    .strictObject({
      alsoVerify: field(
        z.array(field(z.string().regex(BUCKET_NAME), 'Name of a bucket.', ...BUCKET_WORDS)).default([]),
        'Buckets that Keyturn neither manages nor re-encrypts, but that must hold nothing under a version before it retires.',
        'a list of bucket names',
        'write a list, [] for none',
      ),
    })
    .prefault({})
    .describe('What must hold before a version is retired.'),
  review: z
    .strictObject({
      waivers: field(
        z.array(waiver).default([]),
        'Findings of the plan review that count for nothing until a day.',
        'a list of waivers',
        'write a list, [] for none',
      ),
    })
    .prefault({})
    .describe('How plans of this rotation are reviewed.'),
  terraform: z
    .strictObject({
      backend: field(z.enum(['local', 's3']).default('local'), 'Where Terraform keeps its state.', 'local or s3'),
      s3: s3Backend.optional().describe('The s3 backend; needed with backend: s3, refused without.'),
    })
    .prefault({})
    .describe('Terraform state.'),
});

/** A rotation file whose every field is well formed, defaults filled in, before the rules across fields. */
export type RotationFile = z.output<typeof rotationFileSchema>;
