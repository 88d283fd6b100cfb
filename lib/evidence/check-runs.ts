/** Checks the links between the files of a directory: missing, changed, and added runs. */
import path from 'node:path';
import type { CheckedFile, EvidenceFault } from './checked-evidence';

/** The `previousRun` of a first record, if it is well formed. */
export function followed(value: unknown): CheckedFile['follows'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const { file, head } = value as { file?: unknown; head?: unknown };
  return typeof file === 'string' && typeof head === 'string' ? { file, head } : undefined;
}

/**
 * True if a first record names its previous run, whether it ran beside another, and its signer in the form that Keyturn writes, or not
 * at all. Any other value would pass for "none": a beginning, or a run that nobody had to sign.
 */
export function isOpening({ previousRun, concurrentRun, signer }: Readonly<Record<string, unknown>>): boolean {
  return (
    (previousRun === undefined || followed(previousRun) !== undefined) &&
    (concurrentRun === undefined || typeof concurrentRun === 'boolean') &&
    (signer === undefined || typeof signer === 'string')
  );
}

/** The previous run of each run must exist unchanged, and no two runs follow the same one. */
export function linkFaults(files: readonly CheckedFile[]): readonly EvidenceFault[] {
  const byName = new Map(files.map((file) => [path.basename(file.file), file]));
  const followers = new Map<string, string>();
  return files.flatMap(({ file, follows }): EvidenceFault[] => {
    if (!follows) return [];
    const before = byName.get(follows.file);
    if (!before) return [fault(file, 'missing-run', `it follows the run ${shown(follows.file)}, which is missing`)];
    if (before.head !== follows.head)
      return [
        fault(file, 'changed-run', `it follows ${shown(follows.file)} with another head: that file was changed later`),
      ];
    const other = followers.get(follows.file);
    followers.set(follows.file, path.basename(file));
    if (other === undefined) return [];
    return [fault(file, 'forked-run', `it follows the same run as ${shown(other)}: one of the two was added later`)];
  });
}

/** Compares files with the heads that were saved elsewhere. */
export function headFaults(
  target: string,
  files: readonly CheckedFile[],
  heads: readonly string[],
): readonly EvidenceFault[] {
  const found = new Set(files.map((file) => file.head));
  const kept = new Set(heads);
  return [
    ...heads
      .filter((head) => !found.has(head))
      .map((head) => fault(target, 'missing-head', `no file here has the head ${head}: it was removed or changed`)),
    ...files
      .filter((file) => file.head === undefined || !kept.has(file.head))
      .map((file) =>
        fault(file.file, 'unlisted-run', 'its head is not among the saved heads: the file was added or changed'),
      ),
  ];
}

/** Names come from the evidence itself, so they are shown as JSON text. */
const shown = (name: string): string => JSON.stringify(name);

const fault = (file: string, code: EvidenceFault['code'], problem: string): EvidenceFault => ({
  file,
  line: code === 'missing-head' || code === 'unlisted-run' ? 0 : 1,
  code,
  problem,
});
