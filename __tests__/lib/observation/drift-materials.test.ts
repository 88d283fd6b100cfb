import type { KeyMaterialEntry } from '../../../lib/kms/key-materials';
import { materialFindings } from '../../../lib/observation/drift-materials';
import type { ObservedMaterials } from '../../../lib/observation/observed-materials';
import { parseRotation } from '../../../lib/rotation/rotation-file';
import { custodySeen, withoutCopies } from '../../support/custody-seen';

const NOW = new Date('2026-11-24T12:00:00Z');
const DAY = 86_400_000;
const KEY = 'arn:aws:kms:ap-northeast-1:111122223333:key/one';

const material = (more: Partial<KeyMaterialEntry>): KeyMaterialEntry => ({
  id: 'f'.repeat(64),
  state: 'NON_CURRENT',
  imported: true,
  description: undefined,
  validTo: undefined,
  rotatedAt: undefined,
  ...more,
});

interface World {
  readonly v1?: Partial<KeyMaterialEntry>;
  readonly v2?: Partial<KeyMaterialEntry>;
  readonly others?: readonly Partial<KeyMaterialEntry>[];
  readonly rotations?: number;
  readonly custody?: readonly string[];
}

/** A key that encrypts with v2 and decrypts with v1, and what differs from it. */
async function findings({ v1 = {}, v2 = {}, others = [], rotations = 1, custody = ['v1', 'v2'] }: World) {
  const text = `name: photos
region: ap-northeast-1
alias: alias/photos
strategy: in-place
keyVersions: [{ name: v1 }, { name: v2 }]
activeVersion: v2
buckets: [{ name: photos-originals, manage: bucket }]
`;
  const rotation = await parseRotation(text, '/r/rotation.yaml', { now: NOW });
  const own = [material(v1), material({ state: 'CURRENT', ...v2 })];
  const materials: ObservedMaterials = {
    key: {
      arn: KEY,
      id: 'one',
      state: 'Enabled',
      origin: 'EXTERNAL',
      enabled: true,
      expirationModel: undefined,
      validTo: undefined,
      currentKeyMaterialId: undefined,
      creationDate: undefined,
      deletionDate: undefined,
      relatedKeys: undefined,
    },
    versions: rotation.keyVersions.map((version, index) => ({ version, material: own[index] })),
    others: others.map(material),
    rotations,
  };
  return materialFindings({
    rotation,
    now: NOW,
    seen: { versions: [], aliasTarget: KEY, buckets: [] },
    custody: withoutCopies(
      custodySeen(custody, NOW, () => KEY),
      ['v1', 'v2'].filter((name) => !custody.includes(name)),
    ),
    custodyWasHere: true,
    drilled: new Map(),
    refused: new Set(),
    madeCopies: new Set(),
    verifiedAt: undefined,
    left: undefined,
    verdicts: [],
    materials,
  });
}

const shown = async (world: World) => (await findings(world)).map(({ level, code }) => `${level} ${code}`);

it('finds nothing where every material is there for good', async () => {
  expect(await shown({})).toEqual([]);
});

it.each([
  ['an earlier material is lost', { v1: { imported: false } }, ['outage material-expired']],
  ['the current one is lost', { v2: { imported: false } }, ['outage material-expired']],
  ['one that waits is lost', { v2: { imported: false, state: 'PENDING_ROTATION' } }, ['act material-expired']],
  ['somebody else’s waits', { others: [{ state: 'PENDING_ROTATION' }] }, ['act material-foreign']],
  ['somebody else’s is current', { others: [{ state: 'CURRENT' }] }, ['act material-foreign']],
  ['somebody else’s only decrypts', { others: [{}] }, ['note material-foreign']],
  ['somebody else’s is lost', { others: [{ imported: false }] }, ['outage material-foreign']],
  ['23 rotations are used', { rotations: 23 }, []],
  ['24 rotations are used', { rotations: 24 }, ['act rotations-nearly-used']],
  ['all rotations are used', { rotations: 25 }, ['act rotations-nearly-used']],
])('says when %s', async (_, world, expected) => {
  expect(await shown(world)).toEqual(expected);
});

it('states the dead end where custody has no copy of lost material', async () => {
  const [found] = await findings({ v1: { imported: false }, custody: ['v2'] });
  expect(found?.fix).toContain('custody here has no copy of v1');
});

it('names the version and its own date when an earlier material expires', async () => {
  const validTo = new Date(NOW.getTime() + 5 * DAY);
  const [expiring, date] = await findings({ v1: { validTo } });
  expect(expiring).toMatchObject({ code: 'material-expiring', text: expect.stringContaining('the material of v1') });
  expect(date).toMatchObject({ code: 'material-date-differs' });
});
