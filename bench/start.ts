import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Seconds of CPU that a start may take: to the end of the command, or to its first connection. */
export const START_TARGETS = [
  { args: ['--version'], target: 0.25 },
  { args: ['--help'], target: 0.25 },
  { args: ['status'], target: 0.6 },
] as const;

/** Prints the CPU time of the process as its last line, at its end or instead of its first connection. */
const METER = `
const { Socket } = require('node:net');
const { writeSync } = require('node:fs');
const print = () => {
  const { user, system } = process.cpuUsage();
  writeSync(2, '\\n' + (user + system) / 1e6);
};
process.once('exit', print);
Socket.prototype.connect = () => process.exit(0);
`;

const NOBODY = {
  AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
  AWS_ACCESS_KEY_ID: 'nobody',
  AWS_SECRET_ACCESS_KEY: 'nothing',
};

/**
 * The CPU time that a start of the command line takes: the median.
 *
 * @param executable - absolute path of `bin/keyturn.js`
 * @param directory - absolute; holds a `rotation.yaml`
 * @returns seconds
 */
export function cpuOfStart(executable: string, args: readonly string[], directory: string, runs = 5): number {
  const folder = mkdtempSync(path.join(tmpdir(), 'keyturn-start-'));
  const meter = path.join(folder, 'meter.cjs');
  writeFileSync(meter, METER);
  try {
    const seconds = Array.from({ length: runs }, () => {
      const { stderr } = spawnSync(process.execPath, ['--require', meter, executable, ...args], {
        cwd: directory,
        env: { ...process.env, ...NOBODY },
        encoding: 'utf8',
      });
      return Number(stderr.trimEnd().split('\n').at(-1));
    });
    return seconds.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? Number.NaN;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function main(): void {
  const project = path.resolve(__dirname, '..');
  const executable = path.resolve(process.argv[2] ?? path.join(project, 'bin/keyturn.js'));
  let missed = false;
  process.stdout.write('start                 CPU s  target\n');
  for (const { args, target } of START_TARGETS) {
    const seconds = cpuOfStart(executable, args, project);
    missed ||= !(seconds <= target);
    process.stdout.write(
      `${`keyturn ${args.join(' ')}`.padEnd(20)} ${seconds.toFixed(2).padStart(6)}  ${target.toFixed(2).padStart(6)}\n`,
    );
  }
  process.exitCode = missed ? 1 : 0;
}

if (require.main === module) main();
