import { existsSync } from 'node:fs';
import path from 'node:path';
import { planCommand } from '../rotation/declared-stacks';
import { type Rotation, stackNames } from '../rotation/rotation';
import type { Observation } from './observe';

/** Something that the storage stack declares, that AWS holds, and that no state here holds. */
export interface NotAdopted {
  /** True: the apply would fail at it. False: the apply would replace it, and the plan would not show what was there. */
  readonly stops: boolean;
  readonly text: string;
}

/**
 * The alias and the bucket defaults that somebody made before Keyturn, where the rotation file does not say so: they lead to keys
 * that the keys stack did not make. A state that is in S3, or of a program of the team's own, cannot be seen here: the plan sees it.
 */
export function notAdopted(rotation: Rotation, seen: Observation): readonly NotAdopted[] {
  const { adopted, alias, terraform } = rotation;
  const isElsewhere = terraform.backend !== 'local' || terraform.stacks !== undefined;
  if (!isElsewhere && hasState(rotation)) return [];
  const own = new Set(
    seen.versions.flatMap(({ version, key }) =>
      key === undefined || version.keyArn !== undefined || version.takeOver !== undefined ? [] : [key.arn],
    ),
  );
  const target = seen.aliasTarget;
  if (isElsewhere) {
    if (target === undefined || adopted?.alias === true || own.has(target)) return [];
    const unseen = `whether a Terraform state holds it cannot be seen here: \`${planCommand(rotation)}\` shows it`;
    return [{ stops: false, text: `${alias} names ${target}, which no stack of this rotation made; ${unseen}` }];
  }
  const found: NotAdopted[] = [];
  if (target !== undefined && adopted?.alias !== true && !own.has(target))
    found.push({ stops: true, text: `${alias} names ${target} already, and no Terraform state here holds it` });
  for (const { name, default: held } of seen.buckets) {
    if (held?.keyArn === undefined || own.has(held.keyArn) || adopted?.buckets.includes(name) === true) continue;
    found.push({
      stops: false,
      text: `the default of ${name} names ${held.keyArn}, and no Terraform state here holds it: the plan would not show what it replaces`,
    });
  }
  return found;
}

const hasState = (rotation: Rotation): boolean =>
  existsSync(path.join(path.dirname(rotation.file), `terraform.${stackNames(rotation).storage}.tfstate`));
