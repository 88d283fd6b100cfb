import { entry } from '../entry';
import { EXIT } from '../exit-codes';
import type { FileFault } from '../file-fault';

const FAULTS_PRINTED = 50;

/** `rotation.yaml:12:3 keyVersions[1].name: given …, allowed …; do …`, a line a fault. */
function faultLines(file: string, faults: readonly FileFault[]): string {
  const lines = faults
    .slice(0, FAULTS_PRINTED)
    .map(
      (fault) =>
        `${file}:${fault.line}:${fault.column}${fault.path ? ` ${fault.path}` : ''}: given ${fault.given}, allowed ${fault.allowed}; ${fault.change}`,
    );
  const more = faults.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

/** Errors of the rotation file, and of proposals to change it. */
export const rotationFileErrors = {
  'rotation-file-missing': entry<{ file: string; others?: readonly string[] }>(
    EXIT.rotationFile,
    (f) => `there is no rotation file ${f.file}`,
    (f) =>
      f.others && f.others.length > 0
        ? `name one of ${f.others.join(', ')} with --rotation-file, or run a command that takes it with --all`
        : 'write one with `npx keyturn init`, or name another file with --rotation-file; see docs/rotation-file.md for every field',
  ),
  'rotation-file-unreadable': entry<{ file: string; reason: string }>(
    EXIT.rotationFile,
    (f) => `cannot read the rotation file ${f.file}: ${f.reason}`,
    (f) => `make ${f.file} a readable UTF-8 text file`,
  ),
  'rotation-file-invalid': entry<{ file: string; faults: readonly FileFault[] }>(
    EXIT.rotationFile,
    (f) =>
      `${f.file} has ${f.faults.length === 1 ? 'a fault' : `${f.faults.length} faults`}\n${faultLines(f.file, f.faults)}`,
    () => 'correct each line above and run the same command again; see docs/rotation-file.md for every field',
  ),
  'binding-invalid': entry<{ file: string; faults: readonly string[] }>(
    EXIT.rotationFile,
    (f) => `${f.file} does not bind the key versions of the rotation file: ${f.faults.join('; ')}`,
    (f) =>
      `take ${f.file} from the base branch (git checkout <branch> -- <file>), then run \`npx keyturn pre-apply\`, which adds what is missing; see docs/rotation-file.md#the-binding`,
  ),
  'binding-contradicted': entry<{ file: string; contradictions: readonly string[]; next: string }>(
    EXIT.refusedByGate,
    (f) => `AWS contradicts ${f.file}: ${f.contradictions.join('; ')}`,
    (f) => f.next,
  ),
  'rotation-edit-refused': entry<{ problem: string; hint: string }>(
    EXIT.rotationFile,
    (f) => `Keyturn did not edit the rotation file: ${f.problem}`,
    (f) => f.hint,
  ),
  'proposal-refused': entry<{ problem: string; hint: string }>(
    EXIT.refusedByGate,
    (f) => `Keyturn proposes nothing: ${f.problem}`,
    (f) => f.hint,
  ),
} as const;
