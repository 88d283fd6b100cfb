import { access, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderSource } from '../../../lib/terraform/cli-configuration';
import type { StackDirectory } from '../../../lib/terraform/synthesize';
import { Terraform, type TerraformInput } from '../../../lib/terraform/terraform';
import { type Sandbox, sandbox } from './sandbox';

const PLAN = JSON.stringify({
  format_version: '1.2',
  terraform_version: '1.11.4',
  resource_changes: [
    { address: 'a.b', mode: 'managed', type: 'a', change: { actions: ['create'], before: null, after: { x: 1 } } },
  ],
});

/** A stand-in for Terraform: it writes down how it was called, and ends as the files beside it say. */
const SCRIPT = `
box=$(dirname "$0")/..
echo "$*" >> $box/calls
env > $box/environment
pwd >> $box/folders
summary() { echo '{"type":"change_summary","changes":{"add":'$2',"change":0,"import":0,"remove":0,"operation":"'$1'"}}'; }
case $1 in
  init) [ -f $box/init-fails ] && { cat $box/init-fails >&2; exit 1; }
        mkdir -p .terraform; echo "lock" > .terraform.lock.hcl; exit 0;;
  plan) [ -f $box/plan-fails ] && { cat $box/plan-fails; exit 1; }
        cat $box/plan-says 2>/dev/null || summary plan $(($(cat $box/plan-exit) / 2))
        exit $(cat $box/plan-exit);;
  show) cat $box/plan.json; exit 0;;
  apply) trap 'exit 9' INT; : > $box/applying
        while [ -f $box/apply-waits ]; do sleep 0.05; done
        : > $box/applied; cat $box/apply-says 2>/dev/null || summary apply 1
        exit 0;;
esac`;

interface Bench {
  readonly box: Sandbox;
  readonly stack: StackDirectory;
  readonly terraform: Terraform;
  calls(): Promise<readonly string[]>;
}

