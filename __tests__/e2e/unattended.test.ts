import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generateIdentity } from '../../lib/key-material/age-identity';
import type { LocalAws } from '../../local-aws';
import { speak } from '../support/command-line';
import { startTestAws } from '../support/embedded-aws';
import { rotationText } from '../support/keyturn-process';

let endpoint: LocalAws;
let directory: string;
const outside = { ...process.env };

beforeAll(async () => {
  endpoint = await startTestAws();
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-unattended-'));
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, endpoint.environment());
  const { recipient } = await generateIdentity(path.join(directory, 'identity.txt'));
  await writeFile(path.join(directory, 'rotation.yaml'), rotationText(['v1'], 'v1').replaceAll('RECIPIENT', recipient));
});

afterAll(async () => {
  process.env = outside;
  await endpoint.close();
  await rm(directory, { recursive: true, force: true });
});

it('refuses to change anything without a terminal and without --yes, naming the flag', async () => {
  const { exitCode, stderr } = await speak(directory, ['rotate']);
  expect(exitCode).toBe(64);
  expect(stderr).toContain('--yes');
  const made = [...endpoint.requests].filter(({ operation, status }) => operation === 'CreateKey' && status === 200);
  expect(made).toEqual([]);
});
