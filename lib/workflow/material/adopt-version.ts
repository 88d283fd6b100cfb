import { KeyturnError } from '../../errors';
import { adoptMaterial } from '../../key-material/adopt-material';
import { importParameters } from '../../kms/import-parameters';
import { markCustodyHere } from '../../observation/observed-custody';
import type { MaterialRun } from '../rotation-run';
import { bindVersions } from './bind-versions';
import { sendAgain, versionInCustody } from './import-again';
import { warnExposed } from './warn-exposed';

export interface AdoptedMaterial {
  readonly version: string;
  readonly keyArn: string;
  /** 64 hex digits; null in a dry run. */
  readonly keyMaterialId: string | null;
  /** Location of the copy. */
  readonly custody: string;
}

/**
 * Puts the material of a version that lies in a file into custody. KMS compares it first: the bytes are imported into the live
 * key as the material that it has, with the date that it has, and KMS refuses any other.
 *
 * @throws KeyturnError `material-not-ours`, `drill-refused` where the key is not Enabled, `kms-import-refused` for other bytes, and
 * those of custody
 */
export async function adoptVersionMaterial(run: MaterialRun, name: string, path: string): Promise<AdoptedMaterial> {
  const held = await versionInCustody(run, name);
  const { key, material } = held;
  if (key.state !== 'Enabled' || !material.imported)
    throw new KeyturnError('drill-refused', {
      version: name,
      state: key.state === 'Enabled' ? 'without that material' : key.state,
      next:
        key.state === 'PendingImport'
          ? `import it: \`npx keyturn pre-apply --material-file ${path}\`, which puts it into custody too`
          : 'an import could enable it; enable it first if it is meant to be in use',
    });
  await warnExposed(run);
  const custodian = await run.custodian();
  if ((await custodian.copyBinding(name)) !== undefined)
    throw new KeyturnError('usage', {
      problem: `custody holds a copy for ${name} already: ${custodian.locate(name)}`,
      hint: `prove it instead: \`npx keyturn drill --version ${name} --identity <age identity file>\``,
    });
  const about = { version: name, keyArn: key.arn, custody: custodian.locate(name) };
  if (run.dryRun) return { ...about, keyMaterialId: null };
  await run.approve(`import the material of ${name} into its own key once more, as it is, and put it into custody?`);
  await run.evidence.record('intent', 'adopt-material', about);
  const record = await adoptMaterial(custodian, {
    version: name,
    keyArn: key.arn,
    path,
    parameters: (algorithm) => importParameters(run.clients.kms, key.arn, { algorithm, signal: run.signal }),
    prove: (prepared) => sendAgain(run, held, custodian, prepared, material.validTo),
  });
  await run.evidence.record('outcome', 'import-material', {
    outcome: 'changed',
    summary: `${name} is in custody`,
    imported: [record],
  });
  await markCustodyHere(run.rotation);
  await bindVersions(run);
  return { ...about, keyMaterialId: record.keyMaterialId };
}
