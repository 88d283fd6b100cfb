import { aliasMoves } from '../kms/alias-moves';
import type { Observing } from '../observation/observe';
import { CLOCK_SLACK } from '../s3/clock-slack';

/**
 * Up to which date a version under the active key may have been moved there: what S3 dates later was written under it, the default since
 * the switch. Where S3 makes the manifests of jobs, nobody asks for annotations before a move, so that any version may.
 *
 * @returns milliseconds since the epoch; infinite where the switch has no known time
 */
export async function movedBefore({ clients, rotation }: Observing, activeKeyArn: string): Promise<number> {
  const { batch, method } = rotation.reencrypt;
  if (batch?.manifest === 'generated' && method === 'rewrap') return Number.POSITIVE_INFINITY;
  if (activeKeyArn === '') return Number.POSITIVE_INFINITY;
  const moves = await aliasMoves(clients.kms, rotation.alias, activeKeyArn);
  return moves ? moves.movedAt.getTime() + CLOCK_SLACK : Number.POSITIVE_INFINITY;
}
