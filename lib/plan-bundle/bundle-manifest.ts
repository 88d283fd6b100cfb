import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { KeyturnError } from '../errors';
import type { Observation } from '../observation/observe';
import type { StackRole } from '../terraform/workspace';

export const MANIFEST = 'manifest.json';
export const MANIFEST_SCHEMA_VERSION = 1;

/** What is saved of each planned stack: `keys.tfplan`, …. */
export const BUNDLED_SUFFIXES = ['tfplan', 'json', 'cdk.tf.json', 'lock.hcl'] as const;

const HASH = z.string().regex(/^[0-9a-f]{64}$/);
const FILE_NAME = z.string().regex(/^[a-z][a-z.-]*$/);

const PLANNED = z.strictObject({
  planned: z.literal(true),
  /** `rotation-test-keys`. */
  name: z.string(),
  changes: z.boolean(),
  /** SHA-256 of the synthesized cdk.tf.json. */
  synthesized: HASH,
  /** SHA-256 of the provider lock that the plan was made with. */
  lock: HASH,
});

const NOT_PLANNED = z.strictObject({ planned: z.literal(false), name: z.string(), why: z.array(z.string()) });

const STACK = z.discriminatedUnion('planned', [PLANNED, NOT_PLANNED]);

const MANIFEST_SHAPE = z.strictObject({
  schemaVersion: z.literal(MANIFEST_SCHEMA_VERSION),
  rotation: z.string(),
  account: z.string(),
  region: z.string(),
  plannedAt: z.iso.datetime(),
  /** SHA-256 of the rotation file. */
  rotationFile: HASH,
  /** SHA-256 of `rotation.lock.json`; absent: there was none. */
  binding: HASH.optional(),
  /** The commit of the base, whose evidence counts; absent: no revision was named as the base. */
  base: z
    .string()
    .regex(/^[0-9a-f]{40,64}$/)
    .optional(),
  tools: z.record(z.string(), z.string()),
  verdict: z.enum(['clean', 'decide', 'refused']),
  rollbackTo: z.string().optional(),
  stacks: z.strictObject({ keys: STACK, storage: STACK }),
  /** What AWS held when it was planned, by what it is. */
  observed: z.record(z.string(), z.string()),
  /** SHA-256 of every other file of the directory. */
  files: z.record(FILE_NAME, HASH),
});

/** What a directory of reviewed plans holds, and what it was made from. */
export type PlanManifest = z.infer<typeof MANIFEST_SHAPE>;
export type PlannedStackEntry = z.infer<typeof PLANNED>;

/**
 * @param approved - SHA-256 of the manifest that was approved, lower-case hex; undefined: it is not compared
 * @throws KeyturnError `reviewed-plan-unreadable`, `reviewed-plan-moved` where another manifest was approved
 */
export async function readManifest(directory: string, approved?: string): Promise<PlanManifest> {
  const unreadable = (reason: string, cause: unknown) =>
    new KeyturnError('reviewed-plan-unreadable', { directory, reason }, cause);
  const text = await readFile(path.join(directory, MANIFEST), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unreadable(error.code === 'ENOENT' ? `there is no ${MANIFEST} in it` : String(error.code), error);
  });
  const found = createHash('sha256').update(text).digest('hex');
  if (approved !== undefined && approved !== found)
    throw new KeyturnError('reviewed-plan-moved', {
      directory,
      moved: [`${MANIFEST}: ${approved} was approved, this one is ${found}`],
    });
  try {
    return MANIFEST_SHAPE.parse(JSON.parse(text));
  } catch (error) {
    const reason =
      error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : `${MANIFEST} is no JSON`;
    throw unreadable(reason, error);
  }
}

/** SHA-256 of a file, lower-case hex; undefined where there is none. */
export async function hashOf(file: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a file whole or not at all; readable by its owner alone, for plans hold the state. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const written = `${file}.part`;
  const handle = await open(written, 'w', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(written, file);
}

/** What AWS holds and a plan depends on, flat, so that each difference can be named. */
export function observedFacts(seen: Observation, stack: StackRole, active: string): Readonly<Record<string, string>> {
  const facts: Record<string, string> = {};
  for (const { version, key } of seen.versions) {
    if (stack === 'storage' && version.name !== active) continue;
    facts[`${stack}: key version ${version.name}`] = key ? `${key.arn} ${key.state}` : 'no key';
  }
  if (stack === 'keys') return facts;
  facts['storage: main alias'] = seen.aliasTarget ?? 'no such alias';
  for (const [name, set] of bucketDefaults(seen)) facts[`storage: default of bucket ${name}`] = set;
  return facts;
}

/** The default encryption of each bucket in one line, by the bucket's name. */
export function bucketDefaults({ buckets }: Observation): ReadonlyMap<string, string> {
  const set = ({ default: found }: Observation['buckets'][number]): string =>
    found ? [found.algorithm, found.keyArn, found.bucketKey ? 'bucket key' : ''].filter(Boolean).join(' ') : 'none';
  return new Map(buckets.map((bucket) => [bucket.name, set(bucket)]));
}
