import { EXIT, type ExitCode } from '../../lib/errors';
import { shellWord } from './shell-word';

/** From the gravest on: whoever reads one exit code for several rotations must not miss what is wrong with one of them. */
const GRAVITY: readonly ExitCode[] = [
  EXIT.interrupted,
  EXIT.error,
  EXIT.permission,
  EXIT.rotationFile,
  EXIT.usage,
  EXIT.refusedByGate,
  EXIT.partlyDone,
  EXIT.changesPending,
];

/** The exit code of several runs. */
export function gravest(exitCodes: readonly ExitCode[]): ExitCode {
  return GRAVITY.find((one) => exitCodes.includes(one)) ?? EXIT.done;
}

/** Commands that read no rotation file. */
export const WITHOUT_ROTATION_FILE = ['init', 'keygen', 'report', 'local-aws', 'confirm'];

/** A command as messages write it, which names no rotation file. `material wrap` runs where there is none. */
const COMMAND = /\bnpx keyturn ([a-z][a-z-]*)(?! --rotation-file)(?! wrap\b)(?![a-z-])/g;

/**
 * A message whose commands name the rotation file of this run: typed as they stand in messages, they would read another one.
 *
 * @param file - as it was given; undefined, or the default: nothing is added
 */
export function withRotationFile(text: string, file: string | undefined): string {
  if (file === undefined || file === 'rotation.yaml') return text;
  return text.replace(COMMAND, (command, name: string) =>
    WITHOUT_ROTATION_FILE.includes(name) ? command : `${command} --rotation-file ${shellWord(file)}`,
  );
}
