/** The run that a new one follows: each names the head of the one before, so that a file that is gone is missed. */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { EVIDENCE_SUFFIX, RUN_CLOSED, RUN_OPENED } from './evidence-record';

export interface PreviousRun {
  /** Name of the file, without its directory. */
  readonly file: string;
  /** Hash of its last whole record. */
  readonly head: string;
}

/** Enough for the first and for the last records of a file; a record that is longer is passed over. */
const WINDOW = 1024 * 1024;

/**
 * The newest earlier run of a rotation in a directory, by the names of the files; undefined where there is none. A run
 * that was killed counts: its head is that of its last whole record.
 */
export async function runBefore(directory: string, rotation: string, file: string): Promise<PreviousRun | undefined> {
  const names = await readdir(directory).catch(() => []);
  const others = names.filter((name) => name.endsWith(EVIDENCE_SUFFIX) && name !== path.basename(file)).sort();
  let newest: (PreviousRun & { readonly at: string }) | undefined;
  for (const name of others.reverse()) {
    // Names tell the second; runs of the same second are told apart by their first record.
    if (newest && secondOf(name) !== secondOf(newest.file)) break;
    const ends = await endsOf(path.join(directory, name)).catch(() => undefined);
    if (ends?.rotation !== rotation || ends.head === undefined || ends.concurrentRun) continue;
    if (!newest || ends.at > newest.at) newest = { file: name, head: ends.head, at: ends.at };
  }
  return newest && { file: newest.file, head: newest.head };
}

const secondOf = (name: string): string | undefined => name.split('-', 1)[0];

/** What the first and the last record of a file say. */
export interface EvidenceEnds {
  readonly rotation: unknown;
  readonly at: string;
  /** Hash of the last whole record. */
  readonly head: string | undefined;
  /** It ran beside another run, and is in no chain. */
  readonly concurrentRun: boolean;
  /** True once the run came to its end. */
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
