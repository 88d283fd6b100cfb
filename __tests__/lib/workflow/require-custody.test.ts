import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type AwsClients, createClients } from '../../../lib/aws/clients';
import { createAgeCustodian } from '../../../lib/key-material/custody/age-custodian';
import { loadRotation } from '../../../lib/rotation/rotation-file';
import { openCustodian } from '../../../lib/workflow/material/open-custodian';
import type { TerraformRun } from '../../../lib/workflow/rotation-run';
import { switchActive } from '../../../lib/workflow/switch-active';
import { importMaterial } from '../../conformance/byok';
import { type CustodySite, openCustodySite } from '../../support/custody-site';
import { rotationText } from '../../support/keyturn-process';

/** Who asks custody before a version becomes active, and before an earlier one retires. */
jest.setTimeout(60_000);

let site: CustodySite;
let clients: AwsClients;
let keyArn: string;
beforeEach(async () => {
  site = await openCustodySite();
  keyArn = await site.declareKey('v1');
  await site.declare(rotationText(['v1'], 'v1'));
  clients = createClients({ region: site.endpoint.region, env: process.env });
});
afterEach(async () => {
  clients.destroy();
  await site.close();
});

/** The switch of this rotation, with a plan that changes something; says what was applied and what was recorded. */
async function openRun() {
  const rotation = await loadRotation(path.join(site.directory, 'rotation.yaml'), { now: new Date() });
  const applied: string[] = [];
  const recorded: unknown[] = [];
  const { signal } = new AbortController();
  const run: TerraformRun = {
    rotation,
    clients,
    identity: { account: site.endpoint.accountId, arn: '', userId: '' },
    signal,
    dryRun: false,
    custodian: openCustodian(rotation, { noCustody: false, env: process.env, signal }),
    approve: async () => undefined,
    evidence: {
      file: undefined,
      record: async (type, step, data) => {
        if (type === 'custody') recorded.push({ step, ...data });
      },
    },
    reporter: {
      heading: () => undefined,
      note: () => undefined,
      warn: () => undefined,
      block: () => undefined,
      progress: () => undefined,
    },
    workspace: {
      plan: async (stack) => ({
        stack,
        planFile: '',
        changes: true,
        text: '',
        summary: { resources: [], outputs: [] },
        tools: { terraform: '', awsProvider: undefined },
      }),
      apply: async ({ stack }) => {
        applied.push(stack);
      },
      declared: async () => [],
      managed: async () => new Set(),
    },
  };
  return { run, applied, recorded };
}

async function switchNow() {
  const { run, applied, recorded } = await openRun();
  const error = await switchActive.run(run, {}).then(
    () => undefined,
    (thrown: { code: string; facts: { found: string } }) => thrown,
  );
  return { applied, recorded, code: error?.code, found: error?.facts.found };
}

