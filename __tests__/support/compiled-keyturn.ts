import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

interface Compiling {
  cached(compiler: string, place: (folder: string) => void): string;
  copyBeside(folder: string): void;
  esbuild(args: readonly string[]): void;
}

const { cached, copyBeside, esbuild }: Compiling = require('../../bin/compile');

const PROJECT = path.resolve(__dirname, '../..');
/** As deep as the rooms whose files look for what is beside them from where they are. */
const INSIDE = 'lib/compiled';

let project: string | undefined;

/**
 * The command line as one JavaScript file beside V8's compiled code of it, which synthesizes by such a file too. A start takes
 * half of the CPU time of `bin/keyturn.js`, which loads hundreds of files. It is compiled again as soon as one byte of the sources,
 * or the compiler, is different.
 *
 * @returns absolute path of the file to give to `node`
 */
export const compiledKeyturn = (): string => path.join(compiledProject(), 'keyturn.js');

/** A folder with a `cdktf.json` that synthesizes as `main.ts` does, for `trusted` of `synthesize`. @returns absolute path */
export const compiledStacks = (): string => compiledProject();

function compiledProject(): string {
  project ??= cached(__filename, place);
  return project;
}

function place(folder: string): void {
  copyBeside(folder);
  build(folder, 'scripts/keyturn.ts', 'keyturn.js', [...commandNames(), '--help']);
  build(folder, 'main.ts', 'main.js', []);
  writeFileSync(path.join(folder, 'cdktf.json'), JSON.stringify({ app: `'${process.execPath}' main.js` }));
}

/** A command is loaded when the arguments name it, and only what was loaded is kept compiled. */
function commandNames(): readonly string[] {
  const listed = readFileSync(path.join(PROJECT, 'scripts/commands.ts'), 'utf8');
  return [...listed.matchAll(/name: '([^']+)'/g)].map(([, name = '']) => name);
}

const TO_ONE_FILE = [
  ...['--bundle', '--keep-names', '--external:pkcs11js', '--external:tsx'],
  // Compiled code would look for what it imports later in the working directory.
  '--supported:dynamic-import=false',
];

/** Compiles an entry point of the project to one file, and puts what loads it at its place in the folder. */
function build(folder: string, entry: string, place: string, warming: readonly string[]): void {
  const compiled = path.join(INSIDE, `${place}.js`);
  esbuild([entry, ...TO_ONE_FILE, `--outfile=${path.join(folder, compiled)}`]);
  writeFileSync(path.join(folder, place), loader(compiled));
  const warm = spawnSync(process.execPath, [path.join(folder, place), ...warming], {
    cwd: folder,
    env: { ...process.env, KEEP_COMPILED_CODE: '1', CDKTF_OUTDIR: path.join(folder, 'cdktf.out') },
    encoding: 'utf8',
  });
  if (warm.status !== 0) throw new Error(`${entry}, compiled, does not start\n${warm.stderr}`);
}

/** V8 ignores code that another version of it compiled, and compiles the text. */
const loader = (compiled: string): string => `
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { dirname, join } = require('node:path');
const { Script, constants } = require('node:vm');
const filename = join(__dirname, '${compiled}');
const code = filename + '.code';
const cachedData = existsSync(code) ? readFileSync(code) : undefined;
const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
const script = new Script(wrap(readFileSync(filename, 'utf8')), { filename, cachedData, importModuleDynamically });
script.runInThisContext().call(exports, exports, createRequire(filename), module, filename, dirname(filename));
if (process.env.KEEP_COMPILED_CODE) process.once('exit', () => writeFileSync(code, script.createCachedData()));
`;
