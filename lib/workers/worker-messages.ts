import { types } from 'node:util';
import { z } from 'zod';

/**
 * What the process of a command and those that move objects for it say to each other. The schemas are closed: a message with any other
 * member is refused, so that no key material and no credentials can be passed on by mistake.
 */

const or = <T extends z.ZodType>(type: T) => z.union([type, z.undefined()]);
const text = z.string();
const list = <T extends z.ZodType>(type: T, most = Number.MAX_SAFE_INTEGER) => z.array(type).max(most).readonly();
const count = z.number().int().nonnegative();
const marker = z.strictObject({ key: text, versionId: or(text) });

const listedVersion = z.strictObject({
  key: text,
  versionId: text,
  isLatest: z.boolean(),
  size: count,
  etag: text,
  lastModified: z.number(),
  storageClass: text,
});

const failedVersion = z.strictObject({
  key: text,
  versionId: or(text),
  operation: text,
  status: count,
  code: text,
  reason: text,
});

const blockedVersion = z.strictObject({
  key: text,
  versionId: or(text),
  reason: z.enum([
    'legal-hold',
    'compliance-retention',
    'governance-retention',
    'object-lock',
    'event-hold',
    'annotated',
    'noncurrent-version',
    'dual-layer',
    'unencrypted',
    'unknown-encryption',
    'archived',
    'being-restored',
    'source-key-unusable',
  ]),
  detail: text,
  earliest: or(text),
  encryption: text,
});

const counts = z.strictObject({
  objectVersions: count,
  deleteMarkers: count,
  alreadyThere: count,
  outOfScope: z.record(text, count),
  moved: count,
  movedBytes: count,
  gone: count,
  blockedTotal: count,
  failedTotal: count,
});

/** A page may hold so many entries, and a rewrite leaves two outcomes of each. */
const PAGE = 1000;

const record = z.strictObject({
  next: or(marker),
  newest: z.number(),
  inspected: count.max(PAGE),
  counts,
  failed: list(z.strictObject({ version: listedVersion, failed: failedVersion }), PAGE),
  blocked: list(blockedVersion, PAGE),
  settled: list(marker, 2 * PAGE),
  outcomes: or(z.strictObject({ member: z.custom<Uint8Array>(ArrayBuffer.isView), lines: count.max(2 * PAGE) })),
});

/** What ended a run in another process. Facts of an error are plain values. */
const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('keyturn'),
    code: text,
    facts: z.record(text, z.union([text, z.number(), z.boolean(), z.undefined(), list(text)])),
  }),
  z.strictObject({ kind: z.literal('stopped'), because: z.enum(['credentials', 'endpoint']), detail: text }),
  z.strictObject({ kind: z.literal('unexpected'), message: text, stack: or(text) }),
]);

export type WorkerFault = z.infer<typeof fault>;

/** How AWS is reached; whose credentials these are, each process finds out by itself, in the same way. */
const settings = z.strictObject({
  file: text,
  name: text,
  region: text,
  /** Must own every bucket; the credentials have to be of it. */
  account: text,
  aws: or(
    z.strictObject({
      profile: text.optional(),
      assumeRole: z.strictObject({ roleArn: text, externalId: text.optional() }).optional(),
    }),
  ),
});

export type WorkerSettings = z.infer<typeof settings>;

const sources = {
  versionKeyArns: list(text),
  unresolvedVersions: list(text),
  from: z.strictObject({ any: z.boolean(), sseS3: z.boolean(), keyArns: list(text), unresolved: or(text) }),
};

const request = z.strictObject({
  bucket: text,
  targetKeyArn: text,
  sources: z.strictObject(sources),
  bucketKeyDefault: z.boolean(),
  method: z.enum(['rewrap', 'rewrite']),
  optimistic: z.union([z.boolean(), z.literal('sampled')]).optional(),
  concurrency: count.optional(),
  maxRps: count.optional(),
  retry: z
    .strictObject({
      throttledAttempts: count.optional(),
      transientAttempts: count.optional(),
      baseMs: z.number().optional(),
      capMs: z.number().optional(),
    })
    .optional(),
  copySizes: z.strictObject({ multipartAbove: count, minPart: count }).optional(),
  versioning: z.enum(['unversioned', 'enabled', 'suspended']),
  look: z
    .strictObject({
      scope: z.strictObject({ activeKeyArn: text, ...sources }),
      until: z.number(),
      uploadKeys: list(text),
      rehearse: count,
      movedBefore: or(z.number()),
    })
    .optional(),
  keepsEvidence: z.boolean(),
});

const lease = z.strictObject({
  pass: count,
  segment: z.strictObject({ after: or(marker), to: or(text) }),
  maxPages: count,
  inspect: z.strictObject({ since: or(z.number()), uploadKeys: list(text) }),
});

/** `run` and `lease` are numbers that the sender counts up; a lease belongs to a run over one bucket. */
export const toWorker = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('begin'), settings }),
  z.strictObject({ type: z.literal('run'), run: count, request }),
  z.strictObject({ type: z.literal('lease'), run: count, lease: count, of: lease }),
  /** The page that was sent last is recorded. */
  z.strictObject({ type: z.literal('committed'), lease: count }),
  z.strictObject({ type: z.literal('stop'), run: count }),
]);

export type ToWorker = z.infer<typeof toWorker>;

const array16 = z.custom<Uint16Array>((one) => types.isUint16Array(one));
const array32 = z.custom<Uint32Array>((one) => types.isUint32Array(one));

/** What was found of the versions of a range. */
const look = z
  .strictObject({
    groups: array16,
    high: array32,
    low: array32,
    kindOf: array16,
    kinds: list(z.strictObject({ place: z.enum(['underActive', 'outOfScope']), label: text })),
    doubted: array16,
    requests: count,
    secondHeads: z.strictObject({ versions: count, contradictions: count }),
    askedForAnnotations: count,
  })
  .refine(({ groups, high, low, kindOf }) => [high, low, kindOf].every((one) => one.length === groups.length));

/** `requests`: those sent since the message before. */
export const fromWorker = z.discriminatedUnion('type', [
  /** `nth`: which page of the lease this is, from 1. Two pages in the middle of one key may end at the same marker. */
  z.strictObject({ type: z.literal('page'), lease: count, nth: count, requests: count, record }),
  z.strictObject({ type: z.literal('looked'), run: count, record: look }),
  /** Every few seconds while it has a lease: requests sent so far, and how many of them are not answered. */
  z.strictObject({ type: z.literal('alive'), sent: count, open: count }),
  z.strictObject({ type: z.literal('listed'), lease: count, requests: count, rest: or(text) }),
  z.strictObject({ type: z.literal('stopped'), lease: count, requests: count }),
  z.strictObject({ type: z.literal('fault'), lease: count, requests: count, fault }),
  /** Nothing can be moved by this process: no account, or another one. */
  z.strictObject({ type: z.literal('unable'), fault }),
]);

export type FromWorker = z.infer<typeof fromWorker>;
