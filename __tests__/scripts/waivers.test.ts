import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { parse } from 'yaml';
import type { LocalAws } from '../../local-aws';
import { speak } from '../support/command-line';
import { startTestAws } from '../support/embedded-aws';

let endpoint: LocalAws;
let directory: string;
let key: { KeyId: string; Arn: string };
const outer = { ...process.env };

beforeAll(async () => {
  endpoint = await startTestAws({ region: 'ap-northeast-1' });
  Object.assign(process.env, endpoint.environment());
  const kms = new KMSClient({ endpoint: endpoint.url, region: endpoint.region, credentials: endpoint.accessKey });
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
  key = { KeyId: KeyMetadata?.KeyId ?? '', Arn: KeyMetadata?.Arn ?? '' };
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/photos/v1', TargetKeyId: key.KeyId }));
  kms.destroy();
  directory = mkdtempSync(path.join(tmpdir(), 'keyturn-waivers-'));
  writeFileSync(
    path.join(directory, 'rotation.yaml'),
    `name: photos
region: ap-northeast-1
alias: alias/photos
keyVersions: [{ name: v1 }, { name: v2 }, { name: old, keyArn: "${key.Arn.replace(/.{4}$/, '0000')}" }]
activeVersion: v1
buckets: [{ name: photos-originals, manage: bucket }]
`,
  );
});

afterAll(async () => {
  process.env = outer;
  rmSync(directory, { recursive: true, force: true });
  await endpoint.close();
});

const waivers = async (...args: string[]) => {
  const said = await speak(directory, ['waivers', ...args]);
  if (said.exitCode !== 0) throw new Error(`exit ${said.exitCode}: ${said.stderr}`);
  return said.stdout;
};

it('prowler: mutes exactly the keys that are there, in their account and Region, with the evidence', async () => {
  const url = 'https://evidence.example.com/"photos"';
  const { Mutelist } = parse(await waivers('prowler', '--evidence', url));
  const accounts = Object.entries<{ Checks: Record<string, Record<string, unknown>> }>(Mutelist.Accounts);
  const [account, { Checks }] = accounts[0] ?? ['', { Checks: {} }];
  expect(accounts).toHaveLength(1);
  expect(account).toBe(key.Arn.split(':')[4]);
  expect(Checks.kms_cmk_rotation_enabled).toMatchObject({ Regions: ['ap-northeast-1'], Resources: [`^${key.KeyId}$`] });
  expect(Checks.kms_cmk_rotation_enabled?.Description).toContain(url);
});

it('config: exceptions that end, and a Security Hub rule, for the same keys', async () => {
  const out = path.join(directory, 'config.json');
  await waivers('config', '--until', '2027-11-01', '--out', 'config.json');
  const { putRemediationExceptions, createAutomationRule } = JSON.parse(readFileSync(out, 'utf8'));
  expect(putRemediationExceptions.ResourceKeys).toEqual([{ ResourceType: 'AWS::KMS::Key', ResourceId: key.KeyId }]);
  expect(putRemediationExceptions.ExpirationTime).toBe('2027-11-01T23:59:59.000Z');
  expect(createAutomationRule.Criteria.ResourceId).toEqual([{ Value: key.Arn, Comparison: 'EQUALS' }]);
  for (const text of [createAutomationRule.Description, createAutomationRule.Actions[0].FindingFieldsUpdate.Note.Text])
    expect(text.length).toBeLessThanOrEqual(512);
});

it.each([
  [['trivy'], 'no waivers for "trivy"'],
  [['prowler', '--until', '2027-11-01'], 'is for config only'],
  [['config', '--until', '2027-02-30'], 'accepts a date'],
])('refuses %j', async (args, problem) => {
  const said = await speak(directory, ['waivers', ...args]);
  expect(said.exitCode).toBe(64);
  expect(said.stderr).toContain(problem);
});

it('refuses a scanner that it knows no exceptions for, and names those it does', async () => {
  const said = await speak(directory, ['waivers', 'checkov']);
  expect(said.exitCode).toBe(64);
  expect(said.stderr).toContain('use one of prowler, config');
});
