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
 * The end of the chain of a rotation in a directory: the run that no other run follows; undefined if there is none. A killed run counts;
 * its head is the hash of its last complete record. Where there are several, as with evidence of two machines, the newest: but a clock
 * that was ahead once does not make a run in the middle the end, which every later run would follow.
 */
export async function runBefore(directory: string, rotation: string, file: string): Promise<PreviousRun | undefined> {
  const names = await readdir(directory).catch(() => []);
  const found: (Opened & { readonly file: string })[] = [];
  for (const name of names.filter((one) => one.endsWith(EVIDENCE_SUFFIX) && one !== path.basename(file))) {
    const opened = await openedOf(path.join(directory, name)).catch(() => undefined);
    if (opened?.rotation === rotation && !opened.concurrentRun) found.push({ ...opened, file: name });
  }
  const followed = new Set(found.map(({ follows }) => follows));
  const ends = found.filter((one) => !followed.has(one.file));
  for (const { file: name } of ends.sort((one, other) => (one.at < other.at ? 1 : -1))) {
    const head = (await endsOf(path.join(directory, name)).catch(() => undefined))?.head;
    if (head !== undefined) return { file: name, head };
  }
  return undefined;
}

/** Facts from the first record of a file. */
interface Opened {
  readonly rotation: unknown;
  readonly at: string;
  readonly concurrentRun: boolean;
  /** Name of the file of the previous run. */
  readonly follows: string | undefined;
}

/** The first record is short: it holds a command line and names. */
const FIRST = 64 * 1024;

/** @throws what reading throws, and SyntaxError where the first line is no record */
async function openedOf(file: string): Promise<Opened> {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST), 0, FIRST, 0);
  return openedIn(buffer.toString('utf8', 0, bytesRead).split('\n', 1)[0] ?? '');
}

function openedIn(line: string): Opened {
  const opened = JSON.parse(line) as {
    at: string;
    type?: unknown;
    data?: { rotation?: unknown; concurrentRun?: unknown; previousRun?: { file?: unknown } | null } | null;
  };
  const follows = opened.data?.previousRun?.file;
  return {
    rotation: opened.type === RUN_OPENED ? opened.data?.rotation : undefined,
    at: opened.at,
    concurrentRun: opened.data?.concurrentRun === true,
    follows: typeof follows === 'string' ? follows : undefined,
  };
}

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
  const { rotation, at, concurrentRun } = openedIn(first);
  return {
    rotation,
    at,
    head: /,"hash":"([0-9a-f]{64})"\}$/.exec(last)?.[1],
    concurrentRun,
    closed: last.includes(`"type":"${RUN_CLOSED}","hash":"`),
  };
}
