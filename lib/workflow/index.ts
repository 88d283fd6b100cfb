import type { Rotation } from '../rotation/rotation';
import { declareKeys } from './declare-keys';
import type { StepId } from './flow-facts';
import { importMaterial } from './import-material';
import { importMaterialInPlace } from './in-place/import-next-material';
import { reencryptInPlace, retireInPlace, verifyInPlace } from './in-place/nothing-to-do';
import { rotateMaterial } from './in-place/rotate-material';
import { record } from './record-state';
import { reencrypt } from './reencrypt';
import { retire } from './retire';
import type { Step } from './step';
import { switchActive } from './switch-active';
import { verify } from './verify';

/** The whole flow, in order. The command line, `status`, the README's table and the evidence derive from it. */
export const flow: readonly Step[] = [declareKeys, importMaterial, switchActive, reencrypt, verify, retire, record];

/** The same for a rotation in place: one step more, and three that have nothing to do. */
export const flowInPlace: readonly Step[] = [
  declareKeys,
  importMaterialInPlace,
  switchActive,
  rotateMaterial,
  reencryptInPlace,
  verifyInPlace,
  retireInPlace,
  record,
];

/** The flow of a strategy: steps are chosen here, and none of them asks again. */
export function flowFor({ strategy }: Pick<Rotation, 'strategy'>): readonly Step[] {
  return strategy === 'in-place' ? flowInPlace : flow;
}

/** The steps of a command, in the order of the flow; ids that the rotation's flow does not have are left out. */
export function stepsOf(rotation: Pick<Rotation, 'strategy'>, ids: readonly StepId[]): readonly Step[] {
  return flowFor(rotation).filter(({ id }) => ids.includes(id));
}
