/** The evidence files of a rotation in a directory, which are archived as one bundle. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { EVIDENCE_SUFFIX, SIGNATURE_SUFFIX } from './evidence-record';
import { endsOf } from './previous-run';

export interface BundleFile {
  /** Name in the bundle, with slashes: `<run>.ndjson`, `<run>.dsse.json`, `<run>.outcomes/<file>`. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** Ending of the folder with the outcomes of a run. */
const OUTCOMES_SUFFIX = '.outcomes';

/** Milliseconds after which the unclosed file of a concurrent run counts as that of a killed run. */
const STALE_MS = 3_600_000;

/**
 * Every evidence file of a rotation with its outcomes, in the order of their names. Call it only while holding the
 * rotation's lock: then files of other runs no longer grow, and the file of a killed run is final. A file whose first
 * record does not name the rotation is excluded.
 *
 * @returns an empty list if the directory does not exist
 */
export async function bundleFiles(directory: string, rotation: string): Promise<readonly BundleFile[]> {
  const names = await readdir(directory).catch((): string[] => []);
  const found: BundleFile[] = [];
  for (const name of names.filter((one) => one.endsWith(EVIDENCE_SUFFIX)).sort()) {
    const file = path.join(directory, name);
    if (!(await isWhole(file, rotation))) continue;
    const folder = `${name.slice(0, -EVIDENCE_SUFFIX.length)}${OUTCOMES_SUFFIX}`;
    const outcomes = await readdir(path.join(directory, folder)).catch(() => []);
    const signature = `${name.slice(0, -EVIDENCE_SUFFIX.length)}${SIGNATURE_SUFFIX}`;
    const signed = names.includes(signature) ? [signature] : [];
    for (const one of [name, ...signed, ...outcomes.sort().map((outcome) => `${folder}/${outcome}`)]) {
      const { size } = await stat(path.join(directory, one));
      found.push({ name: one, path: path.join(directory, one), size });
    }
  }
  return found;
}

/**
 * Whether a file belongs to the rotation and no longer grows. Only a concurrent run can be active while another one
 * ends.
 */
async function isWhole(file: string, rotation: string): Promise<boolean> {
  const ends = await endsOf(file).catch(() => undefined);
  if (ends?.rotation !== rotation) return false;
  return ends.closed || !ends.concurrentRun || Date.now() - (await stat(file)).mtimeMs > STALE_MS;
}
