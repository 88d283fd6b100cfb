import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { canonicalJson } from '../../../lib/evidence/canonical';

/** Plain data in the same shape with the members of every object in another order. */
const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, member] of Object.entries(value).reverse()) copy[key] = shuffled(member);
  return copy;
};

describe('canonicalJson', () => {
  it('writes the numbers, strings and order of RFC 8785', () => {
    // The sample of RFC 8785, section 3.2.2, and the sort order of section 3.2.3.
    const value = {
      numbers: [JSON.parse('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
    const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
    expect(canonicalJson(keys).match(/:(\d)/g)?.join('')).toBe(':2:4:6:7:1:5:3');
  });

  it('is one text for one value, whatever the order of its members, and reads back to that value', () =>
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(shuffled(value))).toBe(text);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    ));

  it('leaves out what is undefined, and writes a date as its ISO text', () => {
    expect(canonicalJson({ b: undefined, a: new Date(0) })).toBe('{"a":"1970-01-01T00:00:00.000Z"}');
  });

  it('keeps members that have the names that objects reserve', () => {
    expect(canonicalJson(JSON.parse('{"__proto__":{"a":1},"constructor":2}'))).toBe(
      '{"__proto__":{"a":1},"constructor":2}',
    );
  });

  const circle: Record<string, unknown> = {};
  circle.self = circle;

  it.each<[string, unknown]>([
    ['a Buffer', Buffer.from('secret')],
    ['a typed array', new Uint32Array(2)],
    ['an array buffer', new ArrayBuffer(2)],
    ['a data view', new DataView(new ArrayBuffer(2))],
    ['a key object', createSecretKey(Buffer.alloc(32))],
    ['an error', new Error('x')],
    ['a map', new Map()],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a bigint', 1n],
    ['NaN', Number.NaN],
    ['a date that is none', new Date(Number.NaN)],
    ['undefined in a list', [undefined]],
    ['a circular structure', circle],
  ])('refuses %s, and names the place, not the value', (_name, value) => {
    expect(() => canonicalJson({ list: [{ deep: value }] })).toThrow(TypeError);
    expect(() => canonicalJson({ list: [{ deep: value }] })).toThrow('$.list[0].deep');
  });

  it('refuses an age identity and a PEM private key inside any text, and does not repeat them', async () => {
    const { generateX25519Identity } = await import('age-encryption');
    const identity = await generateX25519Identity();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    for (const secret of [identity, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()]) {
      expect(() => canonicalJson({ note: `see ${secret}` })).toThrow('a private key (at $.note)');
      expect(() => canonicalJson({ [secret]: 1 })).toThrow('a private key (at $)');
    }
  });
});
