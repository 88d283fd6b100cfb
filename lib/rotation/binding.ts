/** The binding: `rotation.lock.json` beside the rotation file, which says what each version name stands for in KMS. */
import { lstat, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { KeyturnError } from '../errors';
import { bindingFaults } from './binding-faults';
import type { BoundVersion, Rotation } from './rotation';
import { KEY_ARN } from './schema-parts';

/** Version of the form of the file. */
const FORMAT_VERSION = 1;

const HEX_64 = z.string().regex(/^[0-9a-f]{64}$/);

const FILE = z.strictObject({
  formatVersion: z.literal(FORMAT_VERSION),
  rotation: z.string(),
  versions: z.array(
    z.strictObject({
      name: z.string(),
      keyArn: z.string().regex(KEY_ARN),
      keyMaterialId: HEX_64.nullable(),
      materialValidTo: z.iso.datetime().nullable(),
      recipients: z.array(z.string().regex(/^age1[0-9a-z]+$/)),
      custodyRecordSha256: HEX_64.nullable(),
    }),
  ),
});

/** `rotation.lock.json` of `rotation.yaml`: the name without `.yaml` or `.yml`, and `.lock.json`. */
export function bindingPath(rotationFile: string): string {
  const { dir, base } = path.parse(rotationFile);
  return path.join(dir, `${base.replace(/\.ya?ml$/i, '')}.lock.json`);
}

/**
 * The text of the binding beside a rotation file; undefined: there is none.
 *
 * @throws KeyturnError `binding-invalid` where it cannot be read
 */
export async function readBindingText(rotationFile: string): Promise<string | undefined> {
  const file = bindingPath(rotationFile);
  try {
    // What a link leads to can change without any commit, and after the review.
    if ((await lstat(file)).isSymbolicLink()) throw new Error('it is a link');
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new KeyturnError('binding-invalid', { file, faults: [`it cannot be read: ${code ?? message}`] }, error);
  }
}

/**
 * The rotation with what a binding says of its versions.
 *
 * @param text - undefined: there is no binding
 * @param file - as errors name it
 * @throws KeyturnError `binding-invalid`, with every fault
 */
export function withBinding(rotation: Rotation, text: string | undefined, file: string): Rotation {
  if (text === undefined) return rotation;
  const refused = (faults: readonly string[], cause?: unknown): KeyturnError =>
    new KeyturnError('binding-invalid', { file, faults }, cause);
  const conflict = conflictLine(text);
  if (conflict !== undefined) throw refused([`it holds an unresolved merge conflict in line ${conflict}`]);
  const parsed = FILE.safeParse(parsedJson(text, refused));
  if (!parsed.success) throw refused(parsed.error.issues.map(issueText), parsed.error);
  const { rotation: name, versions } = parsed.data;
  const faults = [
    ...(name === rotation.name ? [] : [`it is of rotation ${name}, the rotation file of ${rotation.name}`]),
    ...bindingFaults(rotation, versions),
  ];
  if (faults.length > 0) throw refused(faults);
  // A member that stands twice, or in another order, would read differently elsewhere.
  if (bare(text) !== bare(bindingText(name, versions)))
    throw refused(['its members are in another order, or one stands twice']);
  return { ...rotation, binding: versions };
}

/** The text of a binding: one member a line, in one order, so that a diff shows what changed and nothing else. */
export function bindingText(rotation: string, versions: readonly BoundVersion[]): string {
  const ordered = versions.map(
    ({ name, keyArn, keyMaterialId, materialValidTo, recipients, custodyRecordSha256 }): BoundVersion => ({
      name,
      keyArn,
      keyMaterialId,
      materialValidTo,
      recipients,
      custodyRecordSha256,
    }),
  );
  return `${JSON.stringify({ formatVersion: FORMAT_VERSION, rotation, versions: ordered }, null, 2)}\n`;
}

/** No value of a binding has white space in it. */
const bare = (text: string): string => text.replaceAll(/\s/g, '');

function conflictLine(text: string): number | undefined {
  const line = text.split('\n').findIndex((one) => /^(<{7}|\|{7}|={7}|>{7})/.test(one));
  return line < 0 ? undefined : line + 1;
}

function parsedJson(text: string, refused: (faults: readonly string[], cause: unknown) => KeyturnError): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refused(['it is no JSON'], error);
  }
}

function issueText({ path: at, code, message, ...more }: z.core.$ZodIssue): string {
  const where = at.length === 0 ? 'the whole' : at.map(String).join('.');
  const isVersion = at.join() === 'formatVersion';
  if (isVersion) return `formatVersion is not ${FORMAT_VERSION}: another version of Keyturn wrote it`;
  const keys =
    code === 'unrecognized_keys' && 'keys' in more ? `unknown ${(more.keys as string[]).join(', ')}` : message;
  return `${where}: ${keys}`;
}
