import { JobFiles } from '../../batch/job-files';
import type { RunTarget } from '../rotation-run';

/** The bucket of manifests and reports that the rotation file declares. */
export function jobFilesOf({ clients, rotation, identity, signal }: RunTarget): JobFiles {
  const bucket = rotation.reencrypt.batch?.bucket ?? '';
  return new JobFiles({ s3: clients.s3, bucket, owner: identity.account, region: rotation.region, signal });
}
