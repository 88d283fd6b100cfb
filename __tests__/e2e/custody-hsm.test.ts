import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { inDays } from '../support/custody-site';
import { openSite, rotationText, type Site } from '../support/keyturn-process';
import { makeToken, PIN, softHsm, withSoftHsm, writeSoftHsmConfiguration } from '../support/soft-hsm';

/** Material that is made in a module: by a ceremony, extended, drilled, brought back, and never in this process. */
jest.setTimeout(300_000);

withSoftHsm('custody in a module, by the commands a person types (needs softhsm2 and a built pkcs11js)', () => {
  let site: Site;
  let kms: KMSClient;
  let env: Record<string, string>;
  const later = inDays(300);
  const carried = (name: string) => path.join(site.directory, name);
  const run = (...args: readonly string[]) => site.run([...args, '--yes', '--json'], { env });
  const stateOf = async (version: string) => {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: `alias/rotation-test-key/${version}` }));
    return KeyMetadata?.KeyState;
  };
  const rotationWith = (versions: readonly string[], token: string) => {
    const pkcs11 = `{ module: ${softHsm()}, token: ${token}, pinFile: pin }`;
    return rotationText(versions, 'v1')
      .replace('- name: v1\n', `- name: v1\n    materialValidTo: ${inDays(20)}\n`)
      .replace(/custody:[\s\S]*$/, `custody:\n  pkcs11: ${pkcs11}\n`);
  };

  beforeAll(async () => {
    site = await openSite();
    const { accessKey, url: endpoint, region } = site.endpoint;
    kms = new KMSClient({ endpoint, region, credentials: accessKey });
    const configuration = writeSoftHsmConfiguration(site.directory);
    makeToken(configuration, 'keyturn');
    env = { SOFTHSM2_CONF: configuration };
    writeFileSync(carried('pin'), PIN, { mode: 0o600 });
    for (const version of ['v1', 'v2']) {
      const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
      const AliasName = `alias/rotation-test-key/${version}`;
      await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyMetadata?.KeyId }));
    }
    await site.declare(rotationWith(['v1'], 'keyturn'));
  });

  afterAll(async () => {
    kms.destroy();
    await site.close();
  });

  it('imports with the wrapping that the token can do, and leaves no file of material', async () => {
    const { exitCode, stdout } = await run('pre-apply');
    expect(exitCode).toBe(0);
    const { imported } = JSON.parse(stdout).steps[0].facts;
    expect(imported[0]).toMatchObject({
      custody: { kind: 'pkcs11', location: 'token keyturn, key rotation-test-v1' },
      wrapping: { algorithm: 'RSAES_OAEP_SHA_1', keySpec: 'RSA_4096' },
    });
    expect(await stateOf('v1')).toBe('Enabled');
  });

  it('is drilled and extended without an identity, and brought back after its expiry', async () => {
    expect(JSON.parse((await run('drill')).stdout).drills).toMatchObject([{ version: 'v1', outcome: 'held' }]);
    site.endpoint.clock.advance(25 * 86_400_000);
    expect(await stateOf('v1')).toBe('PendingImport');
    const { stdout } = await run('extend', '--version', 'v1', '--valid-to', later);
    expect(JSON.parse(stdout)).toMatchObject({ recovered: true });
    expect(await stateOf('v1')).toBe('Enabled');
    site.endpoint.clock.advance(-25 * 86_400_000);
  });

  it('is missed by status once its key is gone from the token, and found again', async () => {
    const found = async () => {
      const { stdout } = await site.run(['status', '--json'], { env });
      const { drift } = JSON.parse(stdout) as { drift: { code: string; level: string; text: string }[] };
      return drift.filter(({ code, level }) => code.startsWith('custody-') && level === 'act');
    };
    expect(await found()).toEqual([]);
    renameSync(carried('tokens'), carried('away'));
    makeToken(writeSoftHsmConfiguration(site.directory), 'keyturn');
    expect(await found()).toMatchObject([
      { code: 'custody-lost', text: expect.stringContaining('no copy is at token keyturn, key rotation-test-v1') },
    ]);
    rmSync(carried('tokens'), { recursive: true });
    renameSync(carried('away'), carried('tokens'));
  });

  it('takes part in a ceremony, with the rotation file carried along', async () => {
    await site.declare(rotationWith(['v1', 'v2'], 'keyturn'));
    const algorithm = ['--wrapping-algorithm', 'RSAES_OAEP_SHA_1'];
    const prepared = await run(
      'material',
      'prepare',
      '--version',
      'v2',
      ...algorithm,
      '--out',
      carried('request.json'),
    );
    expect(prepared.exitCode).toBe(0);
    const where = ['--request', carried('request.json'), '--rotation-file', site.rotationFile];
    const { publicKeySha256 } = JSON.parse(prepared.stdout);
    const heard = ['--fingerprint', publicKeySha256];
    const wrapped = await run('material', 'wrap', ...where, ...heard, '--out', carried('wrapped.json'));
    expect(wrapped).toMatchObject({ exitCode: 0 });
    const { answerSha256 } = JSON.parse(wrapped.stdout);
    const both = ['--request', carried('request.json'), '--answer', carried('wrapped.json')];
    expect(await run('material', 'import', ...both, '--fingerprint', answerSha256)).toMatchObject({ exitCode: 0 });
    expect(await stateOf('v2')).toBe('Enabled');
    expect(await run('drill', '--version', 'v2')).toMatchObject({ exitCode: 0 });
  });

  it('refuses a token that is not there, before anything is asked of KMS', async () => {
    await site.declare(rotationWith(['v1', 'v2'], 'another'));
    const before = [...site.endpoint.requests].filter((one) => one.operation === 'GetParametersForImport').length;
    const { stdout } = await run('drill', '--version', 'v1');
    expect(JSON.parse(stdout).error.code).toBe('hsm-unavailable');
    expect([...site.endpoint.requests].filter((one) => one.operation === 'GetParametersForImport')).toHaveLength(
      before,
    );
    const doctor = await site.run(['doctor', '--json'], { env });
    const custody = JSON.parse(doctor.stdout).findings.find((one: { check: string }) => one.check === 'custody');
    expect(custody).toMatchObject({ sound: false, found: expect.stringContaining('no token another; it has keyturn') });
  });
});
