import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { runChild } from '../../lib/terraform/child';
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

/** Each command synthesizes, initializes and starts the provider anew. */
const MINUTES = 300_000;

let on: Stage;

beforeAll(async () => {
  on = await stage();
  await on.declare(ROTATION);
}, MINUTES);
afterAll(async () => on[Symbol.asyncDispose]());

/** Runs the cdktf CLI as a person would in this project, on the stage's rotation file and endpoint. */
async function cdktf(...args: readonly string[]): Promise<{ readonly exit: number | null; readonly said: string }> {
  const own = {
    CI: '1',
    FORCE_COLOR: '0',
    CDKTF_CONTEXT_JSON: JSON.stringify({ rotationFile: join(on.folder, 'rotation.yaml') }),
  };
  const { exit, stdout, stderr } = await runChild({
    file: process.execPath,
    args: [require.resolve('cdktf-cli/bundle/bin/cdktf'), ...args, '--output', join(on.folder, 'cdktf.out')],
    cwd: PROJECT,
    env: { ...on.env, ...own },
    signal: undefined,
  });
  return { exit, said: `${stdout}\n${stderr}` };
}
