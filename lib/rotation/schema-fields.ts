/** The fields of a rotation file by path, and their fault messages. */
import { z } from 'zod';
import { type FieldMessages, type FieldPath, fieldMessages } from './field-messages';
import { rotationFileSchema } from './rotation-schema';

const unwrap = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? unwrap(schema.unwrap())
    : schema;

/** The schema of a field, or undefined if the file has no such field. */
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

/** Names of the fields of an object; empty if the path is not an object. */
export function fieldsAt(path: FieldPath): readonly string[] {
  const found = schemaAt(path);
  const inner = found && unwrap(found);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The fault message of this path; a mapping without a message of its own lists its fields. */
export function messagesAt(path: FieldPath): FieldMessages {
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
