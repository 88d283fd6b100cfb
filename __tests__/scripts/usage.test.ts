import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { version } from '../../package.json';
import { gravest, WITHOUT_ROTATION_FILE, withRotationFile } from '../../scripts/cli/each-rotation-file';
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

  it('fails when its output cannot be written, without a stack', () => {
    const full = openSync('/dev/full', 'w');
    const { stderr, status } = spawnSync(process.execPath, [keyturn, 'status', '--help'], {
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining('cannot write the output: ENOSPC'),
    });
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('needs no HOME and no terminal', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'keyturn-no-home-'));
    const env = { PATH: process.env.PATH };
    const { stdout, status } = spawnSync(process.execPath, [keyturn, 'policy', 'confirm', '--help'], {
      encoding: 'utf8',
      env,
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    rmSync(folder, { recursive: true });
    expect([status, stdout]).toEqual([0, expect.stringContaining('policy')]);
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

describe('several rotation files', () => {
  let project: string;
  beforeAll(() => {
    project = mkdtempSync(path.join(tmpdir(), 'keyturn-several-'));
    mkdirSync(path.join(project, 'rotations'));
    for (const name of ['a', 'b']) writeFileSync(path.join(project, `rotations/${name}.yaml`), `name: ${name}\n`);
  });
  afterAll(() => rmSync(project, { recursive: true }));

  it('get their turns with --all, each with its own result in one document', async () => {
    const { exitCode, stdout, stderr } = await speak(project, ['status', '--all', '--json']);
    expect(exitCode).toBe(78);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ command: 'status', exitCode: 78, schemaVersion: 1 });
    const file = (name: string) => ({ rotationFile: `rotations/${name}.yaml`, exitCode: 78 });
    expect(document.rotations).toMatchObject([file('a'), file('b')]);
    expect(document.rotations[1].error.code).toBe('rotation-file-invalid');
    expect(stderr).toContain('▸ rotations/b.yaml');
  });

  it('are named to whoever names none', async () => {
    const { exitCode, stderr } = await speak(project, ['status']);
    expect(exitCode).toBe(78);
    expect(stderr).toContain('name one of rotations/a.yaml, rotations/b.yaml with --rotation-file');
  });

  it('fails when there is none', async () => {
    const { exitCode, stderr } = await speak(path.join(project, 'rotations'), ['status', '--all']);
    expect(exitCode).toBe(78);
    expect(stderr).toContain('npx keyturn init');
  });

  it('are named by every command that a message names', () => {
    const file = 'rotations/a.yaml';
    expect(withRotationFile('run `npx keyturn pre-apply`, then npx keyturn drill --version v1', file)).toBe(
      'run `npx keyturn pre-apply --rotation-file rotations/a.yaml`, then npx keyturn drill --rotation-file rotations/a.yaml --version v1',
    );
    expect(withRotationFile('npx keyturn keygen', file)).toBe('npx keyturn keygen');
    // On the machine of the ceremony there is no rotation file.
    const wrap = 'npx keyturn material wrap --request a.json';
    expect(withRotationFile(wrap, file)).toBe(wrap);
    expect(withRotationFile('npx keyturn status --rotation-file x', file)).toBe('npx keyturn status --rotation-file x');
    expect(withRotationFile('npx keyturn status', 'rotation.yaml')).toBe('npx keyturn status');
    expect(withRotationFile('npx keyturn status', "it's.yaml")).toBe(
      "npx keyturn status --rotation-file 'it'\\''s.yaml'",
    );
  });

  it('are named only to commands that take one', () => {
    const without = commands.filter(
      ({ load }) => !load().options.some(({ flags }) => flags.startsWith('--rotation-file')),
    );
    expect(without.map(({ name }) => name).sort()).toEqual([...WITHOUT_ROTATION_FILE].sort());
  });

  it('end with the gravest of their exit codes', () => {
    expect([gravest([0, 2, 0]), gravest([2, 3]), gravest([4, 1]), gravest([0]), gravest([1, 130])]).toEqual([
      2, 3, 1, 0, 130,
    ]);
  });
});
