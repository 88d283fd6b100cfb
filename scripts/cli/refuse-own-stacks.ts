import { KeyturnError } from '../../lib/errors';
import { declaredStacks, deployCommand, planCommand } from '../../lib/rotation/declared-stacks';
import type { Rotation } from '../../lib/rotation/rotation';

/** A command that runs Terraform on Keyturn's two stacks. */
export type StackCommand = 'rotate' | 'plan' | 'apply' | 'review-plan' | 'drift' | 'rollback' | 'leave';

/**
 * Where constructs in a team's own stacks declare the rotation, Keyturn's two stacks would be a second set: their plans would
 * create what exists.
 *
 * @throws KeyturnError `own-stacks` with what to do instead
 */
export function refuseOwnStacks(command: StackCommand, rotation: Rotation): void {
  if (rotation.terraform.stacks === undefined) return;
  const { keys, storage } = declaredStacks(rotation);
  const named = { keys, storage: storage.join(', ') };
  throw new KeyturnError('own-stacks', { command, file: rotation.file, ...named, instead: instead(command, rotation) });
}

function instead(command: StackCommand, rotation: Rotation): string {
  const [declare, move] = [deployCommand(rotation, 'keys'), deployCommand(rotation, 'storage')];
  switch (command) {
    case 'rotate':
    case 'apply':
      return `\`${declare}\`, \`npx keyturn pre-apply\`, \`${move}\`, \`npx keyturn post-apply\`; \`npx keyturn status\` names the next of them`;
    case 'rollback':
      return `enable the key (\`aws kms enable-key\`), then \`npx keyturn propose rollback\`, \`${move}\`, \`npx keyturn post-apply\``;
    case 'leave':
      return 'docs/leave.md lists the removed blocks for a program of your own';
    default:
      return `\`${planCommand(rotation)}\`, and \`npx keyturn status\` for what AWS has; people review that plan`;
  }
}
