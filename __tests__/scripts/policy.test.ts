import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { speak } from '../support/command-line';

const text = (more = '') => `name: photos
region: eu-central-1
alias: alias/photos
keyVersions: [{ name: v1 }]
activeVersion: v1
buckets: [{ name: photos-bucket, manage: bucket }]
${more}`;

let directory: string;
const policy = (...args: string[]) => speak(directory, ['policy', ...args]);
const declare = (content: string) => writeFile(path.join(directory, 'rotation.yaml'), content);

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-policy-'));
});
beforeEach(() => declare(text('account: "111122223333"\n')));
afterAll(() => rm(directory, { recursive: true }));

it('prints a policy that can be attached as it is, without asking AWS', async () => {
  const { exitCode, stdout, stderr } = await policy('pre-apply');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const { Version, Statement } = JSON.parse(stdout);
  expect(Version).toBe('2012-10-17');
  expect(Statement).toContainEqual({
    Sid: 'ImportMaterial',
    Effect: 'Allow',
    Action: ['kms:GetParametersForImport', 'kms:ImportKeyMaterial'],
    Resource: 'arn:aws:kms:eu-central-1:111122223333:key/*',
    Condition: { StringEquals: { 'aws:ResourceTag/keyturn:rotation': 'photos' } },
  });
});

it('takes the account from the command line where the file names none', async () => {
  await declare(text());
  const { stdout } = await policy('reviewer', '--account', '444455556666');
  expect(stdout).toContain('arn:aws:kms:eu-central-1:444455556666:key/*');
});

it('gives one document with --json', async () => {
  const { stdout } = await policy('terraform', 'pre-apply', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ command: 'policy', for: ['terraform', 'pre-apply'], rotation: 'photos' });
});

it.each([
  ['a policy that there is not', ['everything'], 'no policy for "everything"'],
  ['no name at all', [], 'missing required argument'],
  ['an account that is none', ['reviewer', '--account', '12'], '--account accepts 12 digits'],
  ['an account other than the declared one', ['reviewer', '--account', '444455556666'], 'contradicts account'],
])('refuses %s', async (_what, args, words) => {
  const { exitCode, stdout, stderr } = await policy(...args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
  expect(stderr).toContain(words);
});
