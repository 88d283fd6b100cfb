import type { Identity } from '../aws/caller-identity';
import type { AwsClients } from '../aws/clients';
import type { Rotation } from '../rotation/rotation';

/** What reading and writing a rotation's archived evidence takes. */
export interface ArchiveAccess {
  readonly rotation: Rotation;
  readonly clients: Pick<AwsClients, 's3'>;
  readonly identity: Identity;
}
