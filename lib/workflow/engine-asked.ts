import { KeyturnError } from '../errors';
import type { Rotation } from '../rotation/rotation';
import type { ReencryptOptions } from './rotation-run';

type Chosen = Pick<ReencryptOptions, 'engine'>;

/** The engine of a run: that of its options, else that of the rotation file. */
export function engineAsked(rotation: Pick<Rotation, 'reencrypt'>, { engine }: Chosen): 'local' | 'batch' | 'auto' {
  return engine ?? rotation.reencrypt.engine;
}

/**
 * Refuses, before anything is inspected, a run by jobs for which the rotation file declares nothing.
 *
 * @throws engine-undeclared
 */
export function requireEngine(rotation: Pick<Rotation, 'reencrypt' | 'file'>, chosen: Chosen): void {
  const engine = engineAsked(rotation, chosen);
  if (engine === 'local' || rotation.reencrypt.batch) return;
  throw new KeyturnError('engine-undeclared', { engine, file: rotation.file });
}
