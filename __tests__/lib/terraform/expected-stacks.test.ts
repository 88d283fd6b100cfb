import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { expectedStacks } from '../../../lib/terraform/expected-stacks';
import { type Sandbox, sandbox } from './sandbox';

const ROTATION = `name: payroll
region: ap-northeast-1
alias: alias/payroll
keyVersions: [{ name: v1 }]
activeVersion: v1
buckets: [{ name: payroll-data, manage: encryption }]
`;

/** A program of a team: it writes both stacks from the rotation file that its context names. */
const PROGRAM = `
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { rotationFile, stage } = JSON.parse(process.env.CDKTF_CONTEXT_JSON);
const [, name] = /^name: (.*)$/m.exec(readFileSync(rotationFile, 'utf8'));
for (const role of ['keys', 'storage']) {
  const folder = \`\${process.env.CDKTF_OUTDIR}/stacks/\${name}-\${role}\`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(\`\${folder}/cdk.tf.json\`, JSON.stringify({ role, stage, cwd: process.cwd() }));
}
`;

describe('the expected stacks', () => {
  let box: Sandbox;
  let file: string;
  beforeAll(async () => {
    box = await sandbox();
    file = await box.write('rotation.yaml', ROTATION);
    await box.write('base/app.cjs', PROGRAM);
    await box.write('base/cdktf.json', JSON.stringify({ app: 'node app.cjs', context: { stage: 'production' } }));
    await box.write('strange/cdktf.json', JSON.stringify({ app: 'true' }));
  });
  afterAll(() => box[Symbol.asyncDispose]());
  const from = (trusted?: string) =>
    expectedStacks({
      rotation: { file, name: 'payroll' },
      env: process.env,
      trusted: trusted && path.join(box.path, trusted),
    });

  it('are those of Keyturn, and nothing is left beside the rotation file', async () => {
    const { keys, storage } = await from();
    expect(Object.keys(JSON.parse(keys).resource)).toContain('aws_kms_external_key');
    expect(Object.keys(JSON.parse(storage).resource)).toContain('aws_s3_bucket_server_side_encryption_configuration');
    expect((await readdir(box.path)).sort()).toEqual(['base', 'rotation.yaml', 'strange']);
  });

  it('are those of a program of the team, in its folder, from the reviewed rotation file', async () => {
    const { keys, storage } = await from('base');
    const program = { stage: 'production', cwd: path.join(box.path, 'base') };
    expect([JSON.parse(keys), JSON.parse(storage)]).toEqual([
      { role: 'keys', ...program },
      { role: 'storage', ...program },
    ]);
  });

  it('fails when the program writes no such stack, and when there is none', async () => {
    await expect(from('strange')).rejects.toMatchObject({
      code: 'synthesis-failed',
      message: expect.stringContaining('payroll-keys'),
    });
    await expect(from('nowhere')).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('which has no cdktf.json with an app'),
    });
  });
});
