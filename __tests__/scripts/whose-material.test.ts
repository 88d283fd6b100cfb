import { randomBytes } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ListKeyRotationsCommand } from '@aws-sdk/client-kms';
import { generateIdentity } from '../../lib/key-material/age-identity';
import { createAgeCustodian } from '../../lib/key-material/custody/age-custodian';
import { generateKeyMaterial } from '../../lib/key-material/secret';
import { sha256Hex } from '../../lib/key-material/wrap';
import { importMaterial, importParameters, wrap } from '../conformance/byok';
import { speak } from '../support/command-line';
import { type CustodySite, openCustodySite } from '../support/custody-site';
import { rotationText } from '../support/keyturn-process';

/** Material of somebody else, a stranger's pending import, and the same bytes twice: none of it counts as ours. */
jest.setTimeout(120_000);

let site: CustodySite;
let keyArn: string;

beforeEach(async () => {
  site = await openCustodySite();
  keyArn = await site.declareKey('v1');
  await site.declare(rotationText(['v1'], 'v1'));
});
afterEach(() => site.close());

const at = (...parts: readonly string[]) => path.join(site.directory, ...parts);
const custody = (name: string, folder = site.directory) => path.join(folder, 'custody', `rotation-test-${name}`);
const preApply = (...args: readonly string[]) => site.run('pre-apply', '--yes', '--json', ...args);
const errorOf = ({ stdout }: { readonly stdout: string }) => JSON.parse(stdout).error ?? { code: 'done' };
const imports = () => [...site.endpoint.requests].filter((one) => one.operation === 'ImportKeyMaterial').length;
const forever = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const;

