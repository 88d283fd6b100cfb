import { readRecord, recordSha256 } from '../../key-material/custody/custody-record';
import { nodeFiles } from '../../key-material/custody/file-operations';
import { bindingName } from '../../observation/binding-contradictions';
import { type Observing, observeVersions } from '../../observation/observe';
import { bindingPath, bindingText, readBindingText, withBinding } from '../../rotation/binding';
import { type BoundVersion, custodyDirectory, type Rotation, versionAlias } from '../../rotation/rotation';
import { writeRotation } from '../../rotation/rotation-edit';
import { materialsOf, refuseRebound } from '../refuse-rebound';
import type { RunReport } from '../rotation-run';

/** Why a key is taken for that of a version. */
export type Trust = 'record' | 'alias';

/** A version that the binding did not have, or had otherwise. */
export interface NewlyBound {
  readonly bound: BoundVersion;
  /** `record`: its custody record names the key, which the version alias led to at the import. `alias`: nothing but that alias does. */
  readonly trust: Trust;
}

/** The binding as AWS and custody have it now. */
export interface CurrentBinding {
  /** The text of the file as it is; undefined: there is none. */
  readonly before: string | undefined;
  /** Equal to `before` where nothing changes. */
  readonly after: string | undefined;
  readonly changed: readonly NewlyBound[];
}

/**
 * What `rotation.lock.json` must say: every version of ours that holds material. What is bound stays bound to its key; a
 * date, recipients and the custody record may change with an import. Reads only.
 *
 * @throws KeyturnError `binding-contradicted`, `binding-invalid`, `custody-damaged`
 */
export async function currentBinding(run: Observing): Promise<CurrentBinding> {
  const file = bindingPath(run.rotation.file);
  const before = await readBindingText(run.rotation.file);
  const rotation = withBinding({ ...run.rotation, binding: [] }, before, file);
  await refuseRebound({ ...run, rotation });
  const bound: BoundVersion[] = [];
  const changed: NewlyBound[] = [];
  for (const { name, found } of await heldVersions({ ...run, rotation })) {
    const was = rotation.binding.find((one) => one.name === name);
    const record = found && (await recordOf(rotation, found));
    const now = found ? { ...found, ...(record ?? keptOf(was)) } : was;
    if (now === undefined) continue;
    bound.push(now);
    if (JSON.stringify(now) !== JSON.stringify(was))
      changed.push({ bound: now, trust: record === undefined ? 'alias' : 'record' });
  }
  const after = changed.length === 0 ? before : bindingText(rotation.name, bound);
  // What is about to be written must be read again.
  withBinding({ ...rotation, binding: [] }, after, file);
  return { before, after, changed };
}

/**
 * Writes what {@link currentBinding} finds, and reports each change. A version that is bound for the first time is
 * bound to what its alias leads to: whoever can move that alias decided it.
 */
export async function bindVersions(
  run: Observing & Pick<RunReport, 'reporter'>,
): Promise<Readonly<Record<string, string>>> {
  const { before, after, changed } = await currentBinding(run);
  if (after === undefined || after === before) return {};
  await writeRotation(bindingPath(run.rotation.file), after, before);
  const file = bindingName(run.rotation);
  for (const { bound, trust } of changed)
    run.reporter.note(`${bound.name}: ${file} binds it to ${bound.keyArn}${trustText(run.rotation, bound, trust)}`);
  run.reporter.note(`commit ${file} beside the rotation file`);
  return Object.fromEntries(changed.map(({ bound }) => [bound.name, bound.keyArn]));
}

/** What a binding rests on, as the end of a sentence about it. An import goes into the key that the alias leads to, so its record proves no more. */
export function trustText(rotation: Rotation, bound: BoundVersion, trust: Trust): string {
  if (trust !== 'record' && rotation.keyVersions.find(({ name }) => name === bound.name)?.takeOver === bound.keyArn)
    return ', which the rotation file takes over';
  const alias = versionAlias(rotation, bound);
  const says =
    trust === 'record'
      ? `, as its custody record says; ${alias} led to that key at the import`
      : `; nothing but ${alias} says so`;
  return `${says}. Compare the ARN with the output key_arn_${bound.name} of the keys stack`;
}

type Found = Pick<BoundVersion, 'name' | 'keyArn' | 'keyMaterialId' | 'materialValidTo'>;

/** The versions of ours, with the key and material that AWS has for each; without, where it has none now. */
async function heldVersions(
  run: Observing,
): Promise<readonly { readonly name: string; readonly found: Found | undefined }[]> {
  const observed = await observeVersions(run);
  const materials = await materialsOf(run);
  const ours = observed.filter(({ version }) => version.keyArn === undefined);
  return ours.map(({ version: { name }, key }) => {
    const own = materials?.versions.find(({ version }) => version.name === name)?.material;
    const holds = materials ? own?.imported === true : key !== undefined && key.state !== 'PendingImport';
    if (key === undefined || !holds || key.origin !== 'EXTERNAL') return { name, found: undefined };
    const validTo = materials ? own?.validTo : key.validTo;
    const id = materials ? own?.id : key.currentKeyMaterialId;
    const found = {
      name,
      keyArn: key.arn,
      keyMaterialId: id ?? null,
      materialValidTo: validTo?.toISOString() ?? null,
    };
    return { name, found };
  });
}

type Kept = Pick<BoundVersion, 'recipients' | 'custodyRecordSha256'>;

/** What the custody record here adds, if it is of this very material. */
async function recordOf(rotation: Rotation, { name, keyArn, keyMaterialId }: Found): Promise<Kept | undefined> {
  const directory = custodyDirectory(rotation.custody);
  if (directory === undefined) return undefined;
  const ledger = { directory, files: nodeFiles };
  const record = await readRecord(ledger, rotation.name, name);
  if (record === undefined || record.keyArn !== keyArn) return undefined;
  if (keyMaterialId !== null && record.keyMaterialId !== keyMaterialId) return undefined;
  const custodyRecordSha256 = (await recordSha256(ledger, rotation.name, name)) ?? null;
  // A command or a module may name its own kind of recipient; only age's are people that can open a file.
  const { kind, recipients } = record.custody;
  return { recipients: kind === 'age' ? recipients : [], custodyRecordSha256 };
}

/** Where no record is here, as on a runner, what is known of it stays. */
const keptOf = (was: BoundVersion | undefined): Kept => ({
  recipients: was?.recipients ?? [],
  custodyRecordSha256: was?.custodyRecordSha256 ?? null,
});
