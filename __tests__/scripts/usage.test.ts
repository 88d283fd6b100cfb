import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { version } from '../../package.json';
import { commands } from '../../scripts/commands';
import { speak } from '../support/command-line';

it('lists every command in its help, with the exit codes', async () => {
  const { exitCode, stdout } = await speak('/', ['--help']);
  expect(exitCode).toBe(0);
  for (const command of commands) expect(stdout).toContain(command.name);
  expect(stdout).toContain('4 refused by a gate');
});

it.each(commands.map((command) => [command.name, command] as const))(
  'explains %s with examples that start with its name',
  async (name, { load }) => {
    const command = load();
    const { exitCode, stdout, stderr } = await speak('/', [name, '--help']);
    expect(exitCode).toBe(0);
    expect(stderr).toBe('');
    for (const example of command.examples) {
      expect(stdout).toContain(example);
      expect(example).toMatch(new RegExp(`^(npx keyturn|npm run) ${name}`));
    }
    expect(stdout.includes('--dry-run')).toBe(command.mutates);
  },
);

describe('--version', () => {
  const keyturn = path.join(__dirname, '../../bin/keyturn.js');

  it('prints the version of package.json, as data', async () => {
    expect(await speak('/', ['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
    expect((await speak('/', ['--help'])).stdout).toContain('--version');
  });

  it('loads neither a command nor a package', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'keyturn-version-'));
    const preload = path.join(folder, 'preload.cjs');
    writeFileSync(
      preload,
      "process.on('exit', () => process.stderr.write(JSON.stringify(Object.keys(require.cache))));",
    );
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--require', preload, keyturn, '--version'], {
      encoding: 'utf8',
    });
    rmSync(folder, { recursive: true });
    expect({ stdout, status }).toEqual({ stdout: `${version}\n`, status: 0 });
    const own = path.join(__dirname, '../../package.json');
    expect((JSON.parse(stderr) as string[]).sort()).toEqual([preload, keyturn, own].sort());
  });

  it('of a command is that command’s own option', async () => {
    const { exitCode, stdout } = await speak('/', ['material', 'prepare', '--version', 'v2']);
    expect(exitCode).not.toBe(0);
    expect(stdout).toBe('');
  });
});

it.each([
  ['an unknown command', ['rotat'], 'rotate'],
  ['an unknown option', ['rotate', '--fast'], '--fast'],
  ['a missing argument', ['verify-evidence'], 'path'],
  ['a number that is none', ['rotate', '--concurrency', 'many'], '--concurrency'],
  ['a port out of range', ['local-aws', '--port', '70000'], '--port'],
])('refuses %s with exit code 64 and the next thing to type', async (_title, args, named) => {
  const { exitCode, stdout, stderr } = await speak('/', args);
  expect(exitCode).toBe(64);
  expect(stdout).toBe('');
  expect(stderr).toContain(named);
  expect(stderr).toContain('next ');
});

it.each([
  ['rotate', '--settle', '--relist-delay'],
  ['post-apply', '--settle=30s', '--relist-delay'],
])('names the present option when %s gets %s, which was renamed', async (command, given, present) => {
  const { exitCode, stderr } = await speak('/', [command, given]);
  expect(exitCode).toBe(64);
  expect(stderr).toContain(`did you mean \`${present}\`?`);
});

it('suggests no renamed option to a command that does not have it', async () => {
  expect((await speak('/', ['keygen', '--settle'])).stderr).not.toContain('did you mean');
});

it('starts the help of a command with what it does', async () => {
  for (const { name, summary } of commands) {
    const { stdout } = await speak('/', [name, '--help']);
    expect(stdout.replaceAll(/\s+/g, ' ').toLowerCase()).toContain(`${summary}.`.toLowerCase());
  }
});

it('prints help and exits 64 when no command is given', async () => {
  const { exitCode, stderr, stdout } = await speak('/', []);
  expect(exitCode).toBe(64);
  expect(stdout + stderr).toContain('rehearse');
});