async function materials() {
  const { Rotations = [] } = await site.kms.send(
    new ListKeyRotationsCommand({ KeyId: keyArn, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
  );
  return Rotations.map((one) => ({
    id: one.KeyMaterialId,
    state: one.KeyMaterialState,
    description: one.KeyMaterialDescription,
  }));
}

/** Every request of this operation is cut off before KMS sees it. */
const strike = (operation: string) =>
  site.endpoint.faults.inject({
    match: { operation },
    // biome-ignore lint/suspicious/noThenProperty: the fault rule's own word; nobody awaits it
    then: { kind: 'reset-before' },
  });

/** Somebody else's import, right before the first request of this operation reaches KMS. */
function overtakenAt(operation: string): void {
  let done = false;
  const unhook = site.endpoint.requests.hook({
    async before(event) {
      if (done || event.operation !== operation) return undefined;
      done = true;
      unhook();
      await importMaterial(site.kms, keyArn, randomBytes(32), forever);
      return undefined;
    },
  });
}

describe('two runs of pre-apply from two checkouts', () => {
  it.each(['GetParametersForImport', 'ImportKeyMaterial'])(
    'fails when the other one is first at %s, now and in every later run, and writes no record',
    async (operation) => {
      overtakenAt(operation);
      for (const code of ['material-of-another', 'material-of-another']) {
        const { exitCode, stdout } = await preApply();
        expect([exitCode, errorOf({ stdout }).code]).toEqual([4, code]);
        expect(existsSync(`${custody('v1')}.record.json`)).toBe(false);
      }
      const current = (await materials()).filter(({ state }) => state === 'CURRENT');
      expect(errorOf(await preApply()).facts.keyMaterialId).toBe(current[0]?.id);
    },
  );

  it('goes on where a run was killed after its own import', async () => {
    strike('GenerateDataKey');
    expect(errorOf(await preApply()).code).toBe('aws-endpoint-unreachable');
    site.endpoint.faults.clear();
    expect(await preApply()).toMatchObject({ exitCode: 0 });
    const record = JSON.parse(readFileSync(`${custody('v1')}.record.json`, 'utf8'));
    expect(record.keyMaterialId).toBe((await materials())[0]?.id);
  });
});

describe('a pending import that no run of this rotation meant', () => {
  /** What anybody can make who may call GetParametersForImport and write the folder. */
  async function planted(binding: string): Promise<void> {
    const { PublicKey, ImportToken, ParametersValidTo } = await importParameters(site.kms, keyArn);
    const wrapped = wrap(randomBytes(32), PublicKey);
    const pending = {
      schemaVersion: 1,
      rotation: 'rotation-test',
      version: 'v1',
      keyArn,
      binding,
      recipients: [/age1[a-z0-9]+/.exec(await site.readRotation())?.[0]],
      algorithm: 'RSAES_OAEP_SHA_256',
      wrappingKeySpec: 'RSA_2048',
      publicKeySha256: sha256Hex(PublicKey ?? new Uint8Array()),
      wrappedSha256: sha256Hex(wrapped),
      wrapped: wrapped.toString('base64'),
      importToken: Buffer.from(ImportToken ?? []).toString('base64'),
      validTo: ParametersValidTo?.toISOString(),
      preparedAt: new Date().toISOString(),
    };
    writeFileSync(`${custody('v1')}.pending.json`, JSON.stringify(pending));
  }

  it('is not imported: the identity is needed, and custody is what KMS gets', async () => {
    strike('ImportKeyMaterial');
    await preApply();
    site.endpoint.faults.clear();
    await planted(sha256Hex(readFileSync(`${custody('v1')}.age`)));
    expect(errorOf(await preApply()).code).toBe('custody-identity-needed');
    expect(await site.describe(keyArn)).toMatchObject({ state: 'PendingImport' });
    expect(await preApply('--identity', site.identityFile)).toMatchObject({ exitCode: 0 });
    expect(await site.run('drill', '--yes', '--identity', site.identityFile)).toMatchObject({ exitCode: 0 });
  });

  it('is not imported in another checkout, which has no evidence of it', async () => {
    strike('ImportKeyMaterial');
    await preApply();
    site.endpoint.faults.clear();
    const other = at('other');
    mkdirSync(other);
    copyFileSync(at('rotation.yaml'), path.join(other, 'rotation.yaml'));
    cpSync(at('custody'), path.join(other, 'custody'), { recursive: true });
    const refused = await speak(other, ['pre-apply', '--yes', '--json']);
    expect(errorOf(refused).code).toBe('custody-copy-unknown');
    expect(await preApply()).toMatchObject({ exitCode: 0 });
  });

  it('is not imported once the recipients of the rotation file are others', async () => {
    strike('ImportKeyMaterial');
    await preApply();
    site.endpoint.faults.clear();
    await site.run('keygen', '--out', 'other.txt');
    const [, recipient = ''] = /public key: (\S+)/.exec(readFileSync(at('other.txt'), 'utf8')) ?? [];
    await site.declare((await site.readRotation()).replace(/age1[a-z0-9]+/, recipient));
    expect(errorOf(await preApply()).code).toBe('custody-identity-needed');
  });
});

describe('a copy that stands in custody before the first import', () => {
  const plant = async () => {
    const other = at('attacker');
    mkdirSync(other);
    writeFileSync(path.join(other, 'rotation.yaml'), await site.readRotation());
    strike('ImportKeyMaterial');
    await speak(other, ['pre-apply', '--yes', '--json']);
    site.endpoint.faults.clear();
    mkdirSync(at('custody'), { recursive: true });
    copyFileSync(custody('v1.age', other), custody('v1.age'));
  };

  it('is refused with the identity too, as somebody may know it, and new material is generated without it', async () => {
    await plant();
    expect(errorOf(await preApply()).code).toBe('custody-copy-unknown');
    expect(errorOf(await preApply('--identity', site.identityFile)).code).toBe('custody-copy-unknown');
    expect(await site.describe(keyArn)).toMatchObject({ state: 'PendingImport' });
    rmSync(custody('v1.age'));
    expect(await preApply()).toMatchObject({ exitCode: 0 });
  });

  it('is refused in place for a second version', async () => {
    const inPlace = (versions: readonly string[]) => `${rotationText(versions, 'v1')}strategy: in-place\n`;
    await site.declare(inPlace(['v1']));
    expect(await preApply()).toMatchObject({ exitCode: 0 });
    await site.declare(inPlace(['v1', 'v2']));
    const { recipient } = await generateIdentity(at('strangers.txt'));
    const sealed = await createAgeCustodian({
      rotation: 'rotation-test',
      directory: at('custody'),
      recipients: [recipient],
    });
    using material = generateKeyMaterial();
    await (await sealed.seal('v2', material)).store();
    expect(errorOf(await preApply('--identity', site.identityFile)).code).toBe('custody-copy-unknown');
    expect(await materials()).toHaveLength(1);
  });
});

describe('the same bytes for another version', () => {
  const inPlace = (versions: readonly string[], active: string) =>
    `${rotationText(versions, active)}strategy: in-place\n`;

  it('are refused in place, where custody of v1 was copied to v2, and v1 keeps its material', async () => {
    await site.declare(inPlace(['v1'], 'v1'));
    expect(await preApply()).toMatchObject({ exitCode: 0 });
    const before = await materials();
    await site.declare(inPlace(['v1', 'v2'], 'v1'));
    copyFileSync(`${custody('v1')}.age`, `${custody('v2')}.age`);
    const sent = imports();
    expect(errorOf(await preApply('--identity', site.identityFile)).code).toBe('material-in-key');
    expect(imports() - sent).toBe(0);
    expect(await materials()).toEqual(before);
  });

  it('are refused in place from a file, by KMS itself, and nothing is renamed', async () => {
    const file = at('material.bin');
    writeFileSync(file, randomBytes(32));
    await site.declare(inPlace(['v1'], 'v1'));
    expect(await preApply('--material-file', file)).toMatchObject({ exitCode: 0 });
    const before = await materials();
    await site.declare(inPlace(['v1', 'v2'], 'v1'));
    for (const _ of [1, 2]) {
      expect(errorOf(await preApply('--material-file', file)).code).toBe('material-in-key');
      expect(await materials()).toEqual(before);
    }
    expect(imports()).toBeLessThan(6);
  });

  it('are refused for a second key, and for two that wait at once', async () => {
    const file = at('material.bin');
    writeFileSync(file, randomBytes(32));
    expect(await preApply('--material-file', file)).toMatchObject({ exitCode: 0 });
    const second = await site.declareKey('v2');
    await site.declare(rotationText(['v1', 'v2'], 'v1'));
    expect(errorOf(await preApply('--material-file', file))).toMatchObject({
      code: 'material-in-key',
      facts: { found: 'the file holds the material of v1' },
    });
    expect(await site.describe(second)).toMatchObject({ state: 'PendingImport' });
    expect(await site.describe(keyArn)).toMatchObject({ state: 'Enabled', validTo: undefined });
    await site.declareKey('v3');
    await site.declare(rotationText(['v1', 'v2', 'v3'], 'v1'));
    expect(errorOf(await preApply('--material-file', file)).code).toBe('usage');
    rmSync(file);
    writeFileSync(file, randomBytes(32));
    await site.declare(rotationText(['v1', 'v2'], 'v1'));
    expect(await preApply('--material-file', file)).toMatchObject({ exitCode: 0 });
  });
});

describe('material that somebody imported by hand, and that lies in a file', () => {
  const material = randomBytes(32);
  const file = () => at('material.bin');
  const adopt = (...args: readonly string[]) =>
    site.run('material', 'adopt', '--version', 'v1', '--material-file', file(), '--yes', '--json', ...args);

  beforeEach(async () => {
    await importMaterial(site.kms, keyArn, material, forever);
    writeFileSync(file(), material);
  });

  it('goes into custody once KMS confirmed the same bytes, and a drill proves the copy', async () => {
    const { stdout } = await adopt();
    expect(JSON.parse(stdout)).toMatchObject({ part: 'adopt', version: 'v1', keyArn, exitCode: 0 });
    const [held] = await materials();
    expect(JSON.parse(stdout).keyMaterialId).toBe(held?.id);
    expect(JSON.parse(readFileSync(custody('v1.record.json'), 'utf8'))).toMatchObject({ keyMaterialId: held?.id });
    expect(await materials()).toHaveLength(1);
    const drill = await site.run('drill', '--yes', '--identity', site.identityFile);
    expect([drill.exitCode, drill.stderr]).toEqual([0, expect.stringContaining('custody holds the material')]);
    const status = JSON.parse((await site.run('status', '--json')).stdout);
    expect(JSON.stringify(status)).not.toContain('custody-record-absent');
  });

  it('refuses other bytes, and stores nothing of them', async () => {
    writeFileSync(file(), randomBytes(32));
    expect(errorOf(await adopt()).code).toBe('kms-import-refused');
    expect([existsSync(custody('v1.age')), existsSync(custody('v1.record.json'))]).toEqual([false, false]);
  });

  it('changes nothing in a dry run, and refuses a second copy', async () => {
    const before = imports();
    expect((await adopt('--dry-run')).exitCode).toBe(0);
    expect([imports(), existsSync(custody('v1.age'))]).toEqual([before, false]);
    await adopt();
    expect(errorOf(await adopt()).message).toContain('holds a copy for v1 already');
  });

  it('refuses the file where pre-apply would not use it, and names the command that does', async () => {
    const { code, hint } = errorOf(await preApply('--material-file', file()));
    expect([code, hint]).toEqual(['usage', expect.stringContaining('npx keyturn material adopt')]);
  });
});
