/** Compiles the sources to JavaScript: in a clone at the first start after a change, for the tests, and for the package. */
const { execFileSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const PROJECT = path.join(__dirname, '..');
const CACHE = path.join(PROJECT, 'node_modules/.cache/keyturn-compiled');
/** The files of a folder: paths relative to the project. */
const within = (folder) =>
  fs
    .readdirSync(path.join(PROJECT, folder), { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => path.relative(PROJECT, path.join(found.parentPath, found.name)));

/** What the command line and `main.ts` load. */
const ROOMS = ['lib', 'local-aws', 'rehearsal', 'scripts', 'stacks'];
const PIPELINES = ['atlantis', 'github-actions', 'gitlab-ci', 'steps'].map((name) => `examples/${name}`);
/** What they read at its place beside those rooms. */
const BESIDE = ['docs/samples/custodian.mjs', 'rotation.yaml', ...PIPELINES.flatMap(within)];
const DAY_MS = 86_400_000;

/** Every file of the rooms, and `main.ts`. */
const sources = () => [...ROOMS.flatMap(within), 'main.ts'].sort();

/**
 * The folder of what `place` made of exactly these sources. One byte of difference, in them or in the compiler, is another folder.
 *
 * @param {string} compiler the file that decides what becomes of the sources
 * @param {(folder: string) => void} place compiles into an empty folder
 * @returns {string} absolute path
 */
function cached(compiler, place) {
  const read = [
    ...sources(),
    ...BESIDE,
    'package.json',
    'package-lock.json',
    'bin/compile.js',
    path.relative(PROJECT, compiler),
  ];
  const texts = read.map((name) => [name, fs.readFileSync(path.join(PROJECT, name), 'utf8')]);
  const hash = createHash('sha256').update(JSON.stringify([process.execPath, process.version, texts]));
  const target = path.join(CACHE, hash.digest('hex').slice(0, 32));
  if (fs.existsSync(target)) fs.utimesSync(target, new Date(), new Date());
  else fill(target, place);
  return target;
}

/** Under its name only once it is whole: other processes may look for it at the same time. */
function fill(target, place) {
  fs.mkdirSync(CACHE, { recursive: true });
  removeOld();
  const part = fs.mkdtempSync(path.join(CACHE, 'part-'));
  place(part);
  try {
    fs.renameSync(part, target);
  } catch (error) {
    fs.rmSync(part, { recursive: true });
    if (!fs.existsSync(target)) throw error;
  }
}

/** A day after their last use. */
function removeOld() {
  for (const name of fs.readdirSync(CACHE)) {
    const folder = path.join(CACHE, name);
    const found = fs.statSync(folder, { throwIfNoEntry: false });
    if (found && Date.now() - found.mtimeMs > DAY_MS) fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** What the compiled rooms read beside them, copied: a link would lead to another clone once `node_modules` is copied. */
function copyBeside(folder) {
  for (const name of BESIDE) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.copyFileSync(path.join(PROJECT, name), path.join(folder, name));
  }
  const { name, version } = require('../package.json');
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, version }));
}

/** Compiles each file of the sources into the folder, as CommonJS with source maps, and copies what is no source. */
function compileInto(folder) {
  const [code, data] = [sources().filter(isSource), sources().filter((name) => !isSource(name))];
  esbuild([...code, `--outdir=${folder}`, '--outbase=.', '--format=cjs', '--sourcemap', '--sources-content=true']);
  for (const name of data) fs.copyFileSync(path.join(PROJECT, name), path.join(folder, name));
  copyBeside(folder);
}

const isSource = (name) => name.endsWith('.ts');

/** Runs the compiler as a process: its library would leave a service running. */
function esbuild(args) {
  const file = path.join(path.dirname(require.resolve('esbuild/package.json')), 'bin/esbuild');
  const common = ['--platform=node', '--target=node20.19', '--log-level=error'];
  execFileSync(file, [...common, ...args], { cwd: PROJECT, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The sources of this clone, compiled file by file. @returns {string} absolute path of the folder */
const compiledFolder = () => cached(__filename, compileInto);

module.exports = { cached, compiledFolder, compileInto, copyBeside, esbuild };
