/** The files of a rotation's evidence in a directory: what is copied elsewhere as one bundle. */
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { EVIDENCE_SUFFIX, RUN_OPENED } from './record';

export interface BundleFile {
  /** Name in the bundle, with slashes: `<run>.ndjson`, `<run>.outcomes/<file>`. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** Ending of the folder with the outcomes of a run. */
const OUTCOMES_SUFFIX = '.outcomes';

/** A first record is short; what is longer is none. */
const FIRST_RECORD_BYTES = 64 * 1024;

/**
 * Every evidence file of a rotation, and the outcomes beside it, in the order of their names. A run that was killed left
 * files too, as whole as they will ever be. A file whose first record does not name the rotation is another's.
 *
 * @returns nothing where there is no such directory
 */
export async function bundleFiles(directory: string, rotation: string): Promise<readonly BundleFile[]> {
  const names = await readdir(directory).catch(() => []);
  const found: BundleFile[] = [];
  for (const name of names.filter((one) => one.endsWith(EVIDENCE_SUFFIX)).sort()) {
    const file = path.join(directory, name);
    if ((await rotationOf(file)) !== rotation) continue;
    const folder = `${name.slice(0, -EVIDENCE_SUFFIX.length)}${OUTCOMES_SUFFIX}`;
    const outcomes = await readdir(path.join(directory, folder)).catch(() => []);
    for (const one of [name, ...outcomes.sort().map((outcome) => `${folder}/${outcome}`)]) {
      const { size } = await stat(path.join(directory, one));
      found.push({ name: one, path: path.join(directory, one), size });
    }
  }
  return found;
}

/** What the first record of a file names; undefined where it has none, or is no file of evidence. */
async function rotationOf(file: string): Promise<unknown> {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST_RECORD_BYTES), 0, FIRST_RECORD_BYTES, 0);
  const [first = ''] = buffer.toString('utf8', 0, bytesRead).split('\n', 1);
  try {
    const { type, data } = JSON.parse(first) as { type?: unknown; data?: { rotation?: unknown } | null };
    return type === RUN_OPENED ? data?.rotation : undefined;
  } catch {
    return undefined;
  }
}
