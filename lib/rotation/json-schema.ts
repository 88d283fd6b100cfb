/**
 * The JSON Schema of the rotation file, for editors: generated from the parser's schema, without the rules across
 * fields.
 */
import { z } from 'zod';
import { rotationFileSchema } from './rotation-schema';

/** An editor's YAML reader sees an unquoted account id as a number; the parser reads its digits as written. */
const accountAsNumber = { type: 'integer', minimum: 0, maximum: 999_999_999_999 };

/** The schema as data, draft 2020-12. */
export function rotationJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(rotationFileSchema, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ zodSchema, jsonSchema }) => {
      // Not every validator supports \p{…}: the parser alone checks the characters of tags; the schema checks their
      // length.
      if (jsonSchema.pattern) jsonSchema.pattern = jsonSchema.pattern.replace(/\[\\p[^\]]*\]/, '.');
      if (zodSchema !== rotationFileSchema.shape.account) return;
      const { type, pattern, description } = jsonSchema;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, { description, anyOf: [{ type, pattern }, accountAsNumber] });
    },
  });
  const { $schema, ...rest } = schema;
  return {
    $schema,
    title: 'Keyturn rotation file',
    description:
      'The file that a person edits to rotate the KMS keys under S3 buckets. The parser also checks rules across fields.',
    ...rest,
  };
}

/** The text of `rotation.schema.json`, with short lists on one line as the formatter of this repository has them. */
export function rotationJsonSchemaText(): string {
  const text = JSON.stringify(rotationJsonSchema(), undefined, 2);
  return `${text.replace(/\[\n\s+("[^[\]{}]*?")\n\s+\]/g, (_, items: string) => `[${items.replace(/,\n\s+/g, ', ')}]`)}\n`;
}
