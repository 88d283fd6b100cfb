import fc from 'fast-check';
import { compareKeys, KeyIndex } from '../../../../local-aws/s3/state/key-index';
import { plainVersion } from '../fixture';

const key = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.string({ unit: fc.constantFrom('a', '/', '\u{e000}', '\u{1f511}'), minLength: 1 }),
);
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const order = (index: KeyIndex, from: (key: string) => boolean = () => true) =>
  [...index.from(from)].map((entry) => entry.key);

test('keys compare as their UTF-8 bytes do', () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(byBytes(a, b));
    }),
  );
});

test('whatever is put and removed, the order is that of a sorted list, from any place in it', () => {
  const step = fc.record({ key, remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), key, (steps, start) => {
      const index = new KeyIndex();
      const model = new Set<string>();
      for (const { key: name, remove } of steps) {
        const entry = index.get(name);
        if (remove && entry !== undefined) {
          for (const version of [...entry.versions]) index.remove(entry, version);
          model.delete(name);
        } else {
          index.push(name, plainVersion());
          model.add(name);
        }
      }
      const sorted = [...model].sort(byBytes);
      expect(order(index)).toEqual(sorted);
      expect(index.size).toBe(model.size);
      const expected = sorted.filter((name) => byBytes(name, start) >= 0);
      expect(order(index, (name) => compareKeys(name, start) >= 0)).toEqual(expected);
    }),
  );
});

test.each([
  ['in order', (at: number) => at],
  ['backwards', (at: number) => -at],
  ['scattered', (at: number) => Math.imul(at, 2_654_435_761)],
])('thousands of keys that come %s fill many chunks and stay in order', (_how, place) => {
  const index = new KeyIndex();
  const names = Array.from({ length: 5000 }, (_unused, at) => `k${(place(at) >>> 0).toString().padStart(12, '0')}`);
  for (const name of names) index.push(name, plainVersion());
  expect(order(index)).toEqual(names.toSorted());
  for (const name of names.slice(0, 4000)) {
    const entry = index.get(name);
    if (entry?.versions[0] !== undefined) index.remove(entry, entry.versions[0]);
  }
  expect(order(index)).toEqual(names.slice(4000).toSorted());
});

test('a key leaves the index with its last version only', () => {
  const index = new KeyIndex();
  const [first, second] = [plainVersion(), plainVersion()];
  index.push('a', first);
  index.push('a', second);
  const entry = index.get('a');
  if (entry === undefined) throw new Error('not indexed');
  index.remove(entry, first);
  expect(index.get('a')?.versions).toEqual([second]);
  index.remove(entry, second);
  expect([index.get('a'), index.size]).toEqual([undefined, 0]);
});
