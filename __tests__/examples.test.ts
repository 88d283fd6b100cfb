import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';

const EXAMPLES = path.resolve(__dirname, '../examples');
const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).sort();
/** The pipelines; `own-app/` is a program, which `__tests__/e2e/package.test.ts` runs. */
const yamls = files.filter((file) => /\.ya?ml$/.test(file) && !file.startsWith('own-app/'));
const workflows = yamls.filter((file) => file.startsWith('github-actions/'));
const steps = files.filter((file) => file.startsWith('steps/') && file.endsWith('.sh'));

const text = (file: string): string => readFileSync(path.join(EXAMPLES, file), 'utf8');
type Plain = Readonly<Record<string, unknown>>;
const read = (file: string): Plain => parseDocument(text(file)).toJS();

/** Every value of a key, anywhere in the file. */
function* valuesOf(value: unknown, key: string): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === key) yield inner;
    yield* valuesOf(inner, key);
  }
}

it('has workflows for each of the three, and steps that they share', () => {
  expect(workflows).toHaveLength(3);
  expect(yamls).toEqual(
    expect.arrayContaining(['gitlab-ci/.gitlab-ci.yml', 'atlantis/atlantis.yaml', 'atlantis/repos.yaml']),
  );
});

describe.each(yamls)('%s', (file) => {
  it('is YAML of one meaning: no fault, no warning, no key twice', () => {
    const document = parseDocument(text(file), { strict: true, uniqueKeys: true });
    expect([...document.errors, ...document.warnings]).toEqual([]);
  });

  it('runs only steps that are there and can be run', () => {
    const named = [...text(file).matchAll(/examples\/(steps\/[a-z-]+\.sh)/g)].map(([, step]) => step ?? '');
    for (const step of named) expect(statSync(path.join(EXAMPLES, step)).mode & 0o111).not.toBe(0);
    if (!file.endsWith('atlantis.yaml')) expect(named.length).toBeGreaterThan(0);
  });

  it('prints no secret: nothing traces commands or lists the environment', () => {
    expect(text(file)).not.toMatch(/set -\w*x|\bprintenv\b|\benv\s*$|echo [^\n]*(TOKEN|SECRET|KEY_ID)/m);
  });
});

it('neither archives nor restores a prepared import, which could be anybody’s', () => {
  expect(text('steps/archive.sh')).toMatch(/^rm -f "\$stage"\/custody\/\*\.pending\.json$/m);
  expect(text('steps/restore.sh')).toContain("| tar -x --exclude='*.pending.json' -C");
});

/** What GitHub's own parser says of a workflow, by the schema that GitHub publishes with it. */
async function faultsByGitHub(name: string, content: string): Promise<readonly string[]> {
  const { NoOperationTraceWriter, parseWorkflow } = await import('@actions/workflow-parser');
  const { context } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  return context.errors.getErrors().map((one) => one.message);
}

it('refuses what is no workflow, by the schema that GitHub publishes', async () => {
  const misspelt = text(workflows[0] ?? '').replace('permissions:', 'permisions:');
  expect(await faultsByGitHub('misspelt.yml', misspelt)).toEqual([expect.stringContaining('permisions')]);
});

