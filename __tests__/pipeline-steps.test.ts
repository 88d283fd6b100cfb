import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The steps of `examples/` around a stand-in for Keyturn, which writes down how it was called: what they do themselves. */
const STAND_IN = `#!/bin/bash
echo "$*" >>"$CALLS"
case $1 in
  plan) mkdir -p keyturn-plan; echo '{}' >keyturn-plan/manifest.json; echo review >keyturn-plan/review.md ;;
  apply) echo '{}' ;;
  pre-apply) mkdir -p custody .keyturn/evidence; echo sealed >custody/v2.age; echo '{}'; if [ -n "$WAITS" ]; then : >"$WAITS"; sleep 1; exit 130; fi ;;
  status) exit "\${STATUS:-0}" ;;
  drift) echo '## Plan review'; exit "\${DRIFT:-0}" ;;
esac`;

let root: string;
let env: NodeJS.ProcessEnv;
const at = (...parts: string[]) => path.join(root, 'clone', ...parts);
const git = (...args: string[]) => execFileSync('git', args, { cwd: at(), env, encoding: 'utf8', stdio: 'pipe' });
const calls = () => (existsSync(at('../calls')) ? readFileSync(at('../calls'), 'utf8') : '');

function step(command: string, more: NodeJS.ProcessEnv = {}) {
  const [name = '', ...args] = command.split(' ');
  return spawnSync(`examples/steps/${name}`, args, { cwd: at(), env: { ...env, ...more }, encoding: 'utf8' });
}

