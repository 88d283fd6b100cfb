import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { rotationJsonSchema, rotationJsonSchemaText } from '../../../lib/rotation/json-schema';
import { rotationFileSchema } from '../../../lib/rotation/rotation-schema';
import { minimal } from './rotation-texts';

const committed = () => readFile('rotation.schema.json', 'utf8');

/** A validator built from the published JSON Schema alone. */
const validator = () => z.fromJSONSchema(rotationJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);

describe('rotation.schema.json', () => {
  it('is what the parser’s schema says today (npm run schema)', async () => {
    expect(await committed()).toBe(rotationJsonSchemaText());
  });

  it('accepts the sample', async () => {
    expect(validator().safeParse(parse(await readFile('rotation.yaml', 'utf8'))).success).toBe(true);
  });

  it('says what every field is for', () => {
    const bare: string[] = [];
    const walk = (node: unknown, place: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties = {}, items } = node as {
        properties?: Record<string, { description?: string }>;
        items?: unknown;
      };
      for (const [name, property] of Object.entries(properties)) {
        if (!property.description) bare.push(`${place}.${name}`);
        walk(property, `${place}.${name}`);
      }
      walk(items, `${place}[]`);
    };
    walk(rotationJsonSchema(), '$');
    expect(bare).toEqual([]);
  });

  it('has a row for every field in docs/rotation-file.md', async () => {
    const text = await readFile('docs/rotation-file.md', 'utf8');
    const table = /^## Fields$(.*?)^## /ms.exec(text)?.[1] ?? '';
    const rows = table.match(/(?<=^\| `)[^`]+/gm) ?? [];
    const fields: string[] = [];
    const walk = (node: unknown, place: string): void => {
      const { properties = {}, items } = node as { properties?: Record<string, unknown>; items?: object };
      for (const [name, property] of Object.entries(properties)) {
        fields.push(place + name);
        walk(property, `${place}${name}.`);
      }
      if (items) walk(items, `${place.slice(0, -1)}[].`);
    };
    walk(rotationJsonSchema(), '');
    expect(rows).toEqual(fields);
  });

  it.each([
    ['an unknown field', { colour: 'red' }],
    ['an alias that AWS keeps', { alias: 'alias/aws/s3' }],
    ['a China Region', { region: 'cn-north-1' }],
    ['no key version', { keyVersions: [] }],
    ['a version name in capitals', { keyVersions: [{ name: 'V1' }] }],
    ['a bucket name with two dots', { buckets: [{ name: 'a..b', manage: 'bucket' }] }],
    ['an unknown way to manage', { buckets: [{ name: 'abc', manage: 'all' }] }],
    ['a deletion window of 5 days', { deletionWindowDays: 5 }],
    ['a local time', { keyVersions: [{ name: 'v1', materialValidTo: '2027-11-01T00:00:00+09:00' }] }],
    ['a reserved tag', { tags: { 'aws:x': 'y' } }],
  ])('refuses %s, as the parser does', (_name, change) => {
    const value = { ...minimal(), ...change };
    expect(rotationFileSchema.safeParse(value).success).toBe(false);
    expect(validator().safeParse(value).success).toBe(false);
  });

  it.each([
    ['the fewest fields', {}],
    ['an account in quotes', { account: '012345678901' }],
    ['an s3 backend', { terraform: { backend: 's3', s3: { bucket: 'state-bucket' } } }],
    ['tags', { tags: { team: 'storage', 'cost centre': '' } }],
    [
      'an adopted key',
      {
        keyVersions: [
          { name: 'old', keyArn: 'arn:aws:kms:ap-northeast-1:111122223333:key/12345678-1234-1234-1234-123456789012' },
        ],
      },
    ],
  ])('accepts %s, as the parser does', (_name, change) => {
    const value = { ...minimal(), ...change };
    expect(rotationFileSchema.safeParse(value).success).toBe(true);
    expect(validator().safeParse(value).success).toBe(true);
  });

  it('takes an account without quotes, which an editor reads as a number', () => {
    expect(validator().safeParse({ ...minimal(), account: 12345678901 }).success).toBe(true);
    expect(validator().safeParse({ ...minimal(), account: 1234567890123 }).success).toBe(false);
  });
});
