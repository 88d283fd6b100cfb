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

/** What shows the changes of all stacks of a rotation. */
export function planCommand(rotation: Pick<Rotation, 'name' | 'terraform'>): string {
  const { keys, storage } = declaredStacks(rotation);
  return rotation.terraform.stacks ? `npx cdktf diff ${[keys, ...storage].join(' ')}` : 'npx keyturn plan --out plan';
}
