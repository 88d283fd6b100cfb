import { copyFile, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { runChild } from '../../lib/terraform/child';
import { compiledStacks } from '../support/compiled-keyturn';
import { type Stage, stage } from './stacks-stage';

const PROJECT = resolve(__dirname, '../..');

const ROTATION = `name: payroll
region: ap-northeast-1
alias: alias/payroll
keyVersions:
  - name: v1
activeVersion: v1
buckets:
  - name: payroll-data
    manage: bucket
`;

/** Each command synthesizes and initializes again. */
const MINUTES = 300_000;

let on: Stage;
/** The Terraform that the CLI runs; undefined: the one it finds. */
let terraformBinary: string | undefined;
const there = (file: string): string => join(on.folder, file);

beforeAll(async () => {
  on = await stage();
  await writeFile(there('rotation.yaml'), ROTATION);
  await copyFile(join(PROJECT, 'cdktf.json'), there('cdktf.json'));
  for (const name of ['main.ts', 'node_modules', 'package.json']) await symlink(join(PROJECT, name), there(name));
}, MINUTES);
afterAll(async () => on[Symbol.asyncDispose]());

/** Types a command as a person does in a checkout. */
async function type(command: string): Promise<{ readonly exit: number | null; readonly said: string }> {
  const [, name = '', ...args] = command.split(' ');
  // What npx finds, without a second of CPU time for npx itself.
  const file = join(PROJECT, 'node_modules/.bin', name);
  const chosen = terraformBinary === undefined ? {} : { TERRAFORM_BINARY_NAME: terraformBinary };
  const env = { ...on.env, ...chosen, CI: '1', FORCE_COLOR: '0' };
  const { exit, stdout, stderr } = await runChild({ file, args, cwd: on.folder, env, signal: undefined });
  // The CLI wraps its lines at the width of a terminal and frames Terraform's.
  return { exit, said: `${stdout}\n${stderr}`.replaceAll(/[│\s]+/gu, ' ') };
}

/**
 * The CLI may end before it has passed on what Terraform says last, which is why it stopped. The command changes nothing then, and is typed
 * again.
 */
async function typeUntilSaid(command: string, last: string): ReturnType<typeof type> {
  for (let attempt = 1; ; attempt += 1) {
    const typed = await type(command);
    if (typed.said.includes(last) || attempt === 3) return typed;
  }
}

it(
  'synthesizes the same bytes as Keyturn itself',
  async () => {
    expect(await type('npx cdktf synth --output by-cli')).toMatchObject({ exit: 0 });
    const { keys, storage } = await on.declare(ROTATION);
    for (const { name, directory } of [keys, storage]) {
      const byCli = await readFile(there(`by-cli/stacks/${name}/cdk.tf.json`), 'utf8');
      expect(byCli).toBe(await readFile(join(directory, 'cdk.tf.json'), 'utf8'));
    }
  },
  MINUTES,
);

it(
  'prints HCL in which policies can be read',
  async () => {
    expect(await type('npx cdktf synth --hcl --output as-hcl')).toMatchObject({ exit: 0 });
    const read = (stack: string) => readFile(there(`as-hcl/stacks/${stack}/cdk.tf`), 'utf8');
    expect(await read('payroll-keys')).toContain(
      '"Action" = ["kms:DeleteImportedKeyMaterial", "kms:ScheduleKeyDeletion"]',
    );
    expect(await read('payroll-storage')).toContain('"Condition" = { "Bool" = { "aws:SecureTransport" = "false" } }');
  },
  MINUTES,
);

it(
  'fails when the rotation file is at fault, and shows where without a stack trace of ours',
  async () => {
    await writeFile(there('rotation.yaml'), ROTATION.replace('activeVersion: v1', 'activeVersion: v9'));
    const { exit, said } = await type('npx cdktf synth');
    expect(exit).not.toBe(0);
    expect(said).toMatch(/rotation\.yaml:6:\d+ activeVersion/);
    expect(said).not.toContain('rotation-file.ts');
    await writeFile(there('rotation.yaml'), ROTATION);
  },
  MINUTES,
);

describe('the commands of a rotation', () => {
  let kept: string;
  /** As in a fresh checkout: what was initialized with one provider is not taken for the other. */
  const forgetInit = () => rm(there('cdktf.out'), { recursive: true, force: true });

  beforeAll(async () => {
    // The tests above start main.ts as cdktf.json says. From here on it comes compiled, with the same bytes.
    const settings = JSON.parse(await readFile(there('cdktf.json'), 'utf8'));
    const app = `'${process.execPath}' '${join(compiledStacks(), 'main.js')}'`;
    await writeFile(there('cdktf.json'), JSON.stringify({ ...settings, app }));
    kept = (await on.keepProvider()).terraform;
    terraformBinary = kept;
  }, MINUTES);

  it(
    'stops before storage when the keys are not declared, and leads on to the keys and pre-apply',
    async () => {
      const reading = 'reading KMS Key (alias/payroll/v1)';
      const { exit, said } = await typeUntilSaid(
        'npx cdktf deploy payroll-storage --auto-approve --skip-provider-lock',
        reading,
      );
      expect(exit).not.toBe(0);
      expect(said).toContain(reading);
      expect(said).toContain('after_payroll-keys_and_keyturn_pre-apply');
    },
    MINUTES,
  );

  it(
    'stops before storage when both stacks of a fresh rotation are deployed in one go, and leads on to pre-apply',
    async () => {
      const { exit, said } = await type(
        'npx cdktf deploy payroll-keys payroll-storage --auto-approve --skip-provider-lock',
      );
      expect(exit).not.toBe(0);
      // Both start at once: the guard speaks if the key was there in time, else the look-up's name does. What is said of
      // either stack stands between what is said of the other.
      expect(said).toMatch(/npx keyturn pre-apply|couldn't find resource/);
      expect(said).toContain('after_payroll-keys_and_keyturn_pre-apply');
      expect(await on.key('alias/payroll/v1')).toMatchObject({ KeyState: 'PendingImport' });
      await expect(on.defaultKey('payroll-data')).rejects.toMatchObject({ name: 'NoSuchBucket' });
    },
    MINUTES,
  );

  it(
    'stops at the guard when the keys come first',
    async () => {
      const guard = 'key version v1 (alias/payroll/v1) is PendingImport, not Enabled';
      const { exit, said } = await typeUntilSaid(
        'npx cdktf deploy * --auto-approve --skip-provider-lock --parallelism 1',
        guard,
      );
      expect(exit).not.toBe(0);
      expect(said).toContain(guard);
      expect(said).toContain('npx keyturn pre-apply');
      await expect(on.defaultKey('payroll-data')).rejects.toMatchObject({ name: 'NoSuchBucket' });
    },
    MINUTES,
  );

  it(
    'deploys storage once the material is imported, as its stack alone, with the provider that the CLI installs',
    async () => {
      await on.importMaterial('alias/payroll/v1');
      await forgetInit();
      terraformBinary = undefined;
      const { exit, said } = await type('npx cdktf deploy payroll-storage --auto-approve --skip-provider-lock');
      expect({ exit, said }).toMatchObject({ exit: 0, said: expect.stringContaining('Apply complete!') });
      const { Arn } = await on.key('alias/payroll/v1');
      expect(await on.defaultKey('payroll-data')).toBe(Arn);
      await forgetInit();
      terraformBinary = kept;
    },
    MINUTES,
  );

  it(
    'finds no difference in storage afterwards',
    async () => {
      const { exit, said } = await type('npx cdktf diff payroll-storage --skip-provider-lock');
      expect({ exit, said }).toMatchObject({ exit: 0, said: expect.stringContaining('No changes.') });
    },
    MINUTES,
  );

  it(
    'is the same state that Keyturn itself plans on, without a difference in either stack',
    async () => {
      const { keys, storage } = await on.declare(ROTATION);
      const terraform = await on.terraform();
      expect((await terraform.plan(keys)).changes).toBe(false);
      expect((await terraform.plan(storage)).changes).toBe(false);
    },
    MINUTES,
  );
});
