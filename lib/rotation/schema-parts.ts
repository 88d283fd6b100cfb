/** The objects and lists inside a rotation file. */
import { z } from 'zod';
import { field, LIMITS, UTC_TIME } from './field-messages';

const VERSION_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
export const BUCKET_NAME =
  /^(?!xn--|sthree-|amzn-s3-demo-)(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)(?!.*(?:-s3alias|--ola-s3|\.mrap|--x-s3|--table-s3)$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
export const REGION = /^(?!cn-)[a-z]{2,4}(?:-[a-z]+){1,3}-\d{1,2}$/;
/** Full ARN of a KMS key. */
export const KEY_ARN =
  /^arn:aws(?:-[a-z]+)*:kms:[a-z0-9-]+:\d{12}:key\/(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
/** What `reencrypt.from` may name, besides the ARN of a key. */
const SOURCES = ['sse-s3', 'aws/s3', 'any'] as const;
export const ROLE_ARN = /^arn:aws(?:-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]+$/;
export const TOPIC_ARN = /^arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$/;

export const BUCKET_WORDS = [
  'an S3 general purpose bucket name: 3 to 63 lower-case letters, digits, dots and hyphens, none of the forms S3 reserves',
  "write the bucket's name, without s3:// or arn:",
] as const;

const versionName = () =>
  field(
    z.string().regex(VERSION_NAME),
    'Name of the key version; its alias is <alias>/<name>. Never rename a version: that replaces the key.',
    'lower-case letters, digits and hyphens, 1 to 32, such as v2',
    'write a name such as v2, in quotes if it is a number',
  );

export const keyVersion = z.strictObject({
  name: versionName(),
  materialValidTo: field(
    z.string().regex(UTC_TIME).optional(),
    'When KMS deletes the key material, UTC; absent: it does not expire. At most 365 days after the import.',
    'a UTC time such as 2027-11-01T00:00:00Z',
    'write date, time and Z without fractions, or remove the field if the material does not expire',
  ),
  keyArn: field(
    z.string().regex(KEY_ARN).optional(),
    'ARN of an existing KMS key that objects are moved away from; Keyturn changes that key only with retire: true.',
    'the full ARN of a KMS key, arn:aws:kms:<region>:<account>:key/<id>',
    'write the key ARN, not an alias or a bare id',
  ),
  takeOver: field(
    z.string().regex(KEY_ARN).optional(),
    'ARN of an existing external-origin key that becomes this version: the keys stack imports it, with its policy, tags and alias.',
    'the full ARN of a KMS key of the account, arn:aws:kms:<region>:<account>:key/<id>',
    'write the key ARN, not an alias or a bare id',
  ),
  keptPolicy: field(
    z.string().min(2).max(LIMITS.keyPolicy).optional(),
    'The key policy that the taken-over key had, as JSON; needed with keyPolicy.keep: true, refused without.',
    `a key policy in JSON, up to ${LIMITS.keyPolicy} characters`,
    'let `npx keyturn adopt --take-over --keep-policy` write it',
  ),
  retire: field(
    z.boolean().optional(),
    'True allows Keyturn to disable this adopted key once the retire gate is open. Default: only the verdict is given.',
    'true or false',
    'write true or false without quotes',
  ),
  disabled: field(
    z.boolean().default(false),
    'True records that this version is retired: the keys stack then declares it disabled.',
    'true or false',
    'write true or false without quotes',
  ),
  custodyWaiver: field(
    z.string().min(10).max(LIMITS.waiverText).optional(),
    'Why this version may be used although custody is not proven to hold its material.',
    `10 to ${LIMITS.waiverText} characters`,
    'write a reason that the next reviewer understands',
  ),
});

export const bucket = z.strictObject({
  name: field(z.string().regex(BUCKET_NAME), 'Name of the bucket; unique in the file.', ...BUCKET_WORDS),
  manage: field(
    z.enum(['bucket', 'encryption']),
    'bucket: create and own the bucket. encryption: adopt an existing bucket and own only its default encryption.',
    'bucket or encryption',
    'write bucket to create it, or encryption to adopt an existing one',
  ),
  bucketKey: field(
    z.boolean().default(true),
    'Whether new objects use an S3 bucket key, which saves KMS requests.',
    'true or false',
    'write true or false without quotes',
  ),
  pinWriters: field(
    z.boolean().optional(),
    'True denies writes that name another key than the active one, by the full ARN; only with manage: bucket. Default: false.',
    'true or false',
    'write true or false without quotes',
  ),
});

export const adopted = z.strictObject({
  alias: field(
    z.boolean().default(false),
    'True: the main alias exists already; the storage stack imports it.',
    'true or false',
    'write true or false without quotes',
  ),
  versionAliases: field(
    z
      .array(field(z.string().regex(VERSION_NAME), 'Name of a key version.', 'the name of a declared key version'))
      .default([]),
    'Versions whose version alias exists already; the keys stack imports it.',
    'a list of names of declared key versions',
    'write a list, [] for none',
  ),
  buckets: field(
    z.array(field(z.string().regex(BUCKET_NAME), 'Name of a bucket.', ...BUCKET_WORDS)).default([]),
    'Buckets whose default encryption exists already; the storage stack imports it, and with manage: bucket the bucket and its versioning too.',
    'a list of bucket names',
    'write a list, [] for none',
  ),
});

export const reencryptSource = field(
  z.string().regex(new RegExp(`^(?:${SOURCES.join('|')})$|${KEY_ARN.source}`)),
  'sse-s3: under SSE-S3. aws/s3: under the AWS managed key of the account. any: whatever can be moved. Or the ARN of a key.',
  'sse-s3, aws/s3, any, or the full ARN of a KMS key, arn:aws:kms:<region>:<account>:key/<id>',
  'write one of these words, or the key ARN, not an alias or a bare id',
);

const PATH_WITHOUT_NUL = /^[^\0]+$/;

const custodyDirectory = () =>
  field(
    z.string().regex(PATH_WITHOUT_NUL).default('custody'),
    "Directory of the custody files, relative to the rotation file's own.",
    'a path',
    'write a path such as custody',
  );

export const age = z.strictObject({
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
    'Who can decrypt the custody copy of the material. Empty: pre-apply refuses to run without --no-custody.',
    'a list of age recipients',
    'write a list of age1… recipients, [] for none',
  ),
  directory: custodyDirectory(),
});

export const command = z.strictObject({
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
    'Timeout of one call of the program, in seconds.',
    `a whole number from ${LIMITS.commandSeconds.min} to ${LIMITS.commandSeconds.max}`,
  ),
});

