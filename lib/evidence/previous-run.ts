/** The previous run of a new one: each run names the head of the previous one, so that a removed file is detected. */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { EVIDENCE_SUFFIX, RUN_CLOSED, RUN_OPENED } from './evidence-record';

export interface PreviousRun {
  /** Name of the file, without its directory. */
  readonly file: string;
  /** Hash of its last complete record. */
  readonly head: string;
}

/** Bytes read at the start and at the end of a file; longer records are skipped. */
const WINDOW = 1024 * 1024;

/**
 * The newest earlier run of a rotation in a directory, by the names of the files; undefined if there is none. A
 * killed run counts; its head is the hash of its last complete record.
 */
export async function runBefore(directory: string, rotation: string, file: string): Promise<PreviousRun | undefined> {
  const names = await readdir(directory).catch(() => []);
  const others = names.filter((name) => name.endsWith(EVIDENCE_SUFFIX) && name !== path.basename(file)).sort();
  let newest: (PreviousRun & { readonly at: string }) | undefined;
  for (const name of others.reverse()) {
    // Names have a resolution of a second; the first record orders runs of the same second.
    if (newest && secondOf(name) !== secondOf(newest.file)) break;
    const ends = await endsOf(path.join(directory, name)).catch(() => undefined);
    if (ends?.rotation !== rotation || ends.head === undefined || ends.concurrentRun) continue;
    if (!newest || ends.at > newest.at) newest = { file: name, head: ends.head, at: ends.at };
  }
  return newest && { file: newest.file, head: newest.head };
}

const secondOf = (name: string): string | undefined => name.split('-', 1)[0];

/** Facts from the first and the last record of a file. */
export interface EvidenceEnds {
  readonly rotation: unknown;
  readonly at: string;
  /** Hash of the last whole record. */
  readonly head: string | undefined;
  /** It was concurrent with another run, and is in no chain. */
  readonly concurrentRun: boolean;
  /** True if the run is closed. */
  readonly closed: boolean;
}

/** @throws what reading throws, and SyntaxError where the first line is no record */
export async function endsOf(file: string): Promise<EvidenceEnds> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  const read = async (from: number): Promise<string> => {
    const length = Math.min(WINDOW, size);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, from);
    return buffer.toString('utf8', 0, bytesRead);
  };
  const first = (await read(0)).split('\n', 1)[0] ?? '';
  const whole = (await read(Math.max(0, size - WINDOW))).split('\n').slice(0, -1);
  const last = whole.at(-1) ?? '';
  const opened = JSON.parse(first) as {
    at: string;
    type?: unknown;
    data?: { rotation?: unknown; concurrentRun?: unknown } | null;
  };
  return {
    rotation: opened.type === RUN_OPENED ? opened.data?.rotation : undefined,
    at: opened.at,
    head: /,"hash":"([0-9a-f]{64})"\}$/.exec(last)?.[1],
    concurrentRun: opened.data?.concurrentRun === true,
    closed: last.includes(`"type":"${RUN_CLOSED}","hash":"`),
  };
}
