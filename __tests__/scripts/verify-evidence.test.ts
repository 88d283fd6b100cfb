import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { CreateKeyCommand, DisableKeyCommand, GetPublicKeyCommand } from '@aws-sdk/client-kms';
import { speak } from '../support/command-line';
import { type SwitchedSite, switchedSite } from '../support/switched-site';

let site: SwitchedSite;
let signer: string;

beforeEach(async () => {
  site = await switchedSite();
  await site.put('one');
  const created = await site.kms.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }));
  signer = created.KeyMetadata?.Arn ?? '';
  await site.switch(`evidence: { signer: "${signer}" }\n`);
});

afterEach(async () => {
  await site[Symbol.asyncDispose]();
});

const at = (name: string) => path.join(site.directory, name);
const evidence = () => at('.keyturn/evidence');
const postApply = () => speak(site.directory, ['post-apply', '--yes', '--relist-delay', '0s', '--json']);
const check = (...args: string[]) => speak(site.directory, ['verify-evidence', evidence(), ...args]);

async function publicKey(): Promise<string> {
  const { PublicKey = new Uint8Array() } = await site.kms.send(new GetPublicKeyCommand({ KeyId: signer }));
  const der = Buffer.from(PublicKey).toString('base64').replace(/.{64}/g, '$&\n');
  writeFileSync(at('signer.pem'), `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`);
  return at('signer.pem');
}

it('signs the head of each run with the KMS key, and checks them by its public key', async () => {
  const { exitCode, stdout } = await postApply();
  const { signature } = JSON.parse(stdout);
  expect([exitCode, signature]).toEqual([
    0,
    { signer, head: expect.stringMatching(/^[0-9a-f]{64}$/), file: expect.stringMatching(/\.dsse\.json$/) },
  ]);
  await postApply();
  const checked = await check('--public-key', await publicKey());
  expect([checked.exitCode, checked.stderr]).toEqual([0, expect.stringContaining('2 of 2 run(s) are signed')]);
  expect((await check()).stderr).toContain('2 signature(s) were not checked: pass --public-key');
  await rm(path.join(evidence(), signature.file));
  const without = await check('--public-key', at('signer.pem'));
  expect([without.exitCode, without.stderr]).toEqual([1, expect.stringContaining('its head is not signed')]);
});

it('is tried by doctor: the key, its kind, its state and the permission', async () => {
  const found = async () => {
    const { findings } = JSON.parse((await speak(site.directory, ['doctor', '--json'])).stdout);
    const named = (name: string) => findings.find(({ check: one }: { check: string }) => one === name);
    expect(named('working files')).toMatchObject({ sound: true });
    return named('evidence signer');
  };
  expect(await found()).toMatchObject({ sound: true, found: `${signer} signs: ECDSA on P-256` });
  const then = { kind: 'answer', status: 400, code: 'AccessDeniedException' } as const;
  site.endpoint.faults.inject({ match: { operation: 'Sign' }, then });
  expect(await found()).toMatchObject({ sound: false, found: expect.stringContaining('Sign') });
  await site.kms.send(new DisableKeyCommand({ KeyId: signer }));
  expect(await found()).toMatchObject({ sound: false, found: expect.stringContaining('evidence-signer-unusable') });
  await site.switch(`evidence: { signer: "${site.arns[0]}" }\n`);
  expect(await found()).toMatchObject({ sound: false, found: expect.stringContaining('evidence-signer-unusable') });
});

it('refuses to begin with a signer that cannot sign, and leaves no evidence of a run', async () => {
  await site.kms.send(new DisableKeyCommand({ KeyId: signer }));
  const { exitCode, stdout } = await postApply();
  expect(exitCode).not.toBe(0);
  expect(JSON.parse(stdout).error.code).toBe('evidence-signer-unusable');
  expect(() => readdirSync(evidence())).toThrow('ENOENT');
});

it('refuses a key of another kind as the signer', async () => {
  await site.switch(`evidence: { signer: "${site.arns[0]}" }\n`);
  const { exitCode, stdout } = await postApply();
  expect(exitCode).not.toBe(0);
  expect(JSON.parse(stdout).error.code).toBe('evidence-signer-unusable');
});

it('fails when signing is denied at the end: exit 3, and the run is found as not signed', async () => {
  const then = { kind: 'answer', status: 400, code: 'AccessDeniedException' } as const;
  site.endpoint.faults.inject({ match: { operation: 'Sign' }, then });
  const { exitCode, stdout } = await postApply();
  expect([exitCode, JSON.parse(stdout).signature.fault.code]).toEqual([3, 'evidence-not-signed']);
  expect((await check()).stderr).toContain('its head is not signed');
});

it('takes the heads of several runs, each saved by its own job', async () => {
  await postApply();
  const heads = (name: string, text: string) => writeFileSync(at(name), text);
  heads('job-1.txt', (await check()).stdout);
  await postApply();
  const all = (await check()).stdout.trim().split('\n');
  const first = readFileSync(at('job-1.txt'), 'utf8').trim();
  heads('job-2.txt', `${all.filter((line) => line !== first).join('\n')}\n`);
  expect((await check('--heads', at('job-2.txt'))).exitCode).toBe(1);
  expect((await check('--heads', at('job-1.txt'), '--heads', at('job-2.txt'))).exitCode).toBe(0);
});

it.each([
  ['a private key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
  ['no key', 'hello'],
])('refuses %s as a public key', async (_what, text) => {
  writeFileSync(at('key.pem'), text);
  await postApply();
  const { exitCode, stderr } = await check('--public-key', at('key.pem'));
  expect([exitCode, stderr]).toEqual([64, expect.stringContaining('no public key in PEM')]);
});
