import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadRotation } from '../../lib/rotation/rotation-file';
import { findForge, withLines } from '../../scripts/starter-files';
import { speak } from '../support/command-line';

let repository: string;
beforeEach(() => {
  repository = mkdtempSync(path.join(tmpdir(), 'keyturn-init-'));
});
afterEach(() => rmSync(repository, { recursive: true }));

const at = (file: string): string => path.join(repository, file);
const read = (file: string): string => readFileSync(at(file), 'utf8');

describe('init', () => {
  it('writes a rotation file with comments and the given values', async () => {
    const given = [
      '--name',
      'payroll',
      '--region',
      'eu-central-1',
      '--alias',
      'alias/payroll',
      '--bucket',
      'payroll-data',
    ];
    expect(await speak(repository, ['init', ...given])).toMatchObject({ exitCode: 0, stdout: '' });
    const rotation = await loadRotation(at('rotation.yaml'));
    expect(rotation).toMatchObject({ name: 'payroll', region: 'eu-central-1', alias: 'alias/payroll' });
    expect(rotation.buckets.map(({ name }) => name)).toEqual(['payroll-data']);
    expect(read('rotation.yaml')).toContain('# move this to switch');
    expect(read('main.ts').trimEnd().split('\n')).toHaveLength(5);
    expect(JSON.parse(read('cdktf.json'))).toMatchObject({ app: 'npx tsx main.ts' });
  });

  it('writes the pipeline of the forge that it finds, whose steps are there and can be run', async () => {
    execFileSync('git', ['init', '--quiet'], { cwd: repository });
    execFileSync('git', ['remote', 'add', 'origin', 'git@gitlab.example.org:keys/keys.git'], { cwd: repository });
    const { stdout } = await speak(repository, ['init', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ forge: 'gitlab', extended: ['.gitignore', 'CODEOWNERS'] });
    const steps = [...read('.gitlab-ci.yml').matchAll(/[a-z]+\/steps\/[a-z-]+\.sh/g)].map(([step]) => step);
    expect(steps.length).toBeGreaterThan(3);
    for (const step of steps) expect(statSync(at(step)).mode & 0o111).not.toBe(0);
    expect(read('.gitlab-ci.yml')).not.toContain('examples/steps/');
  });

  it.each([
    ['github', '.github/workflows/keyturn-pull-request.yml'],
    ['atlantis', 'atlantis.yaml'],
  ])('writes the pipeline of --forge %s', async (forge, file) => {
    await speak(repository, ['init', '--forge', forge]);
    expect(existsSync(at(file))).toBe(true);
    expect(existsSync(at('keyturn/steps/plan.sh'))).toBe(true);
  });

  it('refuses to overwrite anything, and writes nothing then', async () => {
    writeFileSync(at('main.ts'), '// mine\n');
    const { exitCode, stderr } = await speak(repository, ['init']);
    expect(exitCode).toBe(64);
    expect(stderr).toContain('files-exist: there is already main.ts; nothing was written');
    expect(readdirSync(repository)).toEqual(['main.ts']);
  });

  it('leaves what exists as it is with --keep-existing, and adds only missing lines to .gitignore', async () => {
    writeFileSync(at('main.ts'), '// mine\n');
    writeFileSync(at('.gitignore'), 'node_modules/\nbuild/');
    await speak(repository, ['init', '--keep-existing', '--forge', 'none']);
    expect(read('main.ts')).toBe('// mine\n');
    expect(
      read('.gitignore')
        .split('\n')
        .filter((line) => line === 'node_modules/'),
    ).toHaveLength(1);
    expect(read('.gitignore')).toMatch(/^node_modules\/\nbuild\/\n\n# Keyturn/);
    const again = await speak(repository, ['init', '--keep-existing', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ written: [], extended: [] });
  });

  it('refuses a value that the rotation file does not allow, before it writes anything', async () => {
    const { exitCode, stderr } = await speak(repository, ['init', '--alias', 'payroll']);
    expect(exitCode).toBe(78);
    expect(stderr).toContain('alias: given "payroll"');
    expect(readdirSync(repository)).toEqual([]);
  });

  it('adds its lines to the CODEOWNERS that is in use', async () => {
    mkdirSync(at('.github'));
    writeFileSync(at('.github/CODEOWNERS'), '* @everyone\n');
    await speak(repository, ['init']);
    expect(read('.github/CODEOWNERS')).toMatch(/^\* @everyone\n\n# Who must approve(.|\n)*\/rotation\.yaml/);
    expect(existsSync(at('CODEOWNERS'))).toBe(false);
    expect(existsSync(at('.github/workflows/keyturn-merge.yml'))).toBe(true);
  });
});

it.each([
  ['https://github.com/a/b.git', 'github'],
  ['git@github.example.com:a/b.git', 'github'],
  ['ssh://git@gitlab.com:2222/a/b', 'gitlab'],
  ['https://example.com/gitlab/b.git', undefined],
  [undefined, undefined],
])('finds the forge of %s', (remote, forge) => {
  expect(findForge(repository, remote)).toBe(forge);
});

it('adds no line twice', () => {
  expect(withLines('a\n b \n', 'a\nb\n# c\n')).toBeUndefined();
  expect(withLines('a', 'a\nb\n')).toBe('a\n\nb\n');
});
