import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import type { Rotation } from '../lib/rotation/rotation';

/**
 * Refuses a construct of a rotation whose file does not name its stack: Keyturn would plan its own stacks beside it, and name
 * stacks that do not exist.
 *
 * @throws RangeError
 */
export function requireOwnStack(construct: Construct, rotation: Rotation, role: 'keys' | 'storage'): void {
  const { id } = TerraformStack.of(construct).node;
  const { stacks } = rotation.terraform;
  const named = stacks === undefined ? [] : [stacks[role]].flat();
  if (named.includes(id)) return;
  const list = role === 'keys' ? id : `[${[...named, id].join(', ')}]`;
  throw new RangeError(`${rotation.file} does not name the stack ${id}: write ${role}: ${list} under terraform.stacks`);
}

/** @throws RangeError where the file says that stacks of the team's own hold the constructs */
export function refuseOwnStacks(rotation: Rotation): void {
  const { stacks } = rotation.terraform;
  if (stacks === undefined) return;
  const named = [stacks.keys, ...stacks.storage].join(', ');
  throw new RangeError(
    `${rotation.file} is of the stacks ${named} (terraform.stacks): KeysStack and StorageStack would be a second set`,
  );
}
