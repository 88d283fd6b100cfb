import { type CustodyRecord, readRecord } from '../key-material/custody/custody-record';
import { nodeFiles } from '../key-material/custody/file-operations';
import { evidenceFolder } from '../rotation/own-folder';
import { custodyDirectory, type KeyVersion, type Rotation } from '../rotation/rotation';
import { type MaterialInEvidence, materialEvidence } from './material-evidence';
import { type CustodyObserving, copyState, custodyWasHere, isDirectory, otherCopy } from './observed-custody';

/** The material of a version, as KMS names it now. */
export interface MaterialInUse {
  readonly version: KeyVersion;
  readonly keyArn: string;
  /** `EXTERNAL` for imported material. */
  readonly origin: string;
  /** 64 hex digits; undefined: KMS names none. */
  readonly keyMaterialId: string | undefined;
}

/** Whether custody is known to hold the material that KMS uses for a version. */
export interface CustodyStanding {
  readonly proven: boolean;
  /**
   * What shows it: the custody record here, the evidence here; or why it is not needed: `no-custody` stands in the
   * evidence, the rotation file has a waiver, or Keyturn imports nothing into this key. Undefined: nothing does.
   */
  readonly by: 'record' | 'evidence' | 'no-custody' | 'waiver' | 'not-imported' | undefined;
  /** One clause, for people. */
  readonly text: string;
}

/**
 * Compares the material that KMS uses with what custody and evidence here say of it. A custody record counts only for this
 * very material, and only while its copy is there, wherever that can be looked at. Where neither is here, as on a runner
 * without its archive, nothing is proven.
 */
export async function custodyStanding(run: CustodyObserving, material: MaterialInUse): Promise<CustodyStanding> {
  const { version, keyArn, origin, keyMaterialId } = material;
  if (version.keyArn !== undefined || origin !== 'EXTERNAL')
    return { proven: true, by: 'not-imported', text: `Keyturn imports no material into ${version.name}` };
  const found = keyMaterialId === undefined ? unnamed(version) : await standing(run, version, keyArn, keyMaterialId);
  if (found.proven || version.custodyWaiver === undefined) return found;
  return { proven: true, by: 'waiver', text: `${found.text}; waived: ${version.custodyWaiver}` };
}

const unnamed = ({ name }: KeyVersion): CustodyStanding => ({
  proven: false,
  by: undefined,
  text: `KMS names no material of ${name}`,
});

async function standing(
  run: CustodyObserving,
  { name }: KeyVersion,
  keyArn: string,
  id: string,
): Promise<CustodyStanding> {
  const { rotation } = run;
  const record = await recordOf(rotation, name);
  const isSame = record?.keyArn === keyArn && record.keyMaterialId === id;
  if (record && !isSame)
    return no(`its custody record is of material ${short(record.keyMaterialId)}, and KMS has ${short(id)}`);
  const lost = record && (await whatIsLost(run, name, record));
  if (lost !== undefined) return no(lost);
  if (record) return { proven: true, by: 'record', text: heldText(record) };
  const directory = evidenceFolder(rotation.file);
  const { materials } = await materialEvidence(directory, rotation.name);
  const ours = materials.filter((one) => one.keyArn === keyArn && one.keyMaterialId === id && one.version === name);
  const unrecorded = ours.length > 0 && !record ? await unrecordedCopy(run, name, ours) : undefined;
  if (unrecorded !== undefined) return no(unrecorded);
  if (ours.some(({ kind }) => kind !== 'none'))
    return { proven: true, by: 'evidence', text: `by the evidence, custody holds material ${short(id)} of ${name}` };
  if (ours.length > 0)
    return { proven: true, by: 'no-custody', text: `material ${short(id)} of ${name} was imported with --no-custody` };
  return no(`neither a custody record nor evidence here says that custody holds material ${short(id)} of ${name}`);
}

function heldText({ version, keyMaterialId, custody }: CustodyRecord): string {
  const unnamed = custody.binding === undefined ? '; the record, of an earlier version of Keyturn, names no copy' : '';
  return `custody holds material ${short(keyMaterialId)} of ${version}${unnamed}`;
}

const no = (text: string): CustodyStanding => ({ proven: false, by: undefined, text });
const short = (id: string): string => `${id.slice(0, 12)}…`;

async function recordOf({ custody, name }: Rotation, version: string): Promise<CustodyRecord | undefined> {
  const directory = custodyDirectory(custody);
  return directory === undefined ? undefined : readRecord({ directory, files: nodeFiles }, name, version);
}

/**
 * Where custody is here, evidence shows what was imported, and not that a copy without a record is of it: only the copy that the
 * evidence names is.
 */
async function unrecordedCopy(
  run: CustodyObserving,
  version: string,
  ours: readonly MaterialInEvidence[],
): Promise<string | undefined> {
  const directory = custodyDirectory(run.rotation.custody);
  if (directory === undefined || !(await isDirectory(directory))) return undefined;
  const { is, text, binding } = await copyState(run, directory, version, undefined);
  if (is !== 'there') {
    const isMissed = (await custodyWasHere(run.rotation)) && ours.every(({ isReached }) => isReached);
    return isMissed ? `custody has no record of it, and nothing shows a copy: ${text}` : undefined;
  }
  if (ours.some((one) => one.binding === binding)) return undefined;
  return `no custody record is of the copy at ${text}, and by the evidence another one was imported`;
}

/** The copy that the record names is looked for where it can be; one that is on another machine cannot. */
async function whatIsLost(run: CustodyObserving, version: string, record: CustodyRecord): Promise<string | undefined> {
  const directory = custodyDirectory(run.rotation.custody);
  if (directory === undefined) return undefined;
  const copy = await copyState(run, directory, version, record);
  const { is, text } = copy;
  const other = is === 'there' ? otherCopy(record, copy) : undefined;
  if (other !== undefined && other !== 'unnamed') return other;
  if (is === 'gone') return `the copy that its custody record names is gone: ${text}`;
  const { kind } = record.custody;
  const isDeclared = kind !== 'none' && run.rotation.custody[kind] !== undefined;
  return is === 'unknown' && isDeclared ? text : undefined;
}
