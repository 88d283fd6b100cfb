import { isCode, KeyturnError } from '../../errors';
import { completeImport } from '../../key-material/complete-import';
import type { Custodian } from '../../key-material/custody/custodian';
import { readRecord } from '../../key-material/custody/custody-record';
import { resealCopy } from '../../key-material/reseal-copy';
import { observeVersions } from '../../observation/observe';
import { markCustodyHere, otherCopy } from '../../observation/observed-custody';
import type { MaterialRun } from '../rotation-run';
import { bindVersions } from './bind-versions';
import { sendAgain, type VersionInCustody, versionInCustody, wrapAgain } from './import-again';

export interface DrillResult {
  readonly version: string;
  readonly keyArn: string;
  /** `held`: KMS took the material of custody as the one that the key has. `opened`: a dry run, up to that call. */
  readonly outcome: 'held' | 'opened';
  /** 64 hex digits; null in a dry run. */
  readonly keyMaterialId: string | null;
  readonly custody: { readonly kind: string; readonly location: string };
}

/** The versions that can be drilled: their key is on, and its material once came from custody. */
export async function drillableVersions(run: MaterialRun): Promise<readonly string[]> {
  const versions = await observeVersions(run);
  const able = versions.filter(({ version, key }) => version.keyArn === undefined && key?.state === 'Enabled');
  return able.map(({ version }) => version.name);
}

/**
 * Proves that custody holds the material of a version, without touching anything that the key protects. The copy is
 * opened, wrapped, and imported into the live key: the same material, with the same date. KMS refuses any other bytes,
 * and the key goes on as it was.
 *
 * @throws KeyturnError `drill-failed` where custody holds other material; `drill-refused`; those of custody and wrapping
 */
export async function drillVersion(
  run: MaterialRun,
  name: string,
  { reseal = false }: { readonly reseal?: boolean } = {},
): Promise<DrillResult> {
  const held = await versionInCustody(run, name);
  if (!run.dryRun) refuseState(held);
  const { custodian, prepared } = await wrapAgain(run, held);
  const custody = { kind: custodian.kind, location: custodian.locate(name) };
  const about = { version: name, keyArn: held.key.arn, custody };
  run.reporter.note(`${name}: custody opens (${custody.location}), and the material is wrapped under KMS's key`);
  if (run.dryRun) return { ...about, outcome: 'opened', keyMaterialId: null };
  await run.approve(`import the material of ${name} into its own key once more, as it is?`);
  await run.evidence.record('intent', 'drill', about);
  try {
    const imported = await sendAgain(run, held, custodian, prepared, held.material.validTo);
    const result = { ...about, outcome: 'held', keyMaterialId: imported.keyMaterialId } as const;
    await run.evidence.record('outcome', 'drill', result);
    const was = await recordFault(custodian, name, imported.keyMaterialId, prepared.binding);
    if (was) {
      await completeImport(custodian, prepared, imported);
      run.reporter.note(`${name}: its custody record ${was}, and is written`);
      await bindVersions(run);
    }
    await markCustodyHere(run.rotation);
    if (reseal) {
      await sealAgain(run, custodian, result);
      await bindVersions(run);
    }
    return result;
  } catch (error) {
    await run.evidence.record('outcome', 'drill', { ...about, outcome: 'failed', keyMaterialId: null });
    throw drillFailure(error, about);
  }
}

/** Why the record is not of what KMS has just taken; undefined where it is, and without a ledger. */
async function recordFault(
  { ledger, rotation }: Custodian,
  version: string,
  keyMaterialId: string,
  binding: string | undefined,
): Promise<string | undefined> {
  const record = ledger && (await readRecord(ledger, rotation, version));
  if (!ledger) return undefined;
  if (!record) return 'was missing';
  if (record.keyMaterialId !== keyMaterialId) return 'was of other material';
  // Another machine keeps that copy: this one was brought for the drill.
  if (record.custody.location === null) return undefined;
  const other = otherCopy(record, { is: 'there', text: 'the copy', binding });
  return other === 'unnamed' ? 'named no copy' : other && 'was of another copy';
}

/** Who is named in the rotation file now can open the copy afterwards, and nobody else. */
async function sealAgain(
  { material, evidence, reporter }: MaterialRun,
  custodian: Custodian,
  { version, keyArn, keyMaterialId }: DrillResult,
): Promise<void> {
  if (custodian.kind !== 'age')
    throw new KeyturnError('usage', {
      problem: `custody of ${version} is of kind ${custodian.kind}, which names no recipients`,
      hint: 'run the drill without --reseal',
    });
  const { recipients } = custodian;
  await evidence.record('intent', 'reseal', { version, keyArn, keyMaterialId, recipients });
  await resealCopy(custodian, { version, keyArn, identityFile: material.identityFile });
  await evidence.record('outcome', 'reseal', { version, keyArn, keyMaterialId, recipients });
  reporter.note(`${version}: its copy is sealed for ${recipients.join(', ')}`);
}

function drillFailure(
  error: unknown,
  { version, keyArn, custody }: Omit<DrillResult, 'outcome' | 'keyMaterialId'>,
): unknown {
  const other = isCode(error, 'kms-import-refused') && error.facts.awsCode === 'IncorrectKeyMaterialException';
  return other ? new KeyturnError('drill-failed', { version, keyArn, file: custody.location }, error) : error;
}

function refuseState({ version, key, material }: VersionInCustody): void {
  if (key.state === 'Enabled' && material.imported) return;
  const next =
    key.state === 'PendingImport' || !material.imported
      ? 'bring it back first: `npx keyturn extend` with a later date, or `npx keyturn pre-apply`'
      : 'an import could enable it; `--dry-run` opens custody and stops before that, but it proves less and leaves no evidence. To prove the copy, enable the key, drill, and disable it again';
  throw new KeyturnError('drill-refused', {
    version: version.name,
    state: key.state === 'Enabled' ? 'without that material' : key.state,
    next,
  });
}
