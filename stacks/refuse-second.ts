import { TerraformStack } from 'cdktf';
import type { Construct, IConstruct } from 'constructs';

/**
 * Refuses a construct whose twin stands in the same stack: addresses come from the rotation file, and Terraform would see the two
 * as one resource.
 *
 * @throws RangeError
 */
export function refuseSecond(construct: Construct, what: string, isTwin: (other: IConstruct) => boolean): void {
  const stack = TerraformStack.of(construct);
  if (stack.node.findAll().some((other) => other !== construct && isTwin(other)))
    throw new RangeError(`the stack ${stack.node.id} has a ${what} already: put this one into another stack`);
}
