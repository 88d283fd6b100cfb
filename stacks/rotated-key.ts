import { KmsAlias } from '@cdktf/provider-aws/lib/kms-alias';
import { KmsExternalKey } from '@cdktf/provider-aws/lib/kms-external-key';
import { Fn, TerraformOutput, TerraformStack } from 'cdktf';
import { Construct } from 'constructs';
import { adoptedResources } from '../lib/rotation/adopted-resources';
import {
  batchRoleName,
  type KeyVersion,
  type Rotation,
  versionAlias,
  versionsWithKeys,
} from '../lib/rotation/rotation';
import { declareExpiryAlarms } from './expiry-alarms';
import { retired, takenOver } from './guard';
import { accountOf, partitionOf } from './identity';
import { importAdopted } from './import-adopted';
import { keyPolicy, withKeptStatements } from './key-policy';
import { versionId } from './logical-ids';
import { NoKeyMaterial } from './no-material';
import { requireOwnStack } from './own-stack';
import { refuseSecond } from './refuse-second';

/**
 * The key versions of a rotation in a stack of your own: what {@link KeysStack} declares, under the same addresses, with the
 * stack's own provider and backend.
 *
 * Keep {@link RotatedAlias} and {@link RotatedBucket} in another stack: they look the active key up when they are planned, and a
 * new key does not exist then.
 */
export class RotatedKey extends Construct {
  /** @throws RangeError if the rotation file does not name the stack under `terraform.stacks`, if the stack has a RotatedKey already: their addresses would be the same */
  constructor(scope: Construct, id: string, rotation: Rotation) {
    super(scope, id);
    requireOwnStack(this, rotation, 'keys');
    refuseSecond(this, 'RotatedKey', (other) => other instanceof RotatedKey);
    const stack = TerraformStack.of(this);
    stack.node.addValidation(new NoKeyMaterial(stack));
    declareKeyVersions(this, rotation);
  }
}

/** Declares an external-origin key and its version alias for each declared version. */
export function declareKeyVersions(scope: Construct, rotation: Rotation): void {
  const stack = TerraformStack.of(scope);
  const declared = versionsWithKeys(rotation).filter((version) => version.keyArn === undefined);
  if (declared.length === 0) return;
  const account = accountOf(stack, rotation);
  const partition = partitionOf(stack);
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
    declareVersion(scope, rotation, version, Fn.jsonencode(withKeptStatements(policy, version)));
}

function declareVersion(scope: Construct, rotation: Rotation, version: KeyVersion, policy: string): void {
  const id = versionId(version);
  const key = new KmsExternalKey(scope, id, {
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
      ...(version.disabled ? { precondition: [...retired(TerraformStack.of(scope), rotation, version)] } : {}),
      ...(version.takeOver === undefined ? {} : { postcondition: [takenOver(version, version.takeOver)] }),
    },
  });
  key.overrideLogicalId(id);
  const alias = new KmsAlias(scope, `alias_${version.name}`, {
    name: versionAlias(rotation, version),
    targetKeyId: key.id,
  });
  alias.overrideLogicalId(id);
  for (const resource of [key, alias]) importAdopted(resource, adoptedResources(rotation).keys);
  if (expires(rotation, version)) declareExpiryAlarms(scope, rotation, { version, keyId: key.id });
  const output = new TerraformOutput(scope, `key_arn_${version.name}`, {
    value: key.arn,
    description: `ARN of key version ${version.name}`,
  });
  output.overrideLogicalId(`key_arn_${version.name}`);
}

/** Whether material of this version's key expires: its own, or with `strategy: in-place`, that of any version. */
function expires(rotation: Rotation, version: KeyVersion): boolean {
  if (version.disabled) return false;
  const held = rotation.strategy === 'in-place' ? rotation.keyVersions : [version];
  return held.some(({ materialValidTo }) => materialValidTo !== undefined);
}
