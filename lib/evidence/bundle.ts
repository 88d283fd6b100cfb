/** The files of a rotation's evidence in a directory: what is copied elsewhere as one bundle. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { EVIDENCE_SUFFIX } from './evidence-record';
import { endsOf } from './previous-run';

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

/** Milliseconds after which a file that ran beside another run, and was not closed, is taken for one of a run that was killed. */
const STALE_MS = 3_600_000;

/**
 * Every evidence file of a rotation, and the outcomes beside it, in the order of their names. For the run that holds the
 * rotation's lock: what others left then grows no more, and that of a run that was killed is as whole as it will ever be. A file
 * whose first record does not name the rotation is another's.
 *
 * @returns nothing where there is no such directory
 */
export async function bundleFiles(directory: string, rotation: string): Promise<readonly BundleFile[]> {
  const names = await readdir(directory).catch(() => []);
  const found: BundleFile[] = [];
  for (const name of names.filter((one) => one.endsWith(EVIDENCE_SUFFIX)).sort()) {
    const file = path.join(directory, name);
    if (!(await isWhole(file, rotation))) continue;
    const folder = `${name.slice(0, -EVIDENCE_SUFFIX.length)}${OUTCOMES_SUFFIX}`;
    const outcomes = await readdir(path.join(directory, folder)).catch(() => []);
    for (const one of [name, ...outcomes.sort().map((outcome) => `${folder}/${outcome}`)]) {
      const { size } = await stat(path.join(directory, one));
      found.push({ name: one, path: path.join(directory, one), size });
    }
  }
  return found;
}

/** Whether a file belongs to the rotation and grows no more. Only a run beside another can be under way while one ends. */
async function isWhole(file: string, rotation: string): Promise<boolean> {
  const ends = await endsOf(file).catch(() => undefined);
  if (ends?.rotation !== rotation) return false;
  return ends.closed || !ends.concurrentRun || Date.now() - (await stat(file)).mtimeMs > STALE_MS;
}