const preApply = (...more: readonly string[]) => site.run('pre-apply', '--yes', ...more);
const custody = (name: string) => path.join(site.directory, 'custody', `rotation-test-${name}`);
const evidence = () => path.join(site.directory, '.keyturn', 'evidence');
const byStranger = () =>
  importMaterial(site.kms, keyArn, randomBytes(32), { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' });

describe('the switch to a version', () => {
  it('goes on with the record of this material and its copy, and records what showed it', async () => {
    await preApply();
    const { applied, recorded } = await switchNow();
    expect(applied).toEqual(['storage']);
    expect(recorded).toEqual([expect.objectContaining({ step: 'switch', version: 'v1', proven: true, by: 'record' })]);
  });

  it('goes on with the evidence of the import alone, as on a runner', async () => {
    await preApply();
    renameSync(path.join(site.directory, 'custody'), path.join(site.directory, 'moved'));
    expect((await switchNow()).recorded).toEqual([expect.objectContaining({ by: 'evidence' })]);
  });

  it('refuses a copy without a record unless it is the one that the evidence names, until a drill proves it', async () => {
    await preApply();
    rmSync(`${custody('v1')}.record.json`);
    expect((await switchNow()).recorded).toEqual([expect.objectContaining({ by: 'evidence' })]);
    const copy = readFileSync(`${custody('v1')}.age`);
    rmSync(`${custody('v1')}.age`);
    expect(await switchNow()).toMatchObject({
      code: 'custody-not-proven',
      found: expect.stringContaining('no record'),
    });
    // The same bytes, sealed by somebody for whomever.
    const recipients = [/age1[a-z0-9]+/.exec(await site.readRotation())?.[0] ?? ''];
    const directory = path.join(site.directory, 'custody');
    const custodian = await createAgeCustodian({ rotation: 'rotation-test', directory, recipients });
    writeFileSync(`${custody('v1')}.age`, copy);
    {
      using material = await custodian.open('v1', keyArn, site.identityFile);
      await custodian.reseal?.('v1', material);
    }
    const refused = await switchNow();
    expect(refused).toMatchObject({ applied: [], code: 'custody-not-proven' });
    expect(refused.found).toContain('no custody record is of the copy at');
    const drill = (...more: readonly string[]) => site.run('drill', '--yes', '--identity', site.identityFile, ...more);
    const sealedFor = () => JSON.parse(readFileSync(`${custody('v1')}.record.json`, 'utf8')).custody.recipients;
    expect((await drill()).exitCode).toBe(0);
    expect((await switchNow()).recorded).toEqual([expect.objectContaining({ by: 'record' })]);
    // Whom somebody else sealed it for is not known.
    expect(sealedFor()).toEqual([]);
    expect((await drill('--reseal')).exitCode).toBe(0);
    expect(sealedFor()).toEqual(recipients);
    // Of the copy that a run made, evidence knows it.
    rmSync(`${custody('v1')}.record.json`);
    writeFileSync(`${custody('v1')}.age`, copy);
    expect((await drill()).exitCode).toBe(0);
    expect(sealedFor()).toEqual(recipients);
  });

  it('refuses material that somebody else imported', async () => {
    await byStranger();
    expect(await switchNow()).toMatchObject({ applied: [], code: 'custody-not-proven' });
  });

  it("refuses a stranger's material beside a copy of our own, and a record of other material", async () => {
    await preApply();
    const record = JSON.parse(readFileSync(`${custody('v1')}.record.json`, 'utf8'));
    writeFileSync(`${custody('v1')}.record.json`, JSON.stringify({ ...record, keyMaterialId: 'a'.repeat(64) }));
    const refused = await switchNow();
    expect(refused).toMatchObject({ applied: [], code: 'custody-not-proven' });
    expect(refused.found).toContain('its custody record is of material aaaaaaaaaaaa');
  });

  it('refuses when the copy was deleted before', async () => {
    await preApply();
    rmSync(`${custody('v1')}.age`);
    const refused = await switchNow();
    expect(refused).toMatchObject({ applied: [], code: 'custody-not-proven' });
    expect(refused.found).toContain('is gone');
  });

  it('refuses when the copy is not the one that its record is of, and goes on with a record that names none', async () => {
    await preApply();
    const copy = readFileSync(`${custody('v1')}.age`);
    writeFileSync(`${custody('v1')}.age`, Buffer.concat([copy.subarray(0, -48), randomBytes(48)]));
    const refused = await switchNow();
    expect(refused).toMatchObject({ applied: [], code: 'custody-not-proven' });
    expect(refused.found).toContain('is not the copy that the custody record of v1 is of');
    const text = readFileSync(`${custody('v1')}.record.json`, 'utf8');
    writeFileSync(`${custody('v1')}.record.json`, text.replace(/ *"binding": .*\n/, ''));
    expect((await switchNow()).recorded).toEqual([
      expect.objectContaining({ by: 'record', text: expect.stringContaining('names no copy') }),
    ]);
  });

  it('refuses when neither custody nor evidence is here, and evidence with a changed byte says nothing', async () => {
    await preApply();
    rmSync(path.join(site.directory, 'custody'), { recursive: true });
    const [file = ''] = readdirSync(evidence()).filter((name) => name.endsWith('.ndjson'));
    const text = readFileSync(path.join(evidence(), file), 'utf8');
    writeFileSync(path.join(evidence(), file), text.replace('"kind":"age"', '"kind":"agf"'));
    expect(await switchNow()).toMatchObject({ applied: [], code: 'custody-not-proven' });
    rmSync(evidence(), { recursive: true });
    expect(await switchNow()).toMatchObject({ applied: [], code: 'custody-not-proven' });
  });

  it('accepts --no-custody, which stands in the evidence, and a waiver, whose reason does', async () => {
    await preApply('--no-custody');
    expect((await switchNow()).recorded).toEqual([expect.objectContaining({ by: 'no-custody' })]);
    rmSync(evidence(), { recursive: true });
    const text = await site.readRotation();
    await site.declare(text.replace('- name: v1\n', '- name: v1\n    custodyWaiver: objects live for a day\n'));
    const { applied, recorded } = await switchNow();
    expect(applied).toEqual(['storage']);
    expect(JSON.stringify(recorded)).toContain('objects live for a day');
  });
});
