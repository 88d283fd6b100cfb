import fc from 'fast-check';

import { csvRecords } from '../../../lib/batch/csv';
import { decodeKey, encodeKey, manifestRow } from '../../../lib/batch/manifest-row';

/** Bytes of percent form, decoded without any of the functions under test. */
function independentlyDecoded(text: string, plusIsSpace: boolean): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '%') {
      bytes.push(Number.parseInt(text.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      bytes.push(plusIsSpace && text[at] === '+' ? 0x20 : text.charCodeAt(at));
    }
  }
  return Buffer.from(bytes).toString('utf8');
}

const wellFormed = (text: string): string => Buffer.from(text).toString();

const key = fc
  .array(
    fc.oneof(
      fc.constantFrom('\n', '\r', '"', ',', '%', '+', ' ', '/', "'", '(', '*', '😀', 'é', '%2F'),
      fc.string({ unit: 'binary' }),
    ),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((parts) => wellFormed(parts.join('')));

async function* chunked(text: string, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 7): Promise<readonly (readonly string[])[]> {
  const records: (readonly string[])[] = [];
  for await (const record of csvRecords(chunked(text, size))) records.push(record);
  return records;
}

describe('rows of a manifest', () => {
  test('are decoded to the same key, whether or not a plus is a space', () => {
    fc.assert(
      fc.property(key, (one) => {
        const encoded = encodeKey(one);
        expect(encoded).toMatch(/^[A-Za-z0-9\-_.~/%]*$/);
        expect(independentlyDecoded(encoded, false)).toBe(one);
        expect(independentlyDecoded(encoded, true)).toBe(one);
        expect(decodeKey(encoded)).toEqual([one]);
      }),
    );
  });

  test('are lines of three fields, whatever the key', () => {
    fc.assert(
      fc.property(key, (one) => {
        const row = manifestRow('bucket', one, 'null');
        expect(row.split(',')).toHaveLength(3);
        expect(row.indexOf('\n')).toBe(row.length - 1);
      }),
    );
  });

  test('have no version id where the bucket has none', () => {
    expect(manifestRow('bucket', 'a b', undefined)).toBe('bucket,a%20b\n');
  });
});

describe('keys of a report', () => {
  test('are both keys that a plus may stand for', () => {
    expect(decodeKey('a+b%2Bc')).toEqual(['a b+c', 'a+b+c']);
  });

  test('fails when they are not percent-encoded', () => {
    expect(() => decodeKey('100%')).toThrow(RangeError);
  });
});

describe('records of a CSV', () => {
  const field = fc
    .oneof(fc.constantFrom('', '"', ',', '\n', '\r\n', 'a"b', 'é'), fc.string({ unit: 'binary' }))
    .map(wellFormed);
  const written = (one: string) => (/[",\n\r]/.test(one) ? `"${one.replaceAll('"', '""')}"` : one);

  test('are those that were written, in chunks of any size', async () => {
    const records = fc.array(fc.array(field, { minLength: 2, maxLength: 5 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        records,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('\n', '\r\n'),
        async (given, size, end) => {
          const text = given.map((record) => record.map(written).join(',') + end).join('');
          expect(await read(text, size)).toEqual(given);
        },
      ),
    );
  });

  test('end without a line end', async () => {
    expect(await read('a,b\nc,"d"')).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('fails when they end inside quotes', async () => {
    await expect(read('a,"b')).rejects.toThrow('inside quotes');
  });

  test('fails when they are no UTF-8', async () => {
    const bytes = (async function* () {
      yield Buffer.from([0x61, 0xff, 0x0a]);
    })();
    await expect(csvRecords(bytes).next()).rejects.toThrow(RangeError);
  });
});
