/** What custody holds of each version, wherever it can be looked at. Opens no copy. */

import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../errors';
import { copyFault } from '../key-material/custody/age-format';
import type { Custodian } from '../key-material/custody/custodian';
import { type CustodyRecord, readRecord, recordSha256 } from '../key-material/custody/custody-record';
import { nodeFiles } from '../key-material/custody/file-operations';
import { sha256Hex } from '../key-material/wrap';
import { ownFolder } from '../rotation/own-folder';
import { custodyDirectory, custodyKind, type Rotation } from '../rotation/rotation';

/** What asking custody takes. */
export interface CustodyObserving {
  readonly rotation: Rotation;
  /** Asked only for a custodian that keeps its copies elsewhere. */
  custodian(): Promise<Custodian>;
}

/**
 * `there`: a copy is where custody keeps it. `gone`: none is. `elsewhere`: on a machine that this one cannot look at, by the record.
 * `unknown`: custody did not answer.
 */
export interface CopyState {
  readonly is: 'there' | 'gone' | 'elsewhere' | 'unknown';
  /** Where the copy is or was, or why that is unknown. */
  readonly text: string;
  /** Identifies the copy that is there. */
  readonly binding?: string | undefined;
}

export interface CustodyOfVersion {
  /** Absent: there is no record here. */
  readonly record: CustodyRecord | undefined;
  /** SHA-256 of that record, lower-case hex. */
  readonly recordSha256: string | undefined;
  readonly copy: CopyState;
}

/** Where the custody folder is not here at all, records are kept elsewhere, as on a runner: that says nothing. */
export type ObservedCustody =
  | { readonly here: false; readonly directory: string | undefined }
  | { readonly here: true; readonly directory: string; readonly versions: ReadonlyMap<string, CustodyOfVersion> };

/** @throws custody-damaged for a record that cannot be read */
export async function observeCustody(run: CustodyObserving): Promise<ObservedCustody> {
  const { rotation } = run;
  const directory = custodyDirectory(rotation.custody);
  if (directory === undefined || !(await isDirectory(directory))) return { here: false, directory };
  const versions = new Map<string, CustodyOfVersion>();
  for (const { name, keyArn } of rotation.keyVersions) {
    if (keyArn !== undefined) continue;
    const ledger = { directory, files: nodeFiles };
    const record = await readRecord(ledger, rotation.name, name);
    const sha256 = await recordSha256(ledger, rotation.name, name);
    versions.set(name, { record, recordSha256: sha256, copy: await copyState(run, directory, name, record) });
  }
  return { here: true, directory, versions };
}

/** True for a folder that is there. */
export const isDirectory = (directory: string): Promise<boolean> =>
  stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** The copy of a version, by the kind that its record names; without a record, by the kind of the rotation file. */
export async function copyState(
  run: Pick<CustodyObserving, 'custodian'> & { readonly rotation: Pick<Rotation, 'name' | 'custody'> },
  directory: string,
  version: string,
  record: CustodyRecord | undefined,
): Promise<CopyState> {
  const { name, custody } = run.rotation;
  const declared = custodyKind(custody);
  const kind = record?.custody.kind ?? declared;
  const location = record ? record.custody.location : undefined;
  if (location === null) return { is: 'elsewhere', text: 'the copy is on another machine' };
  if (kind === 'none') return { is: 'elsewhere', text: 'no copy was kept' };
  if (kind === 'age') return fileState(path.join(directory, ageFile(name, version)));
  if (kind !== declared) return { is: 'unknown', text: `the rotation file does not say how to reach ${kind} custody` };
  try {
    const custodian = await run.custodian();
    const where = location ?? custodian.locate(version);
    const binding = await custodian.copyBinding(version);
    return { is: binding === undefined ? 'gone' : 'there', text: where, binding };
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.code === 'interrupted') throw error;
    // Custody answered: what stands in the place of the copy is none.
    if (NO_COPY.has(error.code)) return { is: 'gone', text: `${location ?? kind}: ${error.message}` };
    return { is: 'unknown', text: `${location ?? kind} cannot be asked: ${error.message}` };
  }
}

/** A key that somebody else made under our label, and more than one of them. */
const NO_COPY: ReadonlySet<string> = new Set(['hsm-key-foreign', 'custody-damaged']);

/** The one name that custody gives the age file of a version, and opens it by: no record leads anywhere else. */
const ageFile = (rotation: string, version: string): string => `${rotation}-${version}.age`;

/**
 * Why a copy that is there is not the one that the record is of; undefined where it is. A record of an earlier version of Keyturn names
 * no copy: that is `unnamed`, and no contradiction.
 */
export function otherCopy(
  { rotation, version, custody }: CustodyRecord,
  { text, binding }: CopyState,
): string | 'unnamed' | undefined {
  const own = ageFile(rotation, version);
  if (custody.kind === 'age' && custody.location !== null && custody.location !== own)
    return `the custody record of ${version} is of a copy at ${JSON.stringify(custody.location)}, and custody keeps it at ${own}`;
  if (custody.binding === undefined) return 'unnamed';
  if (binding === undefined || custody.binding === binding) return undefined;
  return `${text} is not the copy that the custody record of ${version} is of: it was replaced or sealed again since`;
}

/** What is no copy counts as none: nobody can open it. A file that may not be read says nothing. */
async function fileState(copy: string): Promise<CopyState> {
  const isFile = await stat(copy).then(
    (found) => found.isFile(),
    () => undefined,
  );
  if (isFile === false) return { is: 'gone', text: `${copy}, which is no file` };
  try {
    const bytes = await nodeFiles.read(copy);
    const fault = bytes && copyFault(bytes);
    if (fault !== undefined) return { is: 'gone', text: `${copy}, where the file is damaged: ${fault}` };
    return bytes ? { is: 'there', text: copy, binding: sha256Hex(bytes) } : { is: 'gone', text: copy };
  } catch (error) {
    return { is: 'unknown', text: `${copy} cannot be read: ${error instanceof Error ? error.message : error}` };
  }
}

/** Names the folder that runs on this machine keep custody in. It is never archived, so no other machine has it. */
const markerOf = ({ file }: Pick<Rotation, 'file'>): string => path.join(ownFolder(file), 'custody-folder');

/** Remembers that custody is on this machine, so that a folder which is gone later is missed. */
export async function markCustodyHere(rotation: Pick<Rotation, 'file' | 'custody'>): Promise<void> {
  const directory = custodyDirectory(rotation.custody);
  if (directory === undefined) return;
  await mkdir(path.dirname(markerOf(rotation)), { recursive: true });
  await writeFile(markerOf(rotation), `${directory}\n`);
}

/** True where runs on this machine kept custody in the folder of the rotation file. */
export async function custodyWasHere(rotation: Pick<Rotation, 'file' | 'custody'>): Promise<boolean> {
  const directory = custodyDirectory(rotation.custody);
  const marked = await readFile(markerOf(rotation), 'utf8').catch(() => undefined);
  return directory !== undefined && marked?.trim() === directory;
}
