import { KmsAlias } from '@cdktf/provider-aws/lib/kms-alias';
import { TerraformStack } from 'cdktf';
import { Construct } from 'constructs';
import { adoptedResources } from '../lib/rotation/adopted-resources';
import { activeVersion, type Rotation } from '../lib/rotation/rotation';
import { guardedTarget, sameAccount, type Target } from './guard';
import { importAdopted } from './import-adopted';
import { requireOwnStack } from './own-stack';
import { refuseSecond } from './refuse-second';

/** The main alias of a rotation in a stack of your own: on the active version, behind the guard, as {@link StorageStack} has it. */
export class RotatedAlias extends Construct {
  /** ARN of the active key, as the plan reads it. */
  readonly keyArn: string;

  /** @throws RangeError if the rotation file does not name the stack under `terraform.stacks`, if the stack has a RotatedAlias already, or looks up the active key of another rotation */
  constructor(scope: Construct, id: string, rotation: Rotation) {
    super(scope, id);
    requireOwnStack(this, rotation, 'storage');
    refuseSecond(this, 'RotatedAlias', (other) => other instanceof RotatedAlias);
    const target = guardedTarget(TerraformStack.of(this), rotation);
    this.keyArn = target.arn;
    declareMainAlias(this, rotation, target);
  }
}

/** An alias cannot point at a key of another account; then only the bucket defaults name the key. */
export function declareMainAlias(scope: Construct, rotation: Rotation, target: Target): void {
  const owner = activeVersion(rotation).keyArn?.split(':')[4];
  if (owner !== undefined && rotation.account !== undefined && owner !== rotation.account) return;
  const unknown = owner !== undefined && rotation.account === undefined;
  const guards = unknown ? [...target.guards, sameAccount(TerraformStack.of(scope), rotation, owner)] : target.guards;
  const alias = new KmsAlias(scope, 'main', {
    name: rotation.alias,
    targetKeyId: target.arn,
    lifecycle: { precondition: [...guards] },
  });
  alias.overrideLogicalId('main');
  importAdopted(alias, adoptedResources(rotation).storage);
}
