import { describeKey } from '../kms/describe-key';
import type { CreatedResource, ExistingResource } from '../rotation/created-resource';
import { versionAlias } from '../rotation/rotation';
import { bucketExists } from '../s3/bucket-default';
import type { Observing } from './observe';

/**
 * Those of the resources that AWS holds already, whatever their state. A key is looked up by its version alias.
 *
 * @throws bucket-of-another-account, bucket-in-another-region, and what every AWS call may throw
 */
export async function existingResources(
  run: Observing,
  created: readonly CreatedResource[],
): Promise<readonly ExistingResource[]> {
  const found: ExistingResource[] = [];
  for (const resource of created) {
    if (resource.kind === 'bucket') {
      if (await bucketExists(run.clients.s3, resource.name, run.identity.account))
        found.push({ ...resource, keyArn: undefined, state: undefined, deletionDate: undefined });
      continue;
    }
    const alias = resource.kind === 'key' ? versionAlias(run.rotation, { name: resource.name }) : resource.name;
    const key = await describeKey(run.clients.kms, alias);
    if (key) found.push({ ...resource, keyArn: key.arn, state: key.state, deletionDate: key.deletionDate });
  }
  return found;
}