describe.each(workflows)('%s', (file) => {
  const workflow = read(file);

  it('is a workflow by the schema that GitHub publishes', async () => {
    expect(await faultsByGitHub(file, text(file))).toEqual([]);
  });

  const jobs = Object.values(workflow.jobs as Record<string, Plain>);

  it('gives nothing by default, and each job what it names', () => {
    expect(workflow.permissions).toEqual({});
    for (const job of jobs)
      expect(Object.keys(job.permissions as Plain)).toEqual(expect.arrayContaining(['contents', 'id-token']));
  });

  it('takes AWS credentials by OIDC, and no secret at all', () => {
    expect(text(file)).toContain('role-to-assume');
    expect(text(file)).not.toMatch(/\$\{\{\s*secrets\./);
  });

  it('keeps runs apart, never cancels one that changes something, and ends by itself', () => {
    expect(workflow.concurrency).toMatchObject({ group: expect.any(String) });
    const changes = text(file).includes('apply.sh');
    if (changes) expect(workflow.concurrency).toEqual({ group: 'keyturn', 'cancel-in-progress': false });
    for (const job of jobs) expect(job['timeout-minutes']).toEqual(expect.any(Number));
  });

  it('pins every action to a commit', () => {
    for (const uses of valuesOf(workflow, 'uses')) expect(uses).toMatch(/^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/);
  });

  it('lets nothing that a stranger writes into a shell, and never runs for a fork with rights', () => {
    for (const run of valuesOf(workflow, 'run')) expect(run).not.toContain('${{');
    const ofRequests = Object.keys(workflow.on as Plain).some((event) => event.startsWith('pull_request'));
    if (ofRequests)
      for (const job of jobs) expect(job.if).toBe('github.event.pull_request.head.repo.full_name == github.repository');
  });

  it('runs the code of the base branch alone, also its own definition', () => {
    expect(Object.keys(workflow.on as Plain)).not.toContain('pull_request');
    for (const ref of valuesOf(workflow, 'ref'))
      expect(ref).toMatch(/^\$\{\{ github\.event\.pull_request\.base\.sha \}\}$/);
    for (const run of valuesOf(workflow, 'run')) expect(run).not.toMatch(/git (checkout|merge|pull|switch|reset)/);
  });

  it('begins at everything that can change a plan', () => {
    for (const event of Object.values(workflow.on as Record<string, Plain | null>))
      expect(event).not.toHaveProperty('paths');
    for (const ignored of valuesOf(workflow.on, 'paths-ignore')) expect(ignored).toEqual(['**.md']);
  });

  it('gets credentials in an environment alone', () => {
    for (const job of jobs) expect(['keyturn', 'keyturn-plan']).toContain(job.environment);
  });

  it('applies only behind the environment, the approved manifest alone, and archives also after a failure or a cancel', () => {
    for (const job of jobs.filter((one) => JSON.stringify(one).includes('apply.sh'))) {
      expect(job).toMatchObject({ environment: 'keyturn', needs: 'plan' });
      const step = (name: string) => (job.steps as Plain[]).find((one) => String(one.run).includes(`/${name}`));
      expect(step('apply.sh')?.env).toEqual({
        KEYTURN_MANIFEST_SHA256: expect.stringMatching(/needs\.plan\.outputs\.manifest/),
      });
      expect(step('archive.sh')?.if).toContain('always()');
    }
  });
});

it('GitLab: applies one at a time, by hand, in a protected environment, and never in a merge request', () => {
  const { apply } = read('gitlab-ci/.gitlab-ci.yml') as { apply: Plain };
  expect(apply).toMatchObject({ resource_group: 'keyturn', environment: 'keyturn', needs: ['plan'] });
  expect(apply.rules).toEqual([
    expect.objectContaining({ when: 'manual', if: expect.stringContaining('$CI_DEFAULT_BRANCH') }),
  ]);
});

it('GitLab: every job stands on the shared one, and in a stage that is declared', () => {
  const { stages, ...rest } = read('gitlab-ci/.gitlab-ci.yml') as { stages: string[] } & Record<string, Plain>;
  const jobs = Object.entries(rest).filter(([, job]) => typeof job === 'object' && 'script' in job);
  expect(jobs.map(([name]) => name)).toEqual(['review', 'plan', 'apply', 'drift']);
  for (const [, job] of jobs) {
    expect(job.extends).toBe('.keyturn');
    expect(stages).toContain(job.stage);
  }
});

it('Atlantis: workflow and requirements stand on the server, and a pull request overrides neither', () => {
  const { projects, version } = read('atlantis/atlantis.yaml') as { projects: Plain[]; version: number };
  expect(version).toBe(3);
  expect(Object.keys(projects[0] ?? {}).sort()).toEqual(['autoplan', 'dir', 'name']);
  const { workflows: served, repos } = read('atlantis/repos.yaml') as { workflows: Plain; repos: Plain[] };
  expect(Object.keys(served)).toEqual([repos[0]?.workflow]);
  expect(repos[0]).toMatchObject({
    apply_requirements: ['approved', 'mergeable', 'undiverged'],
    allowed_overrides: [],
    allow_custom_workflows: false,
  });
  const runs = [...valuesOf(served, 'run')].filter((run) => String(run).includes('examples/steps/'));
  for (const run of runs) expect(run).toMatch(/^cd keyturn-base && /);
});

it('GitLab: reviews by the code of the target branch, and begins at everything that can change a plan', () => {
  const { review } = read('gitlab-ci/.gitlab-ci.yml') as { review: { before_script: string[]; script: string[] } };
  expect(review.before_script.slice(0, 2).join('\n')).toMatch(/TARGET_BRANCH_NAME"\ngit checkout .*FETCH_HEAD$/);
  expect(review.script).toContain('examples/steps/proposal.sh "$CI_COMMIT_SHA"');
  expect([...valuesOf(read('gitlab-ci/.gitlab-ci.yml'), 'changes')]).toEqual([]);
});

describe.each(steps)('%s', (file) => {
  it('is a shell script without a fault of syntax, and stops at the first failure', () => {
    execFileSync('bash', ['-n', path.join(EXAMPLES, file)], { stdio: 'pipe' });
    if (file !== 'steps/settings.sh') expect(text(file)).toContain('set -euo pipefail');
    expect(text(file)).not.toMatch(/set -\w*x/);
  });

  it('is used by every pipeline that could use it', () => {
    const name = path.basename(file);
    if (name === 'settings.sh') return;
    const users = yamls.filter((yaml) => text(yaml).includes(`steps/${name}`));
    expect(users.some((yaml) => yaml.startsWith('github-actions/'))).toBe(true);
    expect(users).toContain('gitlab-ci/.gitlab-ci.yml');
  });
});
