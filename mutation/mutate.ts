import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type MutatedRoom, ROOMS } from './rooms';
import { mutateFile, type Survivor } from './stryker';

/**
 * `npm run mutate`: changes one place at a time in the files that carry verdicts, runs their tests, and prints the changes that no
 * test noticed. Files follow one another; each is printed when it is done, so that a run that is stopped has told what it found.
 */

interface Options {
  readonly only?: readonly string[];
  readonly file?: string;
  readonly minutes: number;
}

const ROOT = path.resolve(__dirname, '..');
const print = (line: string) => process.stdout.write(`${line}\n`);

const program = new Command('npm run mutate --')
  .description('Prints changes to the code of a verdict that no test notices.')
  .addOption(new Option('--only <room...>', 'the rooms to mutate; default: all').choices(Object.keys(ROOMS)))
  .option('--file <part>', 'only files whose path contains this')
  .option('--minutes <n>', 'stop after so many minutes', minutesOf, 60)
  .action(run);

void program.parseAsync();

async function run({ only = Object.keys(ROOMS), file: part = '', minutes }: Options): Promise<void> {
  const until = performance.now() + minutes * 60_000;
  let undone = 0;
  for (const [name, room] of Object.entries(ROOMS).filter(([name]) => only.includes(name))) {
    for (const file of filesOf(room).filter((one) => one.includes(part))) {
      const found = await mutateFile(ROOT, file, room.tests, (until - performance.now()) / 1_000);
      if (found === undefined) {
        undone += 1;
        print(`${name}: ${file}: no time left`);
        continue;
      }
      const { mutants, survivors } = found;
      print(`${name}: ${file}: ${mutants - survivors.length} of ${mutants} changes were noticed`);
      for (const one of survivors) print(`  ${lineOf(one)}`);
    }
  }
  if (undone > 0) {
    print(`${undone} file(s) are not done after ${minutes} minutes: narrow with --only and --file, or give --minutes`);
    process.exitCode = 1;
  }
}

/** @throws Error when a room names files that are not there any more */
function filesOf({ files }: MutatedRoom): readonly string[] {
  return files.flatMap((glob) => {
    const found = execFileSync('git', ['ls-files', '--', `:(glob)${glob}`], { cwd: ROOT, encoding: 'utf8' });
    const names = found.split('\n').filter((one) => one !== '');
    if (names.length === 0) throw new Error(`mutation/rooms.ts names ${glob}, and no such file is tracked`);
    return names;
  });
}

function lineOf({ file, line, mutator, replacement, isUncovered }: Survivor): string {
  const shown = replacement.length > 100 ? `${replacement.slice(0, 100)}…` : replacement;
  return `${file}:${line} ${mutator} → ${shown}${isUncovered ? ' (no test runs it)' : ''}`;
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new InvalidArgumentError('a number above 0');
  return minutes;
}
