import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/**
 * Makes the picture of the README: `npm run picture`. Rehearses a rotation, writes the report of its evidence, and takes a
 * screenshot of the page with Chromium, whose executable the variable `CHROMIUM` may name.
 */
const ROOT = path.resolve(__dirname, '..');
const PICTURE = path.join(__dirname, 'report.png');
const KEYTURN = path.join(ROOT, 'bin/keyturn.js');

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'keyturn-picture-'));
  const rehearsal = spawn(process.execPath, [KEYTURN, 'rehearse', '--keep'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => rehearsal.once('exit', resolve));
  try {
    rehearsal.stdout.resume();
    const directory = await directoryOf(rehearsal.stderr);
    const page = path.join(folder, 'report.html');
    await run(process.execPath, [KEYTURN, 'report', path.join(directory, '.keyturn/evidence'), '--out', page]);
    await run(process.env.CHROMIUM ?? 'chromium', [
      '--headless',
      '--no-sandbox',
      '--hide-scrollbars',
      `--user-data-dir=${path.join(folder, 'profile')}`,
      '--window-size=1100,1250',
      `--screenshot=${PICTURE}`,
      `file://${page}`,
    ]);
  } finally {
    rehearsal.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
  process.stdout.write(`${path.relative(ROOT, PICTURE)}\n`);
}

/** Where the rehearsal leaves its directory: `--keep` prints the command that goes there once the rehearsal is over. */
async function directoryOf(stderr: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface(stderr)) {
    const [, directory] = KEPT_LINE.exec(line) ?? [];
    if (directory !== undefined) return directory;
  }
  throw new Error('the rehearsal ended without a directory to report on');
}

const KEPT_LINE = /^\s*cd (\S+)$/;

function run(file: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${file} ended with ${code}`))));
  });
}

void main();
