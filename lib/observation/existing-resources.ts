import { describeKey } from '../kms/describe-key';
import type { CreatedResource, ExistingResource } from '../rotation/created-resource';
import { boundKeyArn, versionAlias } from '../rotation/rotation';
import { bucketExists } from '../s3/bucket-default';
import type { Observing } from './observe';
import { verdictEvidence } from './verdict-records';

/**
 * Those of the resources that AWS holds already, whatever their state. A key is looked up by its version alias, and by what the
 * binding and the evidence here know: a version whose `keyArn` was taken out of the file is still that key.
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
    const named = await describeKey(run.clients.kms, alias);
    const key = named ?? (resource.kind === 'key' ? await recordedKey(run, resource.name) : undefined);
    if (!key) continue;
    const { arn: keyArn, state, deletionDate } = key;
    found.push({ ...resource, keyArn, state, deletionDate, ...(named ? {} : { isRecorded: true }) });
  }
  return found;
}

async function recordedKey(run: Observing, version: string) {
  const arn =
    boundKeyArn(run.rotation, { name: version, keyArn: undefined }) ??
    (await verdictEvidence(run)).keyArns.get(version);
  return arn === undefined ? undefined : describeKey(run.clients.kms, arn);
}