export const pkcs11 = z.strictObject({
  module: field(
    z.string().regex(PATH_WITHOUT_NUL),
    "The PKCS#11 library of the hardware module, absolute or relative to the rotation file's folder.",
    'a path',
    'write the path of the PKCS#11 library from the vendor of the module',
  ),
  token: field(
    z
      .string()
      .regex(/^[^\0]+$/)
      .max(LIMITS.tokenLabel),
    'Label of the token that holds the material.',
    `1 to ${LIMITS.tokenLabel} characters`,
    'write the label as the tools of the module print it, in quotes if it is a number',
  ),
  pinFile: field(
    z.string().regex(PATH_WITHOUT_NUL).optional(),
    'File that holds the user PIN; absent: Keyturn reads the variable KEYTURN_PKCS11_PIN.',
    'a path',
    'write a path; never the PIN itself',
  ),
  directory: custodyDirectory(),
});

const STACK_WORDS = ['the id of a stack: letters, digits, _ and -', 'write what `npx cdktf list` prints'] as const;
const stackName = () => z.string().regex(/^[A-Za-z0-9][\w-]{0,127}$/);

export const ownStacks = z.strictObject({
  keys: field(stackName(), 'Stack that holds RotatedKey.', ...STACK_WORDS),
  storage: field(
    z.array(field(stackName(), 'A stack that holds RotatedAlias or a RotatedBucket.', ...STACK_WORDS)).min(1),
    'Stacks that hold RotatedAlias and each RotatedBucket.',
    'a list of at least one stack',
    'write a list such as [data]',
  ),
});

export const s3Backend = z.strictObject({
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