function commit(message: string, rotation: string): void {
  writeFileSync(at('rotation.yaml'), rotation);
  git('add', '--all');
  git('commit', '--quiet', '--allow-empty', '-m', message);
}

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'keyturn-steps-'));
  const person = { NAME: 'A', EMAIL: 'a@example.com' };
  const inherited = Object.entries(process.env).filter(([name]) => !/^(GITHUB_|GIT_|KEYTURN)/.test(name));
  env = {
    ...Object.fromEntries(inherited),
    KEYTURN: path.join(root, 'keyturn'),
    CALLS: path.join(root, 'calls'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: person.NAME,
    GIT_AUTHOR_EMAIL: person.EMAIL,
    GIT_COMMITTER_NAME: person.NAME,
    GIT_COMMITTER_EMAIL: person.EMAIL,
  };
  writeFileSync(path.join(root, 'keyturn'), STAND_IN, { mode: 0o755 });
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', path.join(root, 'remote.git')]);
  execFileSync('git', ['clone', '--quiet', path.join(root, 'remote.git'), at()], { stdio: 'pipe' });
  git('checkout', '--quiet', '-b', 'main');
  cpSync(path.resolve(__dirname, '../examples/steps'), at('examples/steps'), { recursive: true });
  writeFileSync(at('.gitignore'), 'custody\nkeyturn-out\nkeyturn-plan\n.keyturn\n');
  commit('Begin', 'name: r\nactiveVersion: v2 # now\n');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('plan.sh finds a rollback', () => {
  const body = 'Back to v1\n\nBecause.\n\nKeyturn-Rollback: v1';
  const range = () => `${git('rev-parse', 'HEAD~1').trim()}..HEAD`;

  it.each([
    ['a squash with other trailers behind it', `${body}\n\n---------\n\nCo-authored-by: B <b@example.com>`],
    ['a squash that lists its commits', `Back (#7)\n\n* ${body.replaceAll('\n', '\n  ')}\n\n* one more`],
  ])('in %s', (_what, message) => {
    commit(message, 'name: r\nactiveVersion: "v1"\n');
    expect(step('plan.sh', { KEYTURN_RANGE: range() }).status).toBe(0);
    expect(calls()).toContain('--rollback v1');
  });

  it('in a rebase that has commits after it, and in the range of its push alone', () => {
    const before = git('rev-parse', 'HEAD').trim();
    commit(body, 'name: r\nactiveVersion: v1\n');
    commit('Tidy', 'name: r\nactiveVersion: v1 # back\n');
    step('plan.sh', { KEYTURN_RANGE: `${before}..HEAD` });
    expect(calls()).toContain('--rollback v1');
    step('plan.sh', { KEYTURN_RANGE: range() });
    expect(calls().trim().split('\n').at(-1)).not.toContain('--rollback');
  });

  it('by its name where the merge dropped it, and none that was left again', () => {
    step('plan.sh', { KEYTURN_ROLLBACK: 'v2' });
    expect(calls()).toContain('--rollback v2');
    commit(body, 'name: r\nactiveVersion: v1\n');
    commit('Forward again', 'name: r\nactiveVersion: v2\n');
    step('plan.sh', { KEYTURN_RANGE: 'HEAD~2..HEAD' });
    expect(calls().trim().split('\n').at(-1)).not.toContain('--rollback');
  });

  it('where nothing was before the push', () => {
    expect(step('plan.sh', { KEYTURN_RANGE: `${'0'.repeat(40)}..HEAD` }).status).toBe(0);
  });
});

it('plan.sh ends the comment with the manifest that an approval is for, and hands it to the next job', () => {
  step('plan.sh', { GITHUB_OUTPUT: at('keyturn-out/outputs') });
  const hash = 'ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356';
  expect(readFileSync(at('keyturn-out/comment.md'), 'utf8')).toMatch(new RegExp(`manifest: \`${hash}\`\n$`));
  expect(readFileSync(at('keyturn-out/plan.env'), 'utf8')).toBe(`KEYTURN_MANIFEST_SHA256=${hash}\n`);
  expect(readFileSync(at('keyturn-out/outputs'), 'utf8')).toBe(`manifest=${hash}\n`);
});

it('apply.sh refuses to apply what nobody named, and calls nothing', () => {
  const { status, stderr } = step('apply.sh');
  expect([status, stderr]).toEqual([64, expect.stringContaining('KEYTURN_MANIFEST_SHA256')]);
  expect(calls()).toBe('');
});

it('apply.sh archives custody in the step of the import, also when it is cancelled there', async () => {
  const waits = path.join(root, 'imports');
  const child = spawn('examples/steps/apply.sh', [], {
    cwd: at(),
    env: { ...env, KEYTURN_MANIFEST_SHA256: 'a'.repeat(64), WAITS: waits },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  while (!existsSync(waits)) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  child.kill('SIGTERM');
  expect(await ended).toBe(130);
  const archive = execFileSync('git', ['show', 'keyturn-archive:custody/v2.age'], {
    cwd: path.join(root, 'remote.git'),
  });
  expect(archive.toString()).toBe('sealed\n');
});

it.each([
  ['both find nothing', 0, 0, 0],
  ['AWS differs from the stacks alone', 0, 2, 2],
  ['a step is open alone', 2, 0, 2],
  ['AWS could not be compared', 2, 77, 77],
  ['the status could not be read', 1, 2, 1],
])('drift.sh: %s', (_what, status, drift, exit) => {
  const found = step('drift.sh', { STATUS: String(status), DRIFT: String(drift) });
  expect(found.status).toBe(exit);
  expect(found.stdout).toContain('## Plan review');
});

describe('proposal.sh', () => {
  const propose = (change: () => void) => {
    git('checkout', '--quiet', '-b', 'proposal');
    change();
    git('add', '--all');
    git('commit', '--quiet', '-m', 'Propose');
    git('checkout', '--quiet', 'main');
  };

  it('takes the rotation file and its binding, and names everything else that it leaves', () => {
    propose(() => {
      writeFileSync(at('rotation.yaml'), 'activeVersion: v3\n');
      writeFileSync(at('rotation.lock.json'), '{}\n');
      writeFileSync(at('examples/steps/plan.sh'), 'exit 0\n');
    });
    expect(step('proposal.sh proposal').status).toBe(0);
    expect(readFileSync(at('rotation.yaml'), 'utf8')).toBe('activeVersion: v3\n');
    expect(readFileSync(at('rotation.lock.json'), 'utf8')).toBe('{}\n');
    expect(
      git('status', '--short')
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(['M rotation.yaml', '?? rotation.lock.json']);
    step('plan.sh');
    expect(readFileSync(at('keyturn-out/comment.md'), 'utf8')).toContain('\n    examples/steps/plan.sh\n');
  });

  it('refuses a rotation file that is a link', () => {
    propose(() => {
      rmSync(at('rotation.yaml'));
      symlinkSync('/etc/passwd', at('rotation.yaml'));
    });
    expect(step('proposal.sh proposal')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('no regular file'),
    });
  });

  it('refuses a proposal whose rotation file is older than that of the base branch', () => {
    propose(() => writeFileSync(at('rotation.yaml'), 'activeVersion: v3\n'));
    commit('Meanwhile', 'activeVersion: v4\n');
    expect(step('proposal.sh proposal')).toMatchObject({ status: 4, stderr: expect.stringContaining('since') });
    expect(readFileSync(at('rotation.yaml'), 'utf8')).toBe('activeVersion: v4\n');
  });
});
