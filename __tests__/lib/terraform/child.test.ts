import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { runChild } from '../../../lib/terraform/child';
import { sandbox } from './sandbox';

/** Resolves once a file is there: the child says by it how far it is. */
async function present(file: string): Promise<void> {
  for (;;) {
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it('hands back the exit code and what was written', async () => {
  await using box = await sandbox();
  const file = await box.program('speaks', 'echo out; echo err >&2; exit 3');
  await expect(runChild({ file, args: [], env: box.env, signal: undefined })).resolves.toEqual({
    exit: 3,
    stdout: 'out\n',
    stderr: 'err\n',
    interrupted: false,
  });
});

it('gives no program the PIN of a hardware module: not Terraform, no provider, no program that declares stacks', async () => {
  await using box = await sandbox();
  const file = await box.program('tells', 'echo "$KEYTURN_PKCS11_PIN,$OTHER"');
  const env = { ...box.env, KEYTURN_PKCS11_PIN: '1234', OTHER: 'other' };
  const { stdout } = await runChild({ file, args: [], env, signal: undefined });
  expect(stdout).toBe(',other\n');
});

it('fails when the program cannot be started', async () => {
  await using box = await sandbox();
  const start = runChild({ file: join(box.path, 'missing'), args: [], env: box.env, signal: undefined });
  await expect(start).rejects.toMatchObject({ code: 'ENOENT' });
});

it('asks an interrupted child once to stop, and waits until it has finished', async () => {
  await using box = await sandbox();
  const [started, counted] = [join(box.path, 'started'), join(box.path, 'finished')];
  const file = await box.program(
    'applies',
    `n=0; trap 'n=$((n+1))' INT; : > ${started}; while [ $n -eq 0 ]; do sleep 0.05; done; sleep 0.2; echo "asked $n"; : > ${counted}`,
  );
  const controller = new AbortController();
  const running = runChild({ file, args: [], env: box.env, signal: controller.signal });
  await present(started);
  controller.abort();
  const outcome = await running;
  expect(outcome).toMatchObject({ exit: 0, interrupted: true, stdout: 'asked 1\n' });
  await expect(access(counted)).resolves.toBeUndefined();
});

it('gives the child a process group of its own, out of reach of a Ctrl-C at the terminal', async () => {
  await using box = await sandbox();
  const file = await box.program('group', 'ps -o pgid= -p $$; echo $$');
  const { stdout } = await runChild({ file, args: [], env: box.env, signal: undefined });
  const [group, own] = stdout.trim().split(/\s+/);
  expect(group).toBe(own);
});

it('lets the child finish when this process is killed', async () => {
  await using box = await sandbox();
  const [started, finished] = [join(box.path, 'started'), join(box.path, 'finished')];
  const file = await box.program('applies', `: > ${started}; sleep 0.5; echo done; echo done; : > ${finished}`);
  const parent = await box.write(
    'parent.ts',
    `import { runChild } from ${JSON.stringify(join(__dirname, '../../../lib/terraform/child'))};
     void runChild({ file: ${JSON.stringify(file)}, args: [], env: process.env, signal: undefined });`,
  );
  const { spawn } = await import('node:child_process');
  const running = spawn(process.execPath, ['--import', require.resolve('tsx'), parent], {
    cwd: join(__dirname, '../../..'),
    env: box.env,
    stdio: 'ignore',
  });
  await present(started);
  running.kill('SIGKILL');
  await once(running, 'exit');
  await present(finished);
});
