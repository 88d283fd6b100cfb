/** `examples/steps/plan.sh` with a stand-in for Keyturn: what it passes, and what becomes of its answer. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const STEP = path.resolve(__dirname, '../examples/steps/plan.sh');

describe('plan.sh', () => {
  let folder: string;
  const at = (...parts: readonly string[]) => path.join(folder, ...parts);
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], { cwd: folder })
      .toString()
      .trim();

  /** Runs the step; `does` is the shell text of the stand-in, whose arguments are in `$@`. */
  const step = (does: string, env: Readonly<Record<string, string>> = {}) => {
    writeFileSync(at('stand-in'), `#!/usr/bin/env bash\necho "$@" >>arguments\n${does}\n`);
    chmodSync(at('stand-in'), 0o755);
    const { GITHUB_ACTIONS: _actions, GITHUB_STEP_SUMMARY: _summary, GITHUB_OUTPUT: _output, ...outer } = process.env;
    const { status } = spawnSync(STEP, { cwd: folder, env: { ...outer, KEYTURN: at('stand-in'), ...env } });
    return { status, comment: readFileSync(at('keyturn-out/comment.md'), 'utf8') };
  };
  const REVIEWED =
    'mkdir -p keyturn-plan; echo "{}" >keyturn-plan/manifest.json; echo "the review" >keyturn-plan/review.md';

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'keyturn-step-'));
    git('init', '-q');
    git('commit', '-q', '--allow-empty', '-m', 'Begin');
    writeFileSync(at('rotation.yaml'), 'activeVersion: v1\n');
    git('add', 'rotation.yaml');
    git('commit', '-q', '-m', 'Declare v1');
    git('commit', '-q', '--allow-empty', '-m', 'Switch');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('ends with 4 where the review refuses, and the refusal is the comment', () => {
    const { status, comment } = step(`${REVIEWED}; exit 4`);
    expect(status).toBe(4);
    expect(comment).toContain('the review\n');
    expect(comment).toMatch(/SHA-256 of the manifest: `[0-9a-f]{64}`/);
  });

  it.each([4, 77, 78])(
    'ends with %i where there is no review, and the error is the comment, not an earlier review',
    (code) => {
      mkdirSync(at('keyturn-plan'));
      writeFileSync(at('keyturn-plan/review.md'), 'the review of yesterday');
      const { status, comment } = step(`echo '{ "error": { "code": "binding-invalid" } }'; exit ${code}`);
      expect(status).toBe(code);
      expect(comment).toContain(`ended with exit code ${code}`);
      expect(comment).toContain('    { "error": { "code": "binding-invalid" } }');
      expect(comment).not.toContain('yesterday');
    },
  );

  it('never takes a plan without a review for a good one', () => {
    expect(step('echo "{}"').status).toBe(1);
  });

  it('classifies what changed since the beginning of the range, where there was a rotation file', () => {
    const [first, second, third] = git('rev-list', '--reverse', 'HEAD').split('\n');
    const passed = (range: string) => {
      step(REVIEWED, { KEYTURN_RANGE: range });
      return readFileSync(at('arguments'), 'utf8').trim().split('\n').at(-1);
    };
    expect(passed(`${second}..${third}`)).toContain(`--base ${second} --proposed ${third}`);
    expect(passed(`${first}..${third}`)).not.toContain('--base');
    expect(passed('')).toContain('--base HEAD^1 --proposed HEAD');
  });
});
