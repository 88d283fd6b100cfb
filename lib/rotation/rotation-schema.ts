/**
 * The schema of a rotation file: the parser, the JSON Schema for editors and the fault messages come from it. It
 * checks each field alone; `rules.ts` checks rules across fields.
 */

import { z } from 'zod';
import { field, LIMITS } from './field-messages';
import { AWS_PROVIDER_VERSION, PROVIDER_CONSTRAINT } from './provider-version';
import { awsAccess } from './schema-access';
import {
  adopted,
  age,
  BUCKET_NAME,
  BUCKET_WORDS,
  bucket,
  command,
  keyVersion,
  ownStacks,
  pkcs11,
  REGION,
  ROLE_ARN,
  reencryptSource,
  s3Backend,
  TOPIC_ARN,
} from './schema-parts';
import { principals, STANDING_PRINCIPAL, servicePrincipal } from './schema-principals';
import { batch, evidenceBucket, evidenceSigner } from './schema-storage';
import { tagMap } from './schema-tags';
import { accessWaiver, retireWaiver, waiver } from './schema-waivers';

export const rotationFileSchema = z.strictObject({
  name: field(
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
    'Names the two stacks, <name>-keys and <name>-storage. Never change it: a new name is another rotation.',
    'lower-case letters, digits and hyphens, 1 to 40',
  ),
  region: field(
    z.string().regex(REGION),
    'Region of the keys and the buckets.',
    'a Region such as ap-northeast-1, but not cn-*: KMS keys there need 16 bytes of SM4 material, which Keyturn does not support',
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
    'The main alias; it points at the active version. Each version also has the alias <alias>/<version>.',
    'alias/ and letters, digits, slashes, underscores and hyphens; not alias/aws, which AWS reserves',
    'write an alias of your own, such as alias/my-key',
  ),
  strategy: field(
    z.enum(['new-key', 'in-place']).default('new-key'),
    'new-key: each version is a key of its own, and objects move to it. in-place: one key, and each version is key material of it.',
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
  adopted: adopted
    .optional()
    .describe("What exists since before Keyturn: the stacks import it into Terraform's state instead of creating it."),
  keyPolicy: z
    .strictObject({
      administrators: principals('Who may manage the keys, but not use them.'),
      users: principals('Who may use the keys, through S3 only.'),
      breakGlass: principals(
        'Who may delete imported material or schedule the deletion of a key. Empty: the key policy denies both to everybody.',
        STANDING_PRINCIPAL,
      ),
      services: field(
        z.array(servicePrincipal).default([]),
        'AWS services that use the keys by their own principal: log delivery, Config, CloudTrail, CloudFront, S3 Inventory.',
        'a list of services',
        'write a list of mappings with service and sourceArns, [] for none',
      ),
      keep: field(
        z.boolean().optional(),
        'True: a taken-over key keeps the statements of its own policy (keptPolicy), and gets those of Keyturn besides. Default: they are replaced.',
        'true or false',
        'write true or false without quotes',
      ),
    })
    .prefault({})
    .describe("Key policy of the declared versions. Empty list: only the account's IAM policies apply."),
  expiry: z
    .strictObject({
      alarmTopicArn: field(
        z.string().regex(TOPIC_ARN).optional(),
        'SNS topic that is notified before key material expires; absent: the keys stack declares no alarm.',
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
        'Days before the expiry of key material on which an alarm warns; one alarm per entry.',
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
    'Waiting period, in days, if a key version is ever scheduled for deletion.',
    `a whole number from ${LIMITS.deletionWindowDays.min} to ${LIMITS.deletionWindowDays.max}`,
  ),
  rotateEveryDays: field(
    z.int().min(LIMITS.rotateEveryDays.min).max(LIMITS.rotateEveryDays.max).optional(),
    'Maximum age, in days, of the active key before `status` reports that a rotation is due; absent: no limit.',
    `a whole number from ${LIMITS.rotateEveryDays.min} to ${LIMITS.rotateEveryDays.max}`,
  ),
  tags: field(
    tagMap.default({}),
    'Tags of all resources that the stacks create.',
    'a map from tag keys to tag values',
    'write "key: value" lines, {} for none',
  ),
  custody: z
    .strictObject({
      age: age.optional().describe('Custody in age-encrypted files.'),
      command: command.optional().describe("Custody by the team's own program; see docs/custodian-command.md."),
      pkcs11: pkcs11
        .optional()
        .describe('Custody in a hardware module, which generates and wraps the material itself.'),
      drillEveryDays: field(
        z.int().min(LIMITS.drillEveryDays.min).max(LIMITS.drillEveryDays.max).default(365),
        'Days after a drill, or the import, before `status` and `doctor` report that the custody of a version is due for a drill.',
        `a whole number from ${LIMITS.drillEveryDays.min} to ${LIMITS.drillEveryDays.max}`,
      ),
    })
    .prefault({})
    .describe('Where the only copy of the material outside KMS is stored; at most one custodian.'),
  reencrypt: z
    .strictObject({
      method: field(
        z.enum(['rewrap', 'rewrite']).default('rewrap'),
        'rewrap: re-encrypt data keys only, without moving data. rewrite: copy each object onto itself under a new data key.',
        'rewrap or rewrite',
      ),
      from: field(
        z.array(reencryptSource).default([]),
        'What is moved besides the objects under the other versions of this rotation. Everything else is counted and left alone.',
        'a list of sse-s3, aws/s3, any and key ARNs',
        'write a list, [] for none',
      ),
      engine: field(
        z.enum(['local', 'batch', 'auto']).default('local'),
        'local: this process sends one request per version. batch: S3 Batch Operations does it. auto: batch from batch.fromVersions on.',
        'local, batch or auto',
        'write local, or batch after reading docs/scale.md',
      ),
      batch: batch
        .optional()
        .describe('The jobs of S3 Batch Operations; required with engine: batch or auto, refused otherwise.'),
    })
    .prefault({})
    .describe('How objects are re-encrypted.'),
  retire: z
    .strictObject({
      verifyOnlyBuckets: field(
        z.array(field(z.string().regex(BUCKET_NAME), 'Name of a bucket.', ...BUCKET_WORDS)).default([]),
        'Buckets that Keyturn neither manages nor re-encrypts. They must hold nothing under a version before it retires.',
        'a list of bucket names',
        'write a list, [] for none',
      ),
      unusedForDays: field(
        z.int().min(LIMITS.unusedForDays.min).max(LIMITS.unusedForDays.max).optional(),
        'Days without use before a key is disabled; its key policy makes KMS refuse earlier. Absent: it is disabled at once.',
        `a whole number from ${LIMITS.unusedForDays.min} to ${LIMITS.unusedForDays.max}`,
      ),
      rehearseAs: field(
        z.string().regex(ROLE_ARN).optional(),
        'Role that reads a sample without the old key before the key is disabled: that of your readers. Absent: nothing is rehearsed.',
        'the ARN of an IAM role, arn:aws:iam::<account>:role/<name>',
        'write the full ARN of the role, not of a session of it',
      ),
      waivers: field(
        z.array(retireWaiver).default([]),
        'Reasons of the retire gate that are set aside until a date.',
        'a list of waivers',
        'write a list, [] for none',
      ),
    })
    .prefault({})
    .describe('Conditions for retiring a version.'),
  access: z
    .strictObject({
      days: field(
        z.int().min(LIMITS.accessDays.min).max(LIMITS.accessDays.max).default(30),
        'Days of the event history of CloudTrail in which a use of the old key counts.',
        `a whole number from ${LIMITS.accessDays.min} to ${LIMITS.accessDays.max}`,
      ),
      waivers: field(
        z.array(accessWaiver).default([]),
        'Principals that used the old key and lose access by the switch, which happens anyway until a date.',
        'a list of waivers',
        'write a list, [] for none',
      ),
    })
    .prefault({})
    .describe('Who may lose access by a switch.'),
  evidence: z
    .strictObject({
      bucket: evidenceBucket
        .optional()
        .describe('Bucket that archives the evidence; absent: the evidence stays in the working directory.'),
      signer: evidenceSigner,
    })
    .prefault({})
    .describe('Where evidence is archived in addition to the working directory, and who signs it.'),
  review: z
    .strictObject({
      waivers: field(
        z.array(waiver).default([]),
        'Findings of the plan review that are ignored until a date.',
        'a list of waivers',
        'write a list, [] for none',
      ),
    })
    .prefault({})
    .describe('The review of plans of this rotation.'),
  aws: awsAccess.optional().describe('How Terraform and Keyturn reach AWS; absent: by the standard variables alone.'),
  terraform: z
    .strictObject({
      awsProvider: field(
        z.string().regex(PROVIDER_CONSTRAINT).default(AWS_PROVIDER_VERSION),
        'Versions of the AWS provider that both stacks require. Only the default was tested.',
        'versions with =, >, >=, <, <= or ~>, separated by commas, without exclusions and pre-releases',
        `write one version such as ${AWS_PROVIDER_VERSION}, or a range such as ">= ${AWS_PROVIDER_VERSION}, < 6.22.0"`,
      ),
      backend: field(z.enum(['local', 's3']).default('local'), 'Where Terraform stores its state.', 'local or s3'),
      s3: s3Backend.optional().describe('The s3 backend; required with backend: s3, refused otherwise.'),
      stacks: ownStacks
        .optional()
        .describe(
          "The stacks of the team's own program that hold the constructs of this rotation; absent: Keyturn's two stacks.",
        ),
    })
    .prefault({})
    .describe('The AWS provider, and the Terraform state.'),
});

/** A rotation file with well-formed fields and defaults, before the rules across fields are checked. */
export type RotationFile = z.output<typeof rotationFileSchema>;
