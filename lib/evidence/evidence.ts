/**
 * Writes the records of one run: one file, one record per line. Each hash covers the previous record; a record is on
 * disk before it counts.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../errors';
import { canonicalJson } from './canonical';
import {
  EVIDENCE_SCHEMA_VERSION,
  EVIDENCE_SUFFIX,
  type EvidenceBody,
  type EvidenceRecord,
  NO_PREVIOUS,
  RUN_CLOSED,
  RUN_OPENED,
} from './evidence-record';
import { runBefore } from './previous-run';

export interface EvidenceOptions {
  /** Created when it is missing. */
  readonly directory: string;
  /** The command that runs, for the first record. */
  readonly command: string;
  /** Name of the rotation. If given, the first record names the head of the previous run in the directory. */
  readonly rotation?: string;
  /**
   * True: another run of the rotation is active in this directory, so this one is in no chain: it names no previous
   * run, and no later run names it.
   */
  readonly concurrentRun?: boolean;
  /** The declared signer of the head, for the first record: a run without its signature is found then. */
  readonly signer?: string | undefined;
  /** Default: the clock of the machine. */
  readonly clock?: () => Date;
}

/** An open evidence file. Calls may overlap; records are written in the order of the calls. */
export interface EvidenceRun {
  /** Absolute path, `<directory>/<UTC time>-<run id>.ndjson`. */
  readonly file: string;
  /** Hash of the newest record on disk. Save it elsewhere: it proves every earlier record. */
  readonly head: string;
  /**
   * Appends a record and returns once it is on disk.
   *
   * @throws TypeError if the data is not plain data, or holds bytes or a private key; nothing is written then
   * @throws KeyturnError `evidence-unwritable`; every later call fails with it too
   */
  record(type: string, step: string, data: Readonly<Record<string, unknown>>): Promise<EvidenceRecord>;
  /** Writes the `run-closed` record and closes the file. Closing twice does nothing. */
  close(outcome: string): Promise<void>;
}

/**
 * Starts the evidence of a run with its `run-opened` record.
 *
 * @throws KeyturnError `evidence-unwritable`
 */
export async function openEvidence(options: EvidenceOptions): Promise<EvidenceRun> {
  const clock = options.clock ?? (() => new Date());
  const runId = randomBytes(8).toString('hex');
  const time = clock()
    .toISOString()
    .replace(/[-:]|\.\d{3}/g, '');
  const directory = path.resolve(options.directory);
  const file = path.join(directory, `${time}-${runId}${EVIDENCE_SUFFIX}`);
  const chained = options.rotation !== undefined && options.concurrentRun !== true ? options.rotation : undefined;
  const previousRun = chained === undefined ? undefined : await runBefore(directory, chained, file);
  const handle = await createFile(directory, file).catch((error: unknown) => {
    throw unwritable(file, error);
  });
  const run = new EvidenceFile(file, handle, clock);
  try {
    const { command, rotation, signer } = options;
    const concurrentRun = options.concurrentRun === true ? true : undefined;
    await run.record(RUN_OPENED, 'run', { command, runId, rotation, previousRun, concurrentRun, signer });
  } catch (error) {
    await handle.close();
    throw error;
  }
  return run;
}

async function createFile(directory: string, file: string): Promise<FileHandle> {
  await mkdir(directory, { recursive: true });
  const handle = await open(file, 'ax', 0o644);
  await using folder = await open(directory, 'r');
  await folder.sync(); // the directory entry must survive a crash too, not only the bytes
  return handle;
}

class EvidenceFile implements EvidenceRun {
  readonly file: string;
  readonly #handle: FileHandle;
  readonly #clock: () => Date;
  #head = NO_PREVIOUS;
  #seq = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #failure: KeyturnError | undefined;
  #closing: Promise<void> | undefined;

  constructor(file: string, handle: FileHandle, clock: () => Date) {
    this.file = file;
    this.#handle = handle;
    this.#clock = clock;
  }

  get head(): string {
    return this.#head;
  }

  async record(type: string, step: string, data: Readonly<Record<string, unknown>>): Promise<EvidenceRecord> {
    if (this.#closing) throw new RangeError('the evidence of this run is closed');
    return this.#append(type, step, data);
  }

  close(outcome: string): Promise<void> {
    this.#closing ??= this.#append(RUN_CLOSED, 'run', { outcome })
      .then(() => undefined)
      .finally(() => this.#handle.close());
    return this.#closing;
  }

  /** The data is serialized at the time of the call, so later changes by the caller are not recorded. */
  async #append(type: string, step: string, data: Readonly<Record<string, unknown>>): Promise<EvidenceRecord> {
    const at = this.#clock().toISOString();
    const kept: EvidenceBody['data'] = JSON.parse(canonicalJson(data));
    const written = this.#queue.then(() => this.#write({ at, type, step, data: kept }));
    this.#queue = written.catch(() => undefined);
    return written;
  }

  async #write(part: Pick<EvidenceBody, 'at' | 'type' | 'step' | 'data'>): Promise<EvidenceRecord> {
    if (this.#failure) throw this.#failure;
    const body: EvidenceBody = {
      schemaVersion: EVIDENCE_SCHEMA_VERSION,
      seq: this.#seq + 1,
      ...part,
      previous: this.#head,
    };
    const text = canonicalJson(body);
    const hash = createHash('sha256').update(text).digest('hex');
    try {
      // The hash is last, outside the sorted members, so that a shell can remove it and check the rest.
      await this.#handle.appendFile(`${text.slice(0, -1)},"hash":"${hash}"}\n`);
      await this.#handle.datasync();
    } catch (error) {
      // The content on disk is unknown now: another record could hide a gap.
      this.#failure = unwritable(this.file, error);
      throw this.#failure;
    }
    this.#seq = body.seq;
    this.#head = hash;
    return { ...body, hash };
  }
}

function unwritable(file: string, error: unknown): KeyturnError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new KeyturnError('evidence-unwritable', { file, reason: code ?? message }, error);
}
