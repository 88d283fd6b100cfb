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
import { transformSync } from '@swc/core';

const PROJECT = path.resolve(__dirname, '../..');
const CACHE = path.join(PROJECT, 'node_modules/.cache/keyturn-compiled');
/** What the command line loads. */
const ROOMS = ['lib', 'local-aws', 'rehearsal', 'scripts', 'stacks'];
/** What it reads or starts at its place beside those rooms. */
const BESIDE = ['docs', 'main.ts', 'package.json', 'rotation.yaml'];
const DAY_MS = 86_400_000;

let entry: string | undefined;

/**
 * The command line as JavaScript. A start of it takes a third of the CPU time of `bin/keyturn.js`, which transpiles; the
 * rehearsals start that one. It is compiled again as soon as one byte of the sources, or the compiler, is different.
 *
 * @returns absolute path of the file to give to `node`
 */
export function compiledKeyturn(): string {
  entry ??= compile();
  return entry;
}

function compile(): string {
  const sources = ROOMS.flatMap((room) =>
    readdirSync(path.join(PROJECT, room), { recursive: true, withFileTypes: true })
      .filter((found) => found.isFile())
      .map((found) => path.relative(PROJECT, path.join(found.parentPath, found.name))),
  ).sort();
  const texts = new Map(sources.map((name) => [name, readFileSync(path.join(PROJECT, name), 'utf8')]));
  const compiler = ['package-lock.json', path.relative(PROJECT, __filename)];
  const parts = [...compiler.map((name) => readFileSync(path.join(PROJECT, name), 'utf8')), ...[...texts].flat()];
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
  const target = path.join(CACHE, hash);
  if (!existsSync(target)) place(texts, target);
  return path.join(target, 'scripts/keyturn.js');
}

/** Under its name only once it is whole: other workers may look for it at the same time. */
function place(texts: ReadonlyMap<string, string>, target: string): void {
  mkdirSync(CACHE, { recursive: true });
  removeOld();
  const part = mkdtempSync(path.join(CACHE, 'part-'));
  for (const [name, text] of texts) {
    const source = name.endsWith('.ts');
    const file = path.join(part, source ? name.replace(/\.ts$/, '.js') : name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, source ? javaScript(text, name) : text);
  }
  for (const name of BESIDE) symlinkSync(path.join(PROJECT, name), path.join(part, name));
  try {
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { recursive: true });
    if (!existsSync(target)) throw error;
  }
}

function removeOld(): void {
  for (const name of readdirSync(CACHE)) {
    const folder = path.join(CACHE, name);
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found && Date.now() - found.mtimeMs > DAY_MS) rmSync(folder, { recursive: true, force: true });
  }
}

function javaScript(text: string, filename: string): string {
  return transformSync(text, {
    filename,
    swcrc: false,
    configFile: false,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs', ignoreDynamic: true },
  }).code;
}
