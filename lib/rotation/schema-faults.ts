/** Translates what zod finds into faults of the rotation file. */
import type { z } from 'zod';
import type { FileFault } from '../errors';
import { isIdentity, nearest, shown, shownText } from './faults';
import { type FieldPath, TAG_KEY_MESSAGES } from './field-messages';
import { renamedField } from './renamed-fields';
import { rotationFileSchema } from './rotation-schema';
import { fieldsAt, messagesAt } from './schema-fields';
import type { YamlSource } from './yaml-source';

const valueAt = (value: unknown, path: FieldPath): unknown =>
  path.reduce<unknown>(
    (at, step) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, step)
        ? (at as Record<string, unknown>)[step]
        : undefined,
    value,
  );

function unknownField(source: YamlSource, parent: FieldPath, key: string): FileFault {
  const fields = fieldsAt(parent);
  const meant = renamedField(key, fields) ?? nearest(key, fields);
  return source.faultAtKey(parent, key, {
    given: `an unknown field ${shownText(key)}`,
    allowed: fields.join(', '),
    change: meant ? `did you mean ${shownText(meant)}?` : 'remove it',
  });
}

function changeFor(issue: z.core.$ZodIssue, given: unknown, path: FieldPath, otherwise: string): string {
  if (path.length === 0) return 'copy the sample rotation.yaml and edit it';
  if (given === undefined) return `add "${String(path.at(-1) ?? '')}: …"`;
  if (typeof given === 'string' && isIdentity(given))
    return 'remove it, treat this identity as leaked, and create a new one';
  if (given === null) return 'give it a value, or remove the field';
  if (issue.code === 'invalid_value' && typeof given === 'string') {
    const meant = nearest(given, issue.values.map(String));
    if (meant) return `did you mean ${shownText(meant)}?`;
  }
  return otherwise;
}

function faultsOf(source: YamlSource, value: unknown, issue: z.core.$ZodIssue): FileFault[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField(source, path, key));
  if (issue.code === 'invalid_key') {
    const key = String(path.at(-1));
    return [source.faultAtKey(path.slice(0, -1), key, { given: `the tag ${shownText(key)}`, ...TAG_KEY_MESSAGES })];
  }
  const given = valueAt(value, path);
  const { allowed, change } = messagesAt(path);
  return [source.faultAt(path, { given: shown(given), allowed, change: changeFor(issue, given, path, change) })];
}

/** The parsed file, or the faults of its fields. */
export function checkSchema(source: YamlSource, value: unknown) {
  const result = rotationFileSchema.safeParse(value);
  return result.success
    ? { data: result.data, faults: [] }
    : { data: undefined, faults: result.error.issues.flatMap((issue) => faultsOf(source, value, issue)) };
}
