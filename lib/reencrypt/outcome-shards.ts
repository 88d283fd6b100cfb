import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import { encryptionLabel } from '../s3/object-version';
import type { VersionOutcome } from './outcome';

/** One file of per-object evidence. */
export interface Shard {
  /** `<run>.outcomes/<name>`, beside the evidence of the run: a record names no folder of the machine. */
  readonly file: string;
  /** SHA-256 of the file, lower-case hex. */
  readonly sha256: string;
  /** Lines, which is outcomes. */
  readonly lines: number;
}

/** What a job did with one version, as its report states it: neither the size nor what it was under before. */
export interface TaskOutcome {
  readonly key: string;
  readonly versionId: string | undefined;
  /** `failed-in-job`: another line states its later outcome. */
  readonly outcome: 'moved' | 'failed-in-job';
  readonly job: string;
  /** ARN of the key that it was moved under. */
  readonly to?: string | undefined;
  readonly code?: string | undefined;
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
}

/** Outcomes as a shard holds them: one gzip member. */
export interface PackedOutcomes {
  readonly member: Uint8Array;
  readonly lines: number;
}

/** Lines of a shard at most. */
const SHARD_LINES = 200_000;
const compress = promisify(gzip);

/**
 * Streams the outcome of each object version into `<name>-000001.ndjson.gz`, … Each page is a gzip member of its own: a
 * file cut short by a crash reads up to its last whole page. `zcat` reads all members as one.
 */
export class OutcomeShards {
  readonly #directory: string;
  readonly #name: string;
  readonly #shards: Shard[] = [];
  #open: { readonly file: string; readonly handle: FileHandle; readonly hash: Hash; lines: number } | undefined;

  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
  }

  async add(outcomes: readonly (VersionOutcome | TaskOutcome)[]): Promise<void> {
    if (outcomes.length > 0) await this.append(await packOutcomes(outcomes));
  }

  /** One call at a time. */
  async append({ member, lines }: PackedOutcomes): Promise<void> {
    this.#open ??= await this.#next();
    await this.#open.handle.write(member);
    this.#open.hash.update(member);
    this.#open.lines += lines;
    if (this.#open.lines >= SHARD_LINES) await this.#finish();
  }

  /** Ends the last shard. @returns all of them, to be recorded */
  async close(): Promise<readonly Shard[]> {
    await this.#finish();
    return this.#shards;
  }

  async #next() {
    await mkdir(this.#directory, { recursive: true });
    for (let number = this.#shards.length + 1; ; number += 1) {
      const file = path.join(this.#directory, `${this.#name}-${String(number).padStart(6, '0')}.ndjson.gz`);
      try {
        return { file, handle: await open(file, 'ax', 0o600), hash: createHash('sha256'), lines: 0 };
      } catch (error) {
        // A shard of a run that was killed is evidence too, and is never overwritten.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  async #finish(): Promise<void> {
    if (!this.#open) return;
    const { file, handle, hash, lines } = this.#open;
    this.#open = undefined;
    await handle.datasync();
    await handle.close();
    this.#shards.push({
      file: `${path.basename(this.#directory)}/${path.basename(file)}`,
      sha256: hash.digest('hex'),
      lines,
    });
  }
}

export async function packOutcomes(outcomes: readonly (VersionOutcome | TaskOutcome)[]): Promise<PackedOutcomes> {
  const member = await compress(outcomes.map((one) => `${JSON.stringify(lineOf(one))}\n`).join(''));
  return { member, lines: outcomes.length };
}

/** One line of evidence: flat, small, and the same whatever the outcome. */
function lineOf(one: VersionOutcome | TaskOutcome): Readonly<Record<string, unknown>> {
  if ('job' in one) return { ...one };
  const { key, versionId, size, outcome } = one;
  const version = { key, versionId, size, outcome };
  switch (one.outcome) {
    case 'moved':
      return {
        ...version,
        from: one.from && encryptionLabel(one.from),
        to: encryptionLabel(one.to),
        etag: one.etag,
        newVersionId: one.newVersionId,
      };
    case 'would-move':
    case 'out-of-scope':
      return { ...version, from: encryptionLabel(one.from) };
    case 'blocked':
      return { ...version, reason: one.blocked.reason, earliest: one.blocked.earliest, from: one.blocked.encryption };
    case 'failed':
      return { ...version, operation: one.failed.operation, code: one.failed.code, reason: one.failed.reason };
    case 'already-there':
    case 'gone':
      return version;
  }
}
