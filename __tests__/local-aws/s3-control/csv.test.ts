import fc from 'fast-check';
import { decodeListedKey, encodeListedKey, parseCsv, plainCsv, quotedCsv } from '../../../local-aws/s3-control/run/csv';

const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'ü') });
const rows = fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 5 });

it.each([
  ['quoted', quotedCsv],
  ['plain', plainCsv],
])('reads back every row that was written %s', (_, write) => {
  fc.assert(
    fc.property(rows, (written) => {
      expect(parseCsv(written.map((row) => `${write(row)}\n`).join(''))).toEqual(written);
    }),
  );
});

it('takes lines that end in CR LF, and a last line without an end', () => {
  expect(parseCsv('a,b\r\n"c","d"\r\ne,')).toEqual([
    ['a', 'b'],
    ['c', 'd'],
    ['e', ''],
  ]);
});

it.each(['"open', 'a"b', '"a"b,c'])('refuses %s', (text) => {
  expect(parseCsv(text)).toBeUndefined();
});

it('reads back every key, and a plus sign as the space it is in form encoding', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (key) => {
      expect(encodeListedKey(key)).toMatch(/^[\w.*\-/+%]*$/);
      expect(decodeListedKey(encodeListedKey(key))).toBe(key);
    }),
  );
  expect(decodeListedKey('a+b%2Bc%20d')).toBe('a b+c d');
  expect(decodeListedKey('%zz')).toBeUndefined();
});
