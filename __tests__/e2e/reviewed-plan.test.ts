import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, cp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { greenRetirements } from '../../lib/plan-bundle/green-evidence';
import { AWS_PROVIDER_VERSION } from '../../lib/rotation/provider-version';
import { findTerraform } from '../../lib/terraform/binary';
import { providerSource, writeCliConfiguration } from '../../lib/terraform/cli-configuration';
import { terraformEnvironment } from '../../lib/terraform/terraform-environment';
import { importedKey } from '../conformance/byok';
import { type Finished, openSite, rotationText, type Site } from '../support/keyturn-process';

const MINUTES = 300_000;
const run = promisify(execFile);

/** One rotation from kept plans alone, told in order: each test goes on from where the one before it left AWS. */
describe('a plan that is kept, reviewed and applied', () => {
  let site: Site;
  let kms: KMSClient;
  let terraform: string;
  const at = (...parts: string[]) => path.join(site.directory, ...parts);
  const manifest = async () =>
    JSON.parse(await readFile(at('plan', 'manifest.json'), 'utf8')) as {
      verdict: string;
      stacks: Record<string, { planned: boolean; changes?: boolean; why?: string[] }>;
    };
  const evidence = () => at('.keyturn', 'evidence');
  const reviewOf = async () =>
    JSON.parse(await readFile(at('plan', 'review.json'), 'utf8')) as {
      verdict: string;
      findings: unknown[];
      plans: { effects: string[] }[];
    };
  const keyState = async (version: string) => {
    const found = await kms.send(new DescribeKeyCommand({ KeyId: `alias/rotation-test-key/${version}` }));
    return found.KeyMetadata?.KeyState;
  };
  /** Plans a stack that was edited by hand, in place of the plan that is kept of it. */
  const planEdited = async (stack: string, edit: (text: string) => string) => {
    const cwd = at('cdktf.out', 'stacks', stack);
    const required = AWS_PROVIDER_VERSION;
    const binary = await findTerraform({ env: process.env });
    const source = await providerSource({ binary, env: process.env, required });
    const environment = { ...process.env, ...site.endpoint.environment() };
    const env = terraformEnvironment(environment, await writeCliConfiguration(source, site.directory));
    const before = await readFile(path.join(cwd, 'cdk.tf.json'), 'utf8');
    await writeFile(path.join(cwd, 'cdk.tf.json'), edit(before));
    const options = { cwd, env, maxBuffer: 64 << 20 };
    await run(terraform, ['plan', '-input=false', '-no-color', `-out=${at('plan', 'keys.tfplan')}`], options);
    const { stdout } = await run(terraform, ['show', '-json', '-no-color', at('plan', 'keys.tfplan')], options);
    await writeFile(at('plan', 'keys.json'), stdout);
    await writeFile(path.join(cwd, 'cdk.tf.json'), before);
  };
  const done = (finished: Finished): Finished => {
    expect(`${finished.exitCode} ${finished.stderr}`).toMatch(/^[02] /);
    return finished;
  };

  beforeAll(async () => {
    site = await openSite();
    // `pull-requests.test.ts` keeps a plan and applies it with a provider that each call starts.
    terraform = await site.keepProvider();
    const { url, region, accessKey } = site.endpoint;
    kms = new KMSClient({ endpoint: url, region, credentials: accessKey });
    await site.declare(rotationText(['v1'], 'v1'));
  });
  afterAll(async () => {
    kms.destroy();
    await site.close();
  });

  it(
    'keeps the keys plan, and says of storage that it cannot be planned before the keys are there',
    async () => {
      const planned = done(await site.run(['plan', '--out', 'plan', '--detailed-exitcode']));
      expect(planned.exitCode).toBe(2);
      const { stacks, verdict } = await manifest();
      expect(verdict).toBe('clean');
      expect(stacks.keys).toMatchObject({ planned: true, changes: true });
      expect(stacks.storage).toMatchObject({
        planned: false,
        why: [expect.stringContaining('does not exist'), expect.any(String)],
      });
      expect((await readdir(at('plan'))).sort()).toEqual([
        'keys.cdk.tf.json',
        'keys.json',
        'keys.lock.hcl',
        'keys.tfplan',
        'manifest.json',
        'review.json',
        'review.md',
        'review.sarif',
      ]);
      expect((await stat(at('plan', 'keys.tfplan'))).mode & 0o077).toBe(0);
      expect(await readFile(at('plan', 'review.md'), 'utf8')).toContain(
        'key version `v1` is created empty (PendingImport)',
      );
    },
    MINUTES,
  );

  it(
    'refuses what has moved since, naming each, and applies nothing',
    async () => {
      const before = await readFile(site.rotationFile, 'utf8');
      await cp(at('plan'), at('plan as it was'), { recursive: true });
      await appendFile(site.rotationFile, 'tags: { team: other }\n');
      await appendFile(at('plan', 'review.md'), 'one word more\n');
      const refused = await site.run(['apply', 'plan', '--yes']);
      await writeFile(site.rotationFile, before);
      const text = await readFile(at('plan', 'manifest.json'), 'utf8');
      await writeFile(at('plan', 'manifest.json'), text.replace(/\s*"keys.tfplan": "[0-9a-f]*",/, ''));
      const unlisted = await site.run(['apply', 'plan', '--yes']);
      expect([unlisted.exitCode, unlisted.stderr]).toEqual([
        4,
        expect.stringContaining('keys.tfplan is not in the manifest'),
      ]);
      expect(refused.exitCode).toBe(4);
      expect(refused.stderr).toContain('the rotation file rotation.yaml was changed');
      expect(refused.stderr).toContain('review.md was changed');
      expect(refused.stderr).toContain('the stack rotation-test-keys is synthesized otherwise');
      await expect(keyState('v1')).rejects.toMatchObject({ name: 'NotFoundException' });
      await rm(at('plan'), { recursive: true });
      await rename(at('plan as it was'), at('plan'));
    },
    MINUTES,
  );

  it(
    'refuses a plan file of another stack, although its JSON and the manifest match it',
    async () => {
      await cp(at('plan'), at('plan as it was'), { recursive: true });
      await planEdited('rotation-test-keys', (stack) =>
        stack.replace('"output": {', '"output": {"x": {"value": "y"},'),
      );
      const sha256 = async (name: string) =>
        createHash('sha256')
          .update(await readFile(at('plan', name)))
          .digest('hex');
      const found = JSON.parse(await readFile(at('plan', 'manifest.json'), 'utf8'));
      for (const name of ['keys.tfplan', 'keys.json']) found.files[name] = await sha256(name);
      await writeFile(at('plan', 'manifest.json'), JSON.stringify(found));
      const refused = await site.run(['apply', 'plan', '--yes']);
      expect([refused.exitCode, refused.stderr]).toEqual([
        4,
        expect.stringContaining('the review rejects the plans: KT061'),
      ]);
      const reviewed = await site.run(['review-plan', 'plan/keys.tfplan', '--format', 'json']);
      expect([reviewed.exitCode, reviewed.stdout]).toEqual([
        4,
        expect.stringContaining('output.x is {\\"value\\":\\"y\\"}'),
      ]);
      await expect(keyState('v1')).rejects.toMatchObject({ name: 'NotFoundException' });
      await rm(at('plan'), { recursive: true });
      await rename(at('plan as it was'), at('plan'));
    },
    MINUTES,
  );

  it(
    'applies exactly the kept plan, leaves evidence of it, and does nothing the second time',
    async () => {
      expect(done(await site.run(['apply', 'plan', '--dry-run', '--json'])).stdout).toContain('"would-apply"');
      const approved = createHash('sha256')
        .update(await readFile(at('plan', 'manifest.json')))
        .digest('hex');
      const other = await site.run(['apply', 'plan', '--yes', '--manifest-sha256', '0'.repeat(64)]);
      expect([other.exitCode, other.stderr]).toEqual([4, expect.stringContaining(`this one is ${approved}`)]);
      const unset = await site.run(['apply', 'plan', '--yes', '--manifest-sha256', '']);
      expect([unset.exitCode, unset.stderr]).toEqual([64, expect.stringContaining('64 lower-case hex digits')]);
      const applied = done(await site.run(['apply', 'plan', '--yes', '--json', '--manifest-sha256', approved]));
      expect(JSON.parse(applied.stdout).stacks).toEqual([
        { stack: 'keys', outcome: 'applied' },
        { stack: 'storage', outcome: 'not-planned' },
      ]);
      expect(await keyState('v1')).toBe('PendingImport');
      const written = await readFile(String(JSON.parse(applied.stdout).evidence), 'utf8');
      const types = written
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { type: string; step: string; data: object });
      expect(types.map(({ type }) => type)).toEqual(
        expect.arrayContaining(['review', 'intent', 'outcome', 'run-closed']),
      );
      const of = (type: string) => types.find((one) => one.type === type && one.step === 'declare-keys')?.data;
      expect(of('review')).toMatchObject({ manifest: approved, approvedManifest: approved });
      for (const type of ['review', 'intent', 'outcome'])
        expect(of(type)).toMatchObject({
          effects: expect.arrayContaining([expect.stringContaining('key version v1 is created empty')]),
        });
      expect(written).not.toContain(site.directory);
      const again = done(await site.run(['apply', 'plan', '--yes', '--json']));
      expect(JSON.parse(again.stdout).stacks[0]).toEqual({ stack: 'keys', outcome: 'was-applied' });
    },
    MINUTES,
  );

  it(
    'plans storage once the key is Enabled, and refuses to apply it while that key is another than it was',
    async () => {
      done(await site.run(['pre-apply', '--yes']));
      done(await site.run(['plan', '--out', 'plan']));
      expect((await manifest()).stacks.storage).toMatchObject({ planned: true, changes: true });
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: 'alias/rotation-test-key/v1' }));
      await kms.send(new DisableKeyCommand({ KeyId: KeyMetadata?.KeyId }));
      const refused = await site.run(['apply', 'plan', '--yes']);
      expect(refused.exitCode).toBe(4);
      expect(refused.stderr).toMatch(/storage: key version v1: was \S+ Enabled, is \S+ Disabled/);
      await kms.send(new EnableKeyCommand({ KeyId: KeyMetadata?.KeyId }));
    },
    2 * MINUTES,
  );

  it(
    'reviews a plan file as it does its JSON, asks AWS when it is told to, and applies storage after that',
    async () => {
      const stack = at('cdktf.out', 'stacks', 'rotation-test-storage', 'keyturn.tfplan');
      const asJson = done(await site.run(['review-plan', 'plan/storage.json', '--format', 'json']));
      const asFile = await site.run(['review-plan', '--aws', path.relative(site.directory, stack), '--format', 'json']);
      expect([asJson.exitCode, asFile.exitCode]).toEqual([0, 0]);
      expect(JSON.parse(asFile.stdout).plans[0].unseen).toEqual([]);
      expect(JSON.parse(asJson.stdout).findings).toEqual(JSON.parse(asFile.stdout).findings);
      const applied = done(await site.run(['apply', 'plan', '--yes', '--json']));
      expect(JSON.parse(applied.stdout).stacks[1]).toEqual({ stack: 'storage', outcome: 'applied' });
    },
    MINUTES,
  );

  it(
    'refuses JSON that is not what its plan file says, and is not clean without the plan file',
    async () => {
      await cp(at('plan', 'storage.tfplan'), at('edited.tfplan'));
      const json = await readFile(at('plan', 'storage.json'), 'utf8');
      await writeFile(at('edited.json'), json.replace('"terraform_version":"', '"terraform_version":"9.'));
      const edited = await site.run(['review-plan', 'edited.json']);
      expect([edited.exitCode, edited.stdout]).toEqual([4, expect.stringContaining('KT062')]);
      await rm(at('edited.tfplan'));
      const alone = await site.run(['review-plan', 'edited.json']);
      expect([alone.exitCode, alone.stdout]).toEqual([2, expect.stringContaining('KT063')]);
    },
    MINUTES,
  );

  it(
    'refuses a directory that holds something else, and one that holds no plan',
    async () => {
      await writeFile(at('plan', 'notes.txt'), 'mine');
      const foreign = await site.run(['plan', '--out', 'plan']);
      expect([foreign.exitCode, foreign.stderr]).toEqual([64, expect.stringContaining('notes.txt')]);
      expect(await readFile(at('plan', 'manifest.json'), 'utf8')).not.toBe('');
      await rm(at('plan'), { recursive: true });
      const none = await site.run(['apply', 'plan', '--yes']);
      expect([none.exitCode, none.stderr]).toEqual([64, expect.stringContaining('manifest.json')]);
    },
    MINUTES,
  );

  it(
    'is quiet from the declaration to the switch, and is applied from the kept plans alone',
    async () => {
      expect(await greenRetirements({ path: evidence(), env: {} })).toEqual([]);
      await site.declare(rotationText(['v1', 'v2'], 'v1'));
      done(await site.run(['plan', '--out', 'plan']));
      expect(await reviewOf()).toMatchObject({ verdict: 'clean', findings: [] });
      done(await site.run(['apply', 'plan', '--yes']));
      done(await site.run(['pre-apply', '--yes']));
      await site.declare(rotationText(['v1', 'v2'], 'v2'));
      done(await site.run(['plan', '--out', 'plan']));
      const { verdict, findings, plans } = await reviewOf();
      expect([verdict, findings]).toEqual(['clean', []]);
      const key = (version: string) => `${version} \\(Enabled, arn:aws:kms:[^)]*\\)`;
      const moves = `moves from ${key('v1')} to ${key('v2')}`;
      const lines = (...all: readonly string[]) => all.map((one) => expect.stringMatching(new RegExp(`^${one}$`)));
      expect(plans[0]?.effects).toEqual(
        lines(
          'outside Terraform: key version v2 was changed: enabled false → true; expiration model \\(unset\\) → KEY_MATERIAL_DOES_NOT_EXPIRE; key state PendingImport → Enabled',
        ),
      );
      expect(plans[1]?.effects).toEqual(
        lines(
          `alias alias/rotation-test-key ${moves}`,
          `the default of bucket kms-key-rotation-test-bucket ${moves}`,
          'output active_key_arn arn:aws:kms:\\S+ → arn:aws:kms:\\S+',
        ),
      );
    },
    2 * MINUTES,
  );

  it(
    'refuses the switch while the alias of v2 leads to a key of somebody else, which is Enabled too',
    async () => {
      const lead = (TargetKeyId: string) =>
        kms.send(new UpdateAliasCommand({ AliasName: 'alias/rotation-test-key/v2', TargetKeyId }));
      const right = JSON.parse(await readFile(at('rotation.lock.json'), 'utf8')).versions[1].keyArn;
      const { arn: stranger } = await importedKey(kms);
      await lead(stranger);
      try {
        const base = (await readFile(at('rotation.yaml'), 'utf8')).replace('name: rotation-test', 'name: another');
        await writeFile(at('before.yaml'), base);
        const refused = await site.run(['plan', '--out', 'moved alias', '--json', '--base', 'before.yaml']);
        expect(refused.exitCode).toBe(4);
        const { stacks, review } = JSON.parse(refused.stdout);
        expect(stacks.storage).toMatchObject({ planned: false });
        expect(stacks.storage.why.join()).toContain(`but rotation.lock.json binds key version v2 to ${right}`);
        const found = review.findings.map(
          ({ rule, message }: { rule: string; message: string }) => `${rule} ${message}`,
        );
        expect(found.join('\n')).toMatch(
          new RegExp(`^KT024 v2 is ${right} by rotation.lock.json, .*${stranger}.* by AWS$`, 'm'),
        );
        expect(await readFile(at('moved alias', 'review.md'), 'utf8')).toContain('KT024');
        const acting = await site.run(['post-apply', '--yes']);
        expect([acting.exitCode, acting.stderr]).toEqual([4, expect.stringContaining('binding-contradicted')]);
      } finally {
        await lead(right);
      }
      // What the change of the file was refused for stays a refusal, though apply has no base.
      const applied = await site.run(['apply', 'moved alias', '--yes']);
      expect([applied.exitCode, applied.stderr]).toEqual([4, expect.stringMatching(/rejects the plans: .*KT081/)]);
    },
    2 * MINUTES,
  );

  it(
    'can be applied in another folder that has the state and custody: same stacks, same provider',
    async () => {
      const elsewhere = path.join(site.directory, 'elsewhere');
      for (const name of [
        'rotation.yaml',
        'rotation.lock.json',
        'custody',
        'plan',
        'terraform.rotation-test-keys.tfstate',
        'terraform.rotation-test-storage.tfstate',
      ]) {
        await cp(path.join(site.directory, name), path.join(elsewhere, name), { recursive: true });
      }
      const there = ['--rotation-file', 'elsewhere/rotation.yaml'];
      const applied = done(await site.run(['apply', 'elsewhere/plan', ...there, '--yes', '--json']));
      expect(JSON.parse(applied.stdout).stacks).toContainEqual({ stack: 'storage', outcome: 'applied' });
      // Here the alias has moved by now, so that the same plan is refused.
      const late = await site.run(['apply', 'plan', '--yes']);
      expect([late.exitCode, late.stderr]).toEqual([4, expect.stringContaining('storage: main alias: was ')]);
      await cp(
        path.join(elsewhere, 'terraform.rotation-test-storage.tfstate'),
        path.join(site.directory, 'terraform.rotation-test-storage.tfstate'),
      );
    },
    2 * MINUTES,
  );

  it(
    'shows a retirement as green until it is rolled back',
    async () => {
      done(await site.run(['post-apply', '--yes', '--relist-delay', '0s']));
      expect(await greenRetirements({ path: evidence(), env: {} })).toMatchObject([
        { version: 'v1', keyArn: expect.stringMatching(/^arn:aws:kms/) },
      ]);
      await site.declare(rotationText(['v1', 'v2'], 'v2').replace('- name: v1', '- name: v1\n    disabled: true'));
      const planned = done(await site.run(['plan', '--out', 'plan', '--detailed-exitcode']));
      expect(planned.exitCode).toBe(0);
      expect(await reviewOf()).toMatchObject({ verdict: 'clean', findings: [] });
      done(await site.run(['rollback', '--yes']));
      expect(await greenRetirements({ path: evidence(), env: {} })).toEqual([]);
    },
    2 * MINUTES,
  );
});
