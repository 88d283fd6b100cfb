import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { type Rotation, stackNames } from '../lib/rotation/rotation';
import { declareAwsProvider } from './aws-provider';
import { declareBackend } from './backend';
import { NoKeyMaterial } from './no-material';
import { refuseOwnStacks } from './own-stack';
import { declareKeyVersions } from './rotated-key';

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
    refuseOwnStacks(rotation);
    declareBackend(this, rotation);
    declareAwsProvider(this, rotation);
    this.node.addValidation(new NoKeyMaterial(this));
    declareKeyVersions(this, rotation);
  }
}
