import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createClients } from '../../lib/aws/clients';
import { endpointsOf } from '../../lib/aws/endpoints';
import { importMaterial } from '../../lib/kms/import-key-material';
import { importParameters } from '../../lib/kms/import-parameters';
import { type CustodySite, errorOf, openSiteOfV1 } from '../support/custody-site';
import { rotationText } from '../support/keyturn-process';
import { tlsRelay } from '../support/tls-relay';

/** Custody that changes its kind, drills of many versions, endpoints that are not AWS's. */
jest.setTimeout(60_000);

let site: CustodySite;
let keyArn: string;
beforeEach(async () => {
  const opened = await openSiteOfV1();
  site = opened;
  keyArn = opened.keyArn;
});
afterEach(() => site.close());

const at = (...parts: readonly string[]) => path.join(site.directory, ...parts);
const drill = (...args: readonly string[]) => site.run('drill', '--yes', '--json', ...args);

async function twoVersionsOfTwoKinds(): Promise<void> {
  await site.run('pre-apply', '--yes');
  await site.declareKey('v2');
  const sample = path.resolve(__dirname, '../../docs/samples/custodian.mjs');
  const command = `  command: { run: [${process.execPath}, ${sample}] }`;
  await site.declare(rotationText(['v1', 'v2'], 'v1').replace(/ {2}age:\n.*\n/, `${command}\n`));
  Object.assign(process.env, { CUSTODIAN_FOLDER: at('vault'), CUSTODIAN_KEY_FILE: at('vault.key') });
  writeFileSync(at('vault.key'), randomBytes(32));
  const finished = await site.run('pre-apply', '--yes', '--json');
  expect([finished.exitCode, errorOf(finished).code]).toEqual([0, 'done']);
}

it('opens each version by the kind that its record names, after the rotation file changed from age to a command', async () => {
  await twoVersionsOfTwoKinds();
  const { exitCode, stdout } = await drill('--identity', site.identityFile);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).drills.map((one: { custody: { kind: string } }) => one.custody.kind)).toEqual([
    'age',
    'command',
  ]);
});

it('drills every version and reports each, also after one that failed', async () => {
  await twoVersionsOfTwoKinds();
  await site.declareKey('v3');
  await site.declare((await site.readRotation()).replace('  - name: v2\n', '  - name: v2\n  - name: v3\n'));
  await site.run('pre-apply', '--yes');
  rmSync(at('custody', 'rotation-test-v1.age'));
  const { exitCode, stdout, stderr } = await drill('--identity', site.identityFile);
  expect([exitCode, errorOf({ stdout }).code]).toEqual([1, 'custody-absent']);
  expect(stderr).toContain('drill v3');
  const versions = JSON.parse((await site.run('status', '--json')).stdout).versions;
  expect(versions.map((one: { drilledAt?: string }) => one.drilledAt !== undefined)).toEqual([false, true, true]);
});

describe('an endpoint that is not AWS’s', () => {
  it('stands in what people read, in JSON, in the evidence and in the custody record', async () => {
    const { stdout, stderr } = await site.run('pre-apply', '--yes', '--json');
    const { url } = site.endpoint;
    expect(stderr).toContain(`this is not AWS: kms ${url}`);
    const { endpoints, evidence } = JSON.parse(stdout);
    expect(endpoints).toEqual({ kms: url, s3: url, sts: url });
    expect(readFileSync(evidence, 'utf8').split('\n')[1]).toContain(`"endpoints":{"kms":"${url}"`);
    const record = JSON.parse(readFileSync(at('custody', 'rotation-test-v1.record.json'), 'utf8'));
    expect(record.import.endpoint).toBe(url);
  });

  it.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_KMS'])('refuses plain http off this machine in %s', async (name) => {
    process.env[name] = 'http://kms.example.com';
    const clients = createClients({ region: site.endpoint.region, env: process.env });
    const refused = { code: 'endpoint-insecure', facts: { url: 'http://kms.example.com' } };
    try {
      expect(await endpointsOf(clients)).toMatchObject({ kms: 'http://kms.example.com' });
      await expect(importParameters(clients.kms, keyArn)).rejects.toMatchObject(refused);
      const bytes = { importToken: Buffer.from('token'), wrapped: Buffer.from('bytes') };
      const request = { keyArn, ...bytes, importType: 'NEW_KEY_MATERIAL' } as const;
      await expect(importMaterial(clients.kms, request)).rejects.toMatchObject(refused);
    } finally {
      clients.destroy();
    }
  });

  it('refuses a certificate that nobody verified, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async () => {
    const relay = await tlsRelay(site.endpoint.url);
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: relay.url,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      AWS_MAX_ATTEMPTS: '1',
    });
    try {
      const refused = await site.run('pre-apply', '--yes', '--json');
      expect(errorOf(refused).code).toBe('aws-tls-untrusted');
      expect(await site.describe(keyArn)).toMatchObject({ state: 'PendingImport' });
    } finally {
      await relay.close();
    }
  });
});

describe('a custody folder and an identity file that others can use', () => {
  it('are warned of by the commands that use them, and by doctor', async () => {
    await site.run('pre-apply', '--yes');
    chmodSync(at('custody'), 0o777);
    chmodSync(site.identityFile, 0o644);
    const { stderr } = await site.run('drill', '--yes', '--identity', site.identityFile);
    expect(stderr).toContain(`can write to ${at('custody')}`);
    expect(stderr).toContain(`can read ${site.identityFile}`);
    const { findings } = JSON.parse((await site.run('doctor', '--json')).stdout);
    const found = findings.find((one: { check: string }) => one.check === 'custody folder');
    expect(found).toMatchObject({ sound: false, hint: expect.stringContaining('chmod go-rwx') });
    chmodSync(at('custody'), 0o700);
    expect(statSync(at('custody')).mode & 0o077).toBe(0);
  });
});
