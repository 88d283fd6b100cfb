import { activeVersion, stackNames, supersededVersions, versionAlias } from '../../../lib/rotation/rotation';
import { parse, textWith } from './rotation-texts';

const three = (active: string) =>
  parse(textWith({ keyVersions: [{ name: 'v1' }, { name: 'v2' }, { name: 'v3' }], activeVersion: active }));

describe('the nouns of a rotation', () => {
  it('name two stacks and one alias a version', async () => {
    const rotation = await three('v2');
    expect(stackNames(rotation)).toEqual({ keys: 'test-keys', storage: 'test-storage' });
    expect(rotation.keyVersions.map((version) => versionAlias(rotation, version))).toEqual([
      'alias/test/v1',
      'alias/test/v2',
      'alias/test/v3',
    ]);
  });

  it.each([
    ['v1', []],
    ['v2', ['v1']],
    ['v3', ['v1', 'v2']],
  ])('with %s active, supersede %j and nothing that comes after', async (active, superseded) => {
    const rotation = await three(active);
    expect(activeVersion(rotation).name).toBe(active);
    expect(supersededVersions(rotation).map((version) => version.name)).toEqual(superseded);
  });

  it('fail when a rotation that no file was parsed to names a version it does not declare', async () => {
    expect(() => activeVersion({ keyVersions: [], activeVersion: 'v1' } as never)).toThrow(RangeError);
  });
});
