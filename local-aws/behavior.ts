/**
 * What AWS does where its documentation is silent: every setting with the values that it can have, the default first.
 * `keyturn confirm` asks AWS itself for them.
 */
export const AWS_BEHAVIOR = {
  /** ImportKeyMaterial with a token that an import has used before. */
  importTokenTwice: ['accepted', 'refused'],
  /** Importing material that waits for its rotation again, as existing material. */
  pendingMaterialAgain: ['accepted', 'refused'],
  /** What S3 answers where a key is pending import: KMS's message, or one that does not name the state. */
  pendingImportInS3: ['as-kms', 'own-text'],
  /** Importing the material of a disabled key again. */
  importIntoDisabledKey: ['stays-disabled', 'enables', 'refused'],
  /** DescribeKey of an alias that does not exist, for whom a policy admits to certain keys only. */
  missingAlias: ['not-found', 'access-denied'],
  /** UpdateObjectEncryption with `versionId=null`. */
  nullVersionRewrap: ['accepted', 'refused'],
  /** UpdateObjectEncryption to the key and the bucket key setting that the object has. */
  rewrapToSameKey: ['accepted', 'refused'],
  /** What S3 calls of KMS to rewrap: ReEncrypt, or Decrypt and Encrypt. */
  rewrapCalls: ['re-encrypt', 'decrypt-and-encrypt'],
  /** Whether UpdateObjectEncryption moves the annotations of the object too. */
  annotationsUnderRewrap: ['left', 'moved'],
  /** CopyObject onto itself where only the encryption is another one. */
  copyOntoItself: ['accepted', 'refused'],
  /** Whether versions that are written right after versioning was enabled are listed at once, or two seconds later. */
  versionsAfterEnabling: ['at-once', 'late'],
  /** What PutBucketEncryption without BlockedEncryptionTypes makes of the block that the bucket has. */
  blockedTypesOnPut: ['cleared', 'kept'],
  /** Which writes a new bucket blocks. */
  newBucketBlocks: ['sse-c', 'nothing'],
  /** HEAD of a version whose key is disabled. */
  headUnderDisabledKey: ['answered', 'refused'],
  /** Which versions a manifest lists that S3 generates for a job. */
  generatedManifests: ['current', 'all-versions'],
  /** Whether a generated manifest without objects fails the job, or lets it run over nothing. */
  emptyManifests: ['fail', 'run'],
} as const;

export type BehaviorName = keyof typeof AWS_BEHAVIOR;

/** One value for each setting. */
export type AwsBehavior = { readonly [Name in BehaviorName]: (typeof AWS_BEHAVIOR)[Name][number] };

/** The format of a file of settings. Its other fields say where they come from, and are for people. */
export const CONFIRMED_FORMAT = 'keyturn-confirmed/1';
const FIELDS = ['format', 'confirmedAt', 'region', 'endpoint', 'keyturn', 'settings', 'probes'];

/** The settings that were given, and the default of every other. */
export function behaviorWith(given: Partial<AwsBehavior> = {}): AwsBehavior {
  return { ...(Object.fromEntries(names().map((name) => [name, AWS_BEHAVIOR[name][0]])) as AwsBehavior), ...given };
}

/**
 * The settings of a file that `keyturn confirm` wrote: a closed schema, so that a misspelled setting is none that is ignored.
 *
 * @throws RangeError for another format, an unknown field, setting or value
 */
export function readConfirmed(document: unknown): Partial<AwsBehavior> {
  if (!isRecord(document) || document.format !== CONFIRMED_FORMAT)
    throw new RangeError(`the file is no JSON document of format ${CONFIRMED_FORMAT}`);
  const stray = Object.keys(document).find((field) => !FIELDS.includes(field));
  if (stray !== undefined) throw new RangeError(`${CONFIRMED_FORMAT} has no field ${stray}`);
  if (!isRecord(document.settings)) throw new RangeError('settings is no object');
  return Object.fromEntries(Object.entries(document.settings).map(setting));
}

function setting([name, value]: [string, unknown]): [string, unknown] {
  const known = names().find((one) => one === name);
  if (known === undefined) throw new RangeError(`there is no setting ${name}; there are ${names().join(', ')}`);
  const values: readonly unknown[] = AWS_BEHAVIOR[known];
  if (!values.includes(value)) throw new RangeError(`${name} is ${values.join(' or ')}, not ${JSON.stringify(value)}`);
  return [name, value];
}

const names = (): readonly BehaviorName[] => Object.keys(AWS_BEHAVIOR) as BehaviorName[];

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
