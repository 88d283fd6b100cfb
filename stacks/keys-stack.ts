import { KmsAlias } from '@cdktf/provider-aws/lib/kms-alias';
import { KmsExternalKey } from '@cdktf/provider-aws/lib/kms-external-key';
import { Fn, TerraformOutput, TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { adoptedResources } from '../lib/rotation/adopted-resources';
import {
  batchRoleName,
  type KeyVersion,
  type Rotation,
  stackNames,
  versionAlias,
  versionsWithKeys,
} from '../lib/rotation/rotation';
import { declareAwsProvider } from './aws-provider';
import { declareBackend } from './backend';
import { declareExpiryAlarms } from './expiry-alarms';
import { retired, takenOver } from './guard';
import { accountOf, partitionOf } from './identity';
import { importAdopted } from './import-adopted';
import { keyPolicy, withKeptStatements } from './key-policy';
import { versionId } from './logical-ids';
import { NoKeyMaterial } from './no-material';

/**
 * `<name>-keys`: an external-origin key and its version alias for each declared version, nothing for an adopted one.
 *
 * A new key is `PendingImport`: the stack never contains material; `pre-apply` imports it. Output `key_arn_<version>`
 * is the ARN of each declared version. With `strategy: in-place`, the first version has the one key, and later ones
 * are material of it.
 */
export class KeysStack extends TerraformStack {
  constructor(scope: Construct, rotation: Rotation) {
    super(scope, stackNames(rotation).keys);
    declareBackend(this, rotation);
    declareAwsProvider(this, rotation);
    this.node.addValidation(new NoKeyMaterial(this));

    const declared = versionsWithKeys(rotation).filter((version) => version.keyArn === undefined);
    if (declared.length === 0) return;
    const account = accountOf(this, rotation);
    const partition = partitionOf(this);
    const policy = keyPolicy({
      account,
      partition,
      region: rotation.region,
      rotation: rotation.name,
      administrators: rotation.keyPolicy.administrators,
      users: rotation.keyPolicy.users,
      breakGlass: rotation.keyPolicy.breakGlass,
      services: rotation.keyPolicy.services,
      jobRole:
        rotation.reencrypt.engine === 'local'
          ? undefined
          : `arn:${partition}:iam::${account}:role/${batchRoleName(rotation)}`,
      inPlace: rotation.strategy === 'in-place',
      unusedForDays: rotation.retire.unusedForDays,
    });
    // An expression, because a string with references loses its quotes in `cdktf synth --hcl`.
    for (const version of declared)
      this.#declareVersion(rotation, version, Fn.jsonencode(withKeptStatements(policy, version)));
  }

  #declareVersion(rotation: Rotation, version: KeyVersion, policy: string): void {
    const id = versionId(version);
    const key = new KmsExternalKey(this, id, {
      description: `Keyturn ${rotation.name} ${version.name}`,
      deletionWindowInDays: rotation.deletionWindowDays,
      policy,
      tags: { ...rotation.tags, 'keyturn:rotation': rotation.name, 'keyturn:version': version.name },
      // Unset until retired: a key in PendingImport cannot be enabled, and the import enables it.
      ...(version.disabled ? { enabled: false } : {}),
      lifecycle: {
        preventDestroy: true,
        // The import sets both outside of Terraform; without this every later plan would import empty material.
        ignoreChanges: ['key_material_base64', 'valid_to'],
        ...(version.disabled ? { precondition: [...retired(this, rotation, version)] } : {}),
        ...(version.takeOver === undefined ? {} : { postcondition: [takenOver(version, version.takeOver)] }),
      },
    });
    const alias = new KmsAlias(this, `alias_${version.name}`, {
      name: versionAlias(rotation, version),
      targetKeyId: key.id,
    });
    alias.overrideLogicalId(id);
    for (const resource of [key, alias]) importAdopted(resource, adoptedResources(rotation).keys);
    if (expires(rotation, version)) declareExpiryAlarms(this, rotation, { version, keyId: key.id });
    new TerraformOutput(this, `key_arn_${version.name}`, {
      value: key.arn,
      description: `ARN of key version ${version.name}`,
    });
  }
}

/** Whether material of this version's key expires: its own, or with `strategy: in-place`, that of any version. */
function expires(rotation: Rotation, version: KeyVersion): boolean {
  if (version.disabled) return false;
  const held = rotation.strategy === 'in-place' ? rotation.keyVersions : [version];
  return held.some(({ materialValidTo }) => materialValidTo !== undefined);
}
