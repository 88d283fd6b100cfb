import { type Rotation, stackNames } from './rotation';
import type { OwnStacks } from './settings';

/** The stacks that declare a rotation: those of the team's own that its file names, or else Keyturn's two. */
export function declaredStacks({ name, terraform }: Pick<Rotation, 'name' | 'terraform'>): OwnStacks {
  const { keys, storage } = stackNames({ name });
  return terraform.stacks ?? { keys, storage: [storage] };
}

/** What applies these stacks by the cdktf CLI. */
export function deployCommand(rotation: Pick<Rotation, 'name' | 'terraform'>, role: keyof OwnStacks): string {
  return `npx cdktf deploy ${[declaredStacks(rotation)[role]].flat().join(' ')}`;
}

/** What begins a rotation, or goes on with it: by hand, stack by stack, where the stacks are the team's own. */
export function rotateCommand(rotation: Pick<Rotation, 'name' | 'terraform'>): string {
  return rotation.terraform.stacks ? deployCommand(rotation, 'keys') : 'npx keyturn rotate';
}

/** What goes back to an earlier version, once its key is enabled: with stacks of the team's own, by a reviewed edit of the file. */
export function rollbackCommand({ terraform }: Pick<Rotation, 'terraform'>, version: string): string {
  return terraform.stacks ? `npx keyturn propose rollback --name ${version}` : `npx keyturn rollback --to ${version}`;
}

/** What shows the changes of all stacks of a rotation. */
export function planCommand(rotation: Pick<Rotation, 'name' | 'terraform'>): string {
  const { keys, storage } = declaredStacks(rotation);
  return rotation.terraform.stacks
    ? `npx cdktf diff ${[keys, ...storage].join(' ')}`
    : 'npx keyturn plan --out keyturn-plan';
}
