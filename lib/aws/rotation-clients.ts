import { type Rotation, sessionName } from '../rotation/rotation';
import { type AwsClients, type ClientOptions, createClients } from './clients';

/**
 * The clients of a rotation: its Region, and the profile and the role of its file, which its stacks use too.
 *
 * @param options - `region`: another Region than that of the rotation
 */
export function clientsFor(
  rotation: Pick<Rotation, 'name' | 'region' | 'aws'>,
  options: Pick<ClientOptions, 'env' | 'signal'> & { readonly region?: string },
): AwsClients {
  const { profile, assumeRole } = rotation.aws ?? {};
  const role = assumeRole && { ...assumeRole, sessionName: sessionName(rotation) };
  return createClients({ region: rotation.region, profile, role, ...options });
}
