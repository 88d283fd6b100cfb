import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

const PROJECT = path.resolve(__dirname, '../..');
const CACHE = path.join(PROJECT, 'node_modules/.cache/keyturn-compiled');
/** What the command line and `main.ts` load. */
const ROOMS = ['lib', 'local-aws', 'rehearsal', 'scripts', 'stacks'];
/** What is read at its place beside those rooms. */
const BESIDE = ['docs', 'package.json', 'rotation.yaml'];
/** As deep as the rooms whose files look for those from where they are. */
const INSIDE = 'lib/compiled';
const DAY_MS = 86_400_000;

let project: string | undefined;

/**
 * The command line as one JavaScript file beside V8's compiled code of it, which synthesizes by such a file too. A start takes a
 * third of the CPU time of `bin/keyturn.js`, which transpiles hundreds of files; the rehearsals start that one. It is compiled
 * again as soon as one byte of the sources, or the compiler, is different.
 *
 * @returns absolute path of the file to give to `node`
 */
export const compiledKeyturn = (): string => path.join(compiledProject(), 'keyturn.js');

/** A folder with a `cdktf.json` that synthesizes as `main.ts` does, for `trusted` of `synthesize`. @returns absolute path */
export const compiledStacks = (): string => compiledProject();

function compiledProject(): string {
  project ??= compile();
  return project;
}

function compile(): string {
  const sources = ROOMS.flatMap((room) =>
    readdirSync(path.join(PROJECT, room), { recursive: true, withFileTypes: true })
      .filter((found) => found.isFile())
      .map((found) => path.relative(PROJECT, path.join(found.parentPath, found.name))),
  ).sort();
  const compiler = ['main.ts', 'package-lock.json', path.relative(PROJECT, __filename)];
  const texts = [...sources, ...compiler].map((name) => [name, readFileSync(path.join(PROJECT, name), 'utf8')]);
  const hash = createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 32);
  const target = path.join(CACHE, hash);
  if (!existsSync(target)) place(target);
  return target;
}

/** Under its name only once it is whole: other workers may look for it at the same time. */
function place(target: string): void {
  mkdirSync(CACHE, { recursive: true });
  removeOld();
  const part = mkdtempSync(path.join(CACHE, 'part-'));
  for (const name of BESIDE) symlinkSync(path.join(PROJECT, name), path.join(part, name));
  build(part, 'scripts/keyturn.ts', 'keyturn.js');
  // What Keyturn starts with a loader of TypeScript, which this needs no more.
  build(part, 'main.ts', 'main.ts');
  mkdirSync(path.join(part, 'node_modules/tsx'), { recursive: true });
  writeFileSync(path.join(part, 'node_modules/tsx/cjs.js'), '');
  writeFileSync(path.join(part, 'cdktf.json'), JSON.stringify({ app: `'${process.execPath}' main.ts` }));
  try {
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { recursive: true });
    if (!existsSync(target)) throw error;
  }
}

/** Its library would leave a service running in the tests' own process. */
const ESBUILD = path.join(path.dirname(require.resolve('esbuild/package.json')), 'bin/esbuild');
const TO_ONE_FILE = [
  ...['--bundle', '--platform=node', '--target=node20', '--keep-names', '--log-level=error'],
  ...['--external:pkcs11js', '--external:tsx'],
  // Compiled code would look for what it imports later in the working directory.
  '--supported:dynamic-import=false',
];

/** Compiles an entry point of the project to one file, and puts what loads it at its place in the folder. */
function build(folder: string, entry: string, place: string): void {
  const compiled = path.join(INSIDE, `${place}.js`);
  execFileSync(ESBUILD, [path.join(PROJECT, entry), ...TO_ONE_FILE, `--outfile=${path.join(folder, compiled)}`]);
  writeFileSync(path.join(folder, place), loader(compiled));
  const warm = spawnSync(process.execPath, [path.join(folder, place), '--help'], {
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

function removeOld(): void {
  for (const name of readdirSync(CACHE)) {
    const folder = path.join(CACHE, name);
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found && Date.now() - found.mtimeMs > DAY_MS) rmSync(folder, { recursive: true, force: true });
  }
}
