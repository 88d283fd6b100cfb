/** The fields of a rotation file by their path: which there are, and what a fault at one of them says. */
import { z } from 'zod';
import { type FieldMessages, type FieldPath, fieldMessages } from './field-messages';
import { rotationFileSchema } from './rotation-schema';

const unwrap = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? unwrap(schema.unwrap())
    : schema;

/** The schema of a field, or undefined where the file has no such field. */
function schemaAt(path: FieldPath): z.core.$ZodType | undefined {
  let at: z.core.$ZodType | undefined = rotationFileSchema;
  for (const step of path) {
    const inner: z.core.$ZodType | undefined = at && unwrap(at);
    if (inner instanceof z.ZodObject) at = Object.hasOwn(inner.shape, step) ? inner.shape[step] : undefined;
    else if (inner instanceof z.ZodArray) at = inner.element;
    else if (inner instanceof z.ZodRecord) at = inner.valueType;
    else return undefined;
  }
  return at;
}

/** Names of the fields an object of the file may have; empty where the path is no object. */
export function fieldsAt(path: FieldPath): readonly string[] {
  const found = schemaAt(path);
  const inner = found && unwrap(found);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** What a fault at this path says; a mapping without words of its own names its fields. */
export function wordsAt(path: FieldPath): FieldMessages {
  for (let at = schemaAt(path); at; ) {
    const found = fieldMessages.get(at as z.ZodType);
    if (found) return found;
    const next = unwrap(at);
    if (next === at) break;
    at = next;
  }
  const fields = fieldsAt(path);
  return { allowed: `a mapping with the fields ${fields.join(', ')}`, change: 'write "field: value" lines under it' };
}
