import { z } from 'zod';
import { KeyturnError } from '../errors';
import type { BucketCall } from '../s3/bucket-call';
import type { ObjectStore } from '../s3/store';
import type { JobFiles } from './job-files';
import type { Switch } from './job-spec';
import { uploadsNow } from './open-upload-keys';

/** LastModified has whole seconds; a version written in the second that an attempt began in may be older or newer. */
const SECOND = 1000;

const schema = z.object({
  schemaVersion: z.literal(1),
  /** When the attempt began by S3's clock, milliseconds since the epoch, minus one second. */
  startedAt: z.number(),
  /** What was written from here on may be in no manifest of the attempt. */
  since: z.number(),
  /** Keys with an upload open at that time: their objects are in no manifest either, whatever the date. */
  uploadKeys: z.array(z.string()),
  kind: z.enum(['listed', 'generated']),
  supersededKeyArns: z.array(z.string()),
  withVersionIds: z.boolean(),
  bucketKey: z.boolean(),
  roleArn: z.string(),
  priority: z.number(),
  /** The switch that the attempt belongs to. */
  switch: z.object({ at: z.string(), keyArn: z.string(), keyMaterialId: z.string().optional() }).optional(),
});

/**
 * What an attempt depends on, recorded before anything else of it: whoever resumes the attempt sends the same
 * requests, whatever the rotation file declares by then.
 */
export type AttemptRecord = z.infer<typeof schema>;

export type AttemptSettings = Pick<
  AttemptRecord,
  'kind' | 'supersededKeyArns' | 'withVersionIds' | 'bucketKey' | 'roleArn' | 'priority'
> & { readonly switch: Switch | undefined };

const NAME = 'attempt.json';
const OVER = 'over.json';

/** Why an attempt counts no more. */
export interface AttemptOver {
  /** One sentence without a final period. */
  readonly because: string;
  /** The first object versions that show it. */
  readonly examples: readonly { readonly key: string; readonly versionId: string }[];
}

/** Ends an attempt for every run on every machine: the next one starts another. */
export async function endAttempt(files: JobFiles, attemptPrefix: string, over: AttemptOver): Promise<void> {
  await files.create(`${attemptPrefix}${OVER}`, Buffer.from(`${JSON.stringify({ schemaVersion: 1, ...over })}\n`));
}

/** Whether {@link endAttempt} ended an attempt. */
export async function isAttemptOver(files: JobFiles, attemptPrefix: string): Promise<boolean> {
  return (await files.head(`${attemptPrefix}${OVER}`)) !== undefined;
}

/** The record of an attempt; undefined: it was never started. */
export async function readAttemptRecord(files: JobFiles, attemptPrefix: string): Promise<AttemptRecord | undefined> {
  const key = `${attemptPrefix}${NAME}`;
  const text = await files.text(key);
  if (text === undefined) return undefined;
  const read = schema.safeParse(jsonOf(text));
  if (read.success) return read.data;
  const facts = {
    action: 's3:GetObject',
    resource: `s3://${files.bucket}/${key}`,
    awsCode: 'Malformed',
    requestId: undefined,
  };
  throw new KeyturnError('aws-failed', { ...facts, awsMessage: 'it is not what Keyturn wrote' });
}

/** Records the start of an attempt, once: two concurrent runs both use what the first one wrote. */
export async function ensureAttemptRecord(
  { files, store, call, bucket }: { files: JobFiles; store: ObjectStore; call: BucketCall; bucket: string },
  attemptPrefix: string,
  settings: AttemptSettings,
): Promise<AttemptRecord> {
  const before = await readAttemptRecord(files, attemptPrefix);
  if (before) return before;
  const startedAt = store.now() - SECOND;
  const { keys, oldestOther } = await uploadsNow(store, call, bucket);
  const since = Math.min(startedAt, oldestOther ?? startedAt);
  const written: AttemptRecord = { schemaVersion: 1, startedAt, since, uploadKeys: [...keys], ...settings };
  const isOurs = await files.create(`${attemptPrefix}${NAME}`, Buffer.from(`${JSON.stringify(written)}\n`));
  return isOurs ? written : ((await readAttemptRecord(files, attemptPrefix)) ?? written);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
