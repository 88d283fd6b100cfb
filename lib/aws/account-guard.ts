import { KeyturnError } from '../errors';
import type { Rotation } from '../rotation/rotation';
import { callerIdentity, type Identity } from './caller-identity';
import type { AwsClients } from './clients';

/** The account and Region of the next change, printed before anything is changed. */
export interface Target extends Identity {
  readonly region: string;
}

/**
 * Compares the account and Region of the credentials with the rotation file, before anything is changed. A mismatch
 * exits with 78, because the rotation file is the reviewed one.
 *
 * @throws KeyturnError `region-mismatch`, `account-mismatch`, or what {@link callerIdentity} throws
 */
export async function confirmTarget(
  clients: Pick<AwsClients, 'sts' | 'region'>,
  rotation: Pick<Rotation, 'file' | 'region' | 'account'>,
): Promise<Target> {
  const { file } = rotation;
  if (clients.region !== rotation.region) {
    throw new KeyturnError('region-mismatch', { declared: rotation.region, given: clients.region, file });
  }
  const identity = await callerIdentity(clients);
  if (rotation.account !== undefined && rotation.account !== identity.account) {
    const facts = { declared: rotation.account, given: identity.account, identity: identity.arn, file };
    throw new KeyturnError('account-mismatch', facts);
  }
  return { ...identity, region: clients.region };
}
