/** The edits that commands make to a rotation file: they change as few lines as possible and preserve every comment. */
import { randomBytes } from 'node:crypto';
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isMap, isNode, isScalar, isSeq, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import { KeyturnError } from '../errors';
import { shownText } from './faults';
import { appendFields, appendItem, type NewFields, replaceScalar } from './yaml-edit';
import { readYaml } from './yaml-source';

/** A key version to declare. */
export interface NewVersion {
  readonly name: string;
  /** Whole seconds, as KMS stores them. Absent: the material does not expire. */
  readonly materialValidTo?: Date;
}

interface FileView {
  readonly activeVersion: Node;
  readonly active: unknown;
  readonly list: YAMLSeq;
  readonly versions: readonly {
    readonly name: string;
    readonly node: YAMLMap;
    readonly data: Record<string, unknown>;
  }[];
  /** A mutable copy of the plain value, to compute the expected result of an edit. */
  readonly expected: { activeVersion: unknown; keyVersions: Record<string, unknown>[] } & Record<string, unknown>;
}

/**
 * Declares a key version at the end of the list.
 *
 * @throws KeyturnError `rotation-edit-refused` if the name is taken, or the text is not a rotation file
 */
export function appendVersion(text: string, version: NewVersion): string {
  const view = viewOf(text);
  if (view.versions.some(({ name }) => name === version.name))
    throw refused(
      `key version ${shownText(version.name)} is already declared`,
      'choose the next name; names are never reused',
    );
  const validTo = version.materialValidTo && utcSeconds(version.materialValidTo);
  const fields: NewFields = [['name', version.name], ...(validTo ? [['materialValidTo', validTo] as const] : [])];
  view.expected.keyVersions.push(Object.fromEntries(fields));
  return checked(appendItem(text, view.list, fields), view);
}

/**
 * Makes a declared version the active one.
 *
 * @throws KeyturnError `rotation-edit-refused` when it is not declared, or declared disabled
 */
export function setActiveVersion(text: string, name: string): string {
  const view = viewOf(text);
  const version = declared(view, name);
  if (view.active === name) return text;
  if (version.data.disabled === true)
    throw refused(
      `key version ${shownText(name)} is declared disabled`,
      'set it to disabled: false first (`npx keyturn propose rollback` does this)',
    );
  view.expected.activeVersion = name;
  return checked(replaceScalar(text, view.activeVersion, name), view);
}

/**
 * Records that a version is retired, or no longer retired. A version without the field is not disabled, so `false`
 * changes nothing there.
 *
 * @throws KeyturnError `rotation-edit-refused` when it is not declared, or active and to be disabled
 */
export function setDisabled(text: string, name: string, disabled: boolean): string {
  const view = viewOf(text);
  const version = declared(view, name);
  if ((version.data.disabled ?? false) === disabled) return text;
  if (disabled && view.active === name)
    throw refused(`key version ${shownText(name)} is the active one`, 'switch to another version first');
  version.data.disabled = disabled;
  const node = version.node.get('disabled', true);
  return checked(
    isNode(node) ? replaceScalar(text, node, disabled) : appendFields(text, version.node, [['disabled', disabled]]),
    view,
  );
}

/**
 * Records when the material of a version expires.
 *
 * @throws KeyturnError `rotation-edit-refused` when it is not declared, or adopted
 */
export function setMaterialValidTo(text: string, name: string, validTo: Date): string {
  const view = viewOf(text);
  const version = declared(view, name);
  const written = utcSeconds(validTo);
  if (version.data.materialValidTo === written) return text;
  if (version.data.keyArn !== undefined)
    throw refused(`key version ${shownText(name)} is adopted`, 'Keyturn never imports material into an adopted key');
  version.data.materialValidTo = written;
  const node = version.node.get('materialValidTo', true);
  return checked(
    isNode(node)
      ? replaceScalar(text, node, written)
      : appendFields(text, version.node, [['materialValidTo', written]]),
    view,
  );
}

/**
 * Replaces a file atomically: readers see the old or the new text, also after a crash. Mode and symbolic link are
 * preserved.
 *
 * @param before - the text that the edit was based on; if given, a file that changed since is not replaced.
 * @throws KeyturnError `rotation-edit-refused` when somebody else has edited the file since
 */
export async function writeRotation(file: string, text: string, before?: string): Promise<void> {
  const target = await realpath(file).catch(() => path.resolve(file));
  if (before !== undefined && (await readFile(target, 'utf8')) !== before)
    throw refused('somebody else edited it in the meantime', 'review the file and run the same command again');
  const mode = await stat(target).then(
    (found) => found.mode & 0o7777,
    () => 0o644,
  );
  const folder = path.dirname(target);
  const temporary = path.join(folder, `.${path.basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeSynced(temporary, text, mode);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await using handle = await open(folder, 'r');
  await handle.sync();
}

async function writeSynced(file: string, text: string, mode: number): Promise<void> {
  await using handle = await open(file, 'wx', mode);
  await handle.chmod(mode); // the process's umask has narrowed it
  await handle.writeFile(text, 'utf8');
  await handle.sync();
}

function viewOf(text: string): FileView {
  const source = readYaml(text);
  const root = source.document.contents;
  const list = isMap(root) ? root.get('keyVersions', true) : undefined;
  const activeVersion = isMap(root) ? root.get('activeVersion', true) : undefined;
  const expected = source.value as FileView['expected'];
  if (source.faults.length > 0 || !isSeq(list) || list.items.length === 0 || !isScalar(activeVersion))
    throw unreadable();
  const versions = list.items.map((node, index) => {
    const data = expected.keyVersions[index];
    if (!isMap(node) || typeof data?.name !== 'string') throw unreadable();
    return { name: data.name, node, data };
  });
  return { activeVersion, active: activeVersion.value, list, versions, expected };
}

function declared(view: FileView, name: string): FileView['versions'][number] {
  const found = view.versions.find((version) => version.name === name);
  if (!found)
    throw refused(
      `no key version ${shownText(name)} is declared`,
      `it declares ${view.versions.map((version) => version.name).join(', ')}`,
    );
  return found;
}

/** Refuses an edit whose result differs from the intended one, whatever unusual YAML caused it. */
function checked(after: string, view: FileView): string {
  const source = readYaml(after);
  if (source.faults.length === 0 && isDeepStrictEqual(source.value, view.expected)) return after;
  throw refused(
    'its YAML form does not allow this edit without changing other fields',
    'edit the file by hand, or write keyVersions as a plain list',
  );
}

function utcSeconds(time: Date): string {
  const text = time.toISOString();
  if (!text.endsWith('.000Z') || text.length !== 24)
    throw refused(`${text} is not a time in whole seconds`, 'write a time such as 2027-11-01T00:00:00Z');
  return text.replace('.000Z', 'Z');
}

const refused = (problem: string, hint: string): KeyturnError =>
  new KeyturnError('rotation-edit-refused', { problem, hint });

const unreadable = (): KeyturnError =>
  refused('it has faults', 'run `npx keyturn status` to list them all, and correct them first');
