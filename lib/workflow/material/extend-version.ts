import { KeyturnError } from '../../errors';
import { completeImport } from '../../key-material/complete-import';
import { checkExpiry } from '../../kms/import-key-material';
import { rollbackCommand } from '../../rotation/declared-stacks';
import { setMaterialValidTo, writeRotation } from '../../rotation/rotation-edit';
import { readRotationText } from '../../rotation/rotation-file';
import type { MaterialRun } from '../rotation-run';
import { bindVersions } from './bind-versions';
import { sendAgain, type VersionInCustody, versionInCustody, wrapAgain } from './import-again';
import { requireCopy } from './require-copy';

export interface Extension {
  readonly version: string;
  readonly keyArn: string;
  /** ISO instants; null: it did not expire, or KMS has deleted the material already and names no date. */
  readonly from: string | null;
  readonly to: string;
  /** True where KMS had deleted the material and has it again. */
  readonly recovered: boolean;
  /** `unchanged`: KMS and the rotation file had the date already. */
  readonly outcome: 'changed' | 'unchanged';
}

/**
 * Gives the material of a version a later date: the same bytes, from custody, imported once more. Where it has expired
 * already, that brings the key back. KMS first, the rotation file second: stopped in between, the same command finishes it.
 *
 * @throws KeyturnError `extend-refused`, `custody-absent`, `kms-import-refused`, `kms-import-expiry`, `rotation-edit-refused`
 */
export async function extendVersion(run: MaterialRun, name: string, validTo: Date): Promise<Extension> {
  const held = await versionInCustody(run, name);
  const { key, version, material } = held;
  const before = material.validTo;
  refuseState(run, held);
  checkExpiry(key.arn, validTo, Date.now());
  const recovered = !material.imported;
  if (!recovered) refuseEarlier(name, before, validTo);
  const text = await readRotationText(run.rotation.file);
  const edited = setMaterialValidTo(text, name, validTo);
  const inKms = !recovered && before?.getTime() === validTo.getTime();
  const extension = {
    version: name,
    keyArn: key.arn,
    from: before?.toISOString() ?? null,
    to: validTo.toISOString(),
    recovered,
    outcome: inKms && edited === text ? 'unchanged' : 'changed',
  } as const;
  if (!inKms) await requireCopy(run, version, true);
  if (extension.outcome === 'unchanged' || run.dryRun) return extension;
  await run.approve(question(held, before, validTo));
  if (!inKms) await importWithDate(run, held, validTo);
  await writeRotation(run.rotation.file, edited, text);
  run.reporter.note(`${version.name}: the rotation file says ${extension.to} now`);
  await bindVersions(run);
  await run.evidence.record('outcome', 'extend', extension);
  return extension;
}

async function importWithDate(run: MaterialRun, held: VersionInCustody, validTo: Date): Promise<void> {
  const { custodian, prepared } = await wrapAgain(run, held);
  const { name } = held.version;
  run.reporter.note(`${name}: material taken from custody and wrapped again (${custodian.locate(name)})`);
  await run.evidence.record('intent', 'extend', {
    version: name,
    keyArn: held.key.arn,
    validTo: validTo.toISOString(),
  });
  const imported = await sendAgain(run, held, custodian, prepared, validTo);
  await completeImport(custodian, prepared, imported);
  run.reporter.note(
    `${name}: KMS has the same material (${imported.keyMaterialId.slice(0, 12)}…), valid to ${validTo.toISOString()}`,
  );
}

function question({ version, material }: VersionInCustody, before: Date | undefined, validTo: Date): string {
  const was = material.imported ? `valid to ${before?.toISOString()}` : 'which KMS no longer has';
  return `import the material of ${version.name}, ${was}, once more with the date ${validTo.toISOString()}?`;
}

/** KMS enables a key that it imports into, and a key that is off was switched off on purpose. @throws extend-refused */
export function refuseState({ rotation }: Pick<MaterialRun, 'rotation'>, { version, key }: VersionInCustody): void {
  const isActive = version.name === rotation.activeVersion;
  const reason =
    key.state === 'Disabled' && isActive
      ? `somebody disabled its key, and an import would enable it: enable it first with \`aws kms enable-key --key-id ${key.arn}\``
      : // A retired version that lost its material comes back only this way, before a rollback to it.
        key.state === 'Disabled' || (version.disabled && key.state !== 'PendingImport')
        ? `it is retired, and an import would enable its key again; \`${rollbackCommand(rotation, version.name)}\` brings a version back`
        : key.state === 'Enabled' || key.state === 'PendingImport'
          ? undefined
          : `its key is ${key.state}`;
  if (reason) throw new KeyturnError('extend-refused', { version: version.name, reason });
}

/** @throws extend-refused where the material has no date, or a later one */
export function refuseEarlier(version: string, before: Date | undefined, validTo: Date): void {
  const reason =
    before === undefined
      ? 'its material does not expire, so there is nothing to extend'
      : validTo < before
        ? `it is valid to ${before.toISOString()} already, which is later`
        : undefined;
  if (reason) throw new KeyturnError('extend-refused', { version, reason });
}