async function bench(box: Sandbox, differences: Partial<TerraformInput> = {}): Promise<Bench> {
  const file = await box.program('terraform', SCRIPT);
  await box.write('stack/cdk.tf.json', '{"terraform":{"backend":{"local":{}}}}');
  await box.write('plan-exit', '2');
  await box.write('plan.json', PLAN);
  const terraform = new Terraform({
    binary: { file, product: 'Terraform', version: '1.11.4', platform: 'linux_amd64' },
    source: { kind: 'registry', searched: ['/usr/share/terraform/plugins'] } satisfies ProviderSource,
    required: '5.100.0',
    cliConfiguration: undefined,
    env: box.env,
    ...differences,
  });
  const calls = async () => (await readFile(join(box.path, 'calls'), 'utf8')).trim().split('\n');
  return { box, stack: { name: 'payroll-keys', directory: join(box.path, 'stack') }, terraform, calls };
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

const diagnostic = (summary: string, detail = ''): string =>
  `${JSON.stringify({ type: 'diagnostic', diagnostic: { severity: 'error', summary, detail } })}\n`;

describe('init', () => {
  it('runs once, and again only when something that it depends on has changed', async () => {
    await using box = await sandbox();
    const { terraform, stack, calls } = await bench(box);
    await terraform.init(stack);
    await terraform.init(stack);
    expect(await calls()).toHaveLength(1);
    await box.write('stack/cdk.tf.json', '{"terraform":{"backend":{"local":{}}},"resource":{}}');
    await terraform.init(stack);
    expect(await calls()).toHaveLength(1);
    await box.write('stack/cdk.tf.json', '{"terraform":{"backend":{"s3":{}}}}');
    await terraform.init(stack);
    expect(await calls()).toHaveLength(2);
  });

  it('fails when the provider is unavailable, and names the searched places', async () => {
    await using box = await sandbox();
    const { terraform, stack } = await bench(box);
    await box.write('init-fails', '│ Error: Failed to query available provider packages\n│ \n│ could not connect\n');
    await expect(terraform.init(stack)).rejects.toMatchObject({
      code: 'terraform-provider-missing',
      facts: {
        required: '5.100.0',
        searched: ['/usr/share/terraform/plugins'],
        reported: expect.stringContaining('could not connect'),
      },
      hint: expect.stringContaining('TF_PLUGIN_MIRROR'),
    });
  });

  it('refuses to take over a changed backend silently', async () => {
    await using box = await sandbox();
    const { terraform, stack, calls } = await bench(box);
    await box.write('init-fails', '│ Error: Backend configuration changed\n');
    await expect(terraform.init(stack)).rejects.toMatchObject({
      code: 'terraform-backend-changed',
      hint: expect.stringContaining('-migrate-state'),
    });
    expect((await calls()).join()).not.toMatch(/-reconfigure|-migrate-state/);
  });
});

describe('plan', () => {
  it('with changes is written to a file and read back', async () => {
    await using box = await sandbox();
    const { terraform, stack, calls } = await bench(box);
    const plan = await terraform.plan(stack);
    expect(plan).toMatchObject({
      changes: true,
      json: PLAN,
      summary: { resources: [{ address: 'a.b', action: 'create' }] },
    });
    const [, planCall, showCall] = await calls();
    expect(planCall).toContain(`-out=${plan.planFile}`);
    expect(planCall).toContain('-lock-timeout=60s');
    expect(showCall).toContain(plan.planFile);
  });

  it('takes no lock where plans are only read, and locks when it applies', async () => {
    await using box = await sandbox();
    const { terraform, stack, calls } = await bench(box, { locksPlans: false });
    await terraform.apply(await terraform.plan(stack));
    const made = await calls();
    expect(made.find((call) => call.startsWith('plan'))).toContain('-lock=false');
    expect(made.find((call) => call.startsWith('apply'))).toContain('-lock-timeout=60s');
  });

  it('without changes starts the provider no second time', async () => {
    await using box = await sandbox();
    const { terraform, stack, calls } = await bench(box);
    await box.write('plan-exit', '0');
    await expect(terraform.plan(stack)).resolves.toMatchObject({ changes: false, summary: { resources: [] } });
    expect((await calls()).filter((call) => call.startsWith('show'))).toEqual([]);
  });

  it.each([
    ['aws_kms_external_key', ['delete']],
    ['aws_s3_bucket', ['delete', 'create']],
    ['aws_s3_bucket_server_side_encryption_configuration', ['delete']],
  ])('refuses to destroy an %s', async (type, actions) => {
    await using box = await sandbox();
    const { terraform, stack } = await bench(box);
    const change = { address: `${type}.x`, mode: 'managed', type, change: { actions, before: {}, after: null } };
    await box.write(
      'plan.json',
      PLAN.replace(/"resource_changes":.*/, `"resource_changes":[${JSON.stringify(change)}]}`),
    );
    await expect(terraform.plan(stack)).rejects.toMatchObject({
      code: 'terraform-destroys',
      exitCode: 4,
      facts: { addresses: [`${type}.x`] },
    });
  });

  it('fails when the guard refuses, with exit code 4', async () => {
    await using box = await sandbox();
    const { terraform, stack } = await bench(box);
    await box.write('plan-fails', diagnostic('Resource precondition failed', 'keyturn guard: v1 is Disabled.'));
    await expect(terraform.plan(stack)).rejects.toMatchObject({
      code: 'terraform-guard',
      exitCode: 4,
      facts: { refusals: ['v1 is Disabled'] },
    });
  });
});

/** One line of Terraform's machine-readable output. */
const line = (event: object): string => `${JSON.stringify(event)}\n`;
const summary = (operation: string, counts: object = {}): string =>
  line({ type: 'change_summary', changes: { add: 0, change: 0, import: 0, remove: 0, ...counts, operation } });

describe('a wrapper around Terraform', () => {
  it.each([
    ['hides that a resource is created', '0', summary('plan', { add: 1 }), 'changes'],
    ['hides an import', '0', summary('plan', { import: 1 }), 'changes'],
    ['hides a count that this version does not know', '0', summary('plan', { action_invocation: 1 }), 'changes'],
    [
      'hides a moved resource',
      '0',
      line({ type: 'planned_change', change: { action: 'move' } }) + summary('plan'),
      'changes',
    ],
    [
      'hides a changed output',
      '0',
      summary('plan') + line({ type: 'outputs', outputs: { key: { action: 'update' } } }),
      'changes',
    ],
    ['hides an error', '0', diagnostic('Invalid index'), 'an error'],
    ['hides the output', '0', '', 'no result'],
    ['prints the summary of an apply', '0', summary('apply'), 'no result'],
    ['turns exit 2 into 1', '1', summary('plan', { change: 1 }), 'changes'],
    ['turns exit 0 into 1', '1', summary('plan'), 'no changes'],
  ])('refuses one that %s', async (_, exit, says, reported) => {
    await using box = await sandbox();
    const { terraform, stack } = await bench(box);
    await box.write('plan-exit', exit);
    await box.write('plan-says', says);
    await expect(terraform.plan(stack)).rejects.toMatchObject({
      code: 'terraform-wrapped',
      facts: { command: 'plan', stack: 'payroll-keys', exit: Number(exit), reported },
      hint: expect.stringContaining('terraform_wrapper: false'),
    });
  });

  it.each([
    ['an error', diagnostic('Error creating KMS Key')],
    ['no result', ''],
  ])('refuses an apply that ends with exit 0 and reports %s', async (reported, says) => {
    await using box = await sandbox();
    const { terraform, stack } = await bench(box);
    const plan = await terraform.plan(stack);
    await box.write('apply-says', says);
    await expect(terraform.apply(plan)).rejects.toMatchObject({
      code: 'terraform-wrapped',
      facts: { command: 'apply', reported },
    });
  });

  it('may print lines of its own around a plan', async () => {
    await using box = await sandbox();
    const { terraform, stack } = await bench(box);
    await box.write('plan.json', `[command]terraform show\n${PLAN}\n::debug::stdout: done\n`);
    await expect(terraform.plan(stack)).resolves.toMatchObject({ changes: true, json: PLAN });
  });
});

describe('a workspace', () => {
  it('refuses a directory in which another one is selected', async () => {
    await using box = await sandbox();
    const { terraform, stack } = await bench(box);
    await box.write('stack/.terraform/environment', 'prod');
    await expect(terraform.plan(stack)).rejects.toMatchObject({
      code: 'terraform-workspace-selected',
      facts: { selected: 'prod' },
    });
    await box.write('stack/.terraform/environment', 'default');
    await expect(terraform.plan(stack)).resolves.toMatchObject({ changes: true });
  });
});

describe('apply', () => {
  it('applies exactly the file that was planned', async () => {
    await using box = await sandbox();
    const { terraform, stack, calls } = await bench(box);
    const plan = await terraform.plan(stack);
    await terraform.apply(plan);
    const last = (await calls()).at(-1)?.split(' ');
    expect(last?.[0]).toBe('apply');
    expect(last?.at(-1)).toBe(plan.planFile);
    expect(last).not.toContain('-auto-approve');
  });

  it('is not cut off when interrupted: what is being created would be left tainted', async () => {
    await using box = await sandbox();
    const controller = new AbortController();
    const { terraform, stack } = await bench(box, { signal: controller.signal });
    const plan = await terraform.plan(stack);
    const hold = await box.write('apply-waits', '');
    const applied = expect(terraform.apply(plan)).rejects.toMatchObject({ code: 'interrupted', exitCode: 130 });
    while (!(await exists(join(box.path, 'applying')))) await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort();
    await rm(hold);
    await applied;
    expect(await exists(join(box.path, 'applied'))).toBe(true);
  });

  it('starts nothing once interrupted', async () => {
    await using box = await sandbox();
    const { terraform, stack } = await bench(box, { signal: AbortSignal.abort() });
    await expect(terraform.apply({ stack, planFile: 'x' })).rejects.toMatchObject({ code: 'interrupted' });
    await expect(access(join(box.path, 'calls'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('the environment', () => {
  const variables = async (box: Sandbox) => (await readFile(join(box.path, 'environment'), 'utf8')).split('\n');

  it('keeps the user’s variables, and says that nobody sits at a terminal', async () => {
    await using box = await sandbox();
    const env = { ...box.env, TF_LOG: 'WARN', AWS_PROFILE: 'ann' };
    const { terraform, stack } = await bench(box, { env });
    await terraform.init(stack);
    expect(await variables(box)).toEqual(
      expect.arrayContaining(['TF_LOG=WARN', 'AWS_PROFILE=ann', 'TF_IN_AUTOMATION=1', 'CHECKPOINT_DISABLE=1']),
    );
  });

  it.each([
    [undefined, '800'],
    ['100', '100'],
  ])('collects garbage rarely, for Terraform lives for seconds, unless GOGC is set (%s)', async (GOGC, expected) => {
    await using box = await sandbox();
    const { terraform, stack } = await bench(box, { env: { ...box.env, ...(GOGC === undefined ? {} : { GOGC }) } });
    await terraform.init(stack);
    expect(await variables(box)).toContain(`GOGC=${expected}`);
  });

  it('drops a data directory that both stacks would share, and a CLI configuration that is not there', async () => {
    await using box = await sandbox();
    const env = { ...box.env, TF_DATA_DIR: '/tmp/x', TF_CLI_CONFIG_FILE: '/missing' };
    const { terraform, stack } = await bench(box, { env });
    await terraform.init(stack);
    expect((await variables(box)).filter((line) => /^TF_(DATA_DIR|CLI_CONFIG_FILE)=/.test(line))).toEqual([]);
  });

  it('names the CLI configuration that was chosen', async () => {
    await using box = await sandbox();
    const cliConfiguration = await box.write('terraform.tfrc', '');
    const { terraform, stack } = await bench(box, { cliConfiguration });
    await terraform.init(stack);
    expect(await variables(box)).toContain(`TF_CLI_CONFIG_FILE=${cliConfiguration}`);
  });

  it('runs in the stack’s own directory', async () => {
    await using box = await sandbox();
    const { terraform, stack } = await bench(box);
    await terraform.init(stack);
    expect((await readFile(join(box.path, 'folders'), 'utf8')).trim()).toBe(stack.directory);
  });
});
