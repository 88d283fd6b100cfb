import type { TerraformStack } from 'cdktf';
import type { IValidation } from 'constructs';

const FORBIDDEN = 'key_material_base64';

/**
 * Refuses to synthesize a stack in which anything sets `key_material_base64`: its value would be in clear in
 * `cdk.tf.json`, in plan files and in the state. It checks the final output, so it also finds overrides.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/kms_external_key
 */
export class NoKeyMaterial implements IValidation {
  readonly #stack: TerraformStack;

  constructor(stack: TerraformStack) {
    this.#stack = stack;
  }

  validate(): string[] {
    return pathsOf(this.#stack.toTerraform(), []).map(
      (path) =>
        `${path} is set: key material would stand in clear in cdk.tf.json, plan and state; remove it and import with "npx keyturn pre-apply"`,
    );
  }
}

function pathsOf(value: unknown, path: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, key];
    return key === FORBIDDEN && inner !== undefined && inner !== null ? [here.join('.')] : pathsOf(inner, here);
  });
}
