import { KeyturnError } from '../errors';
import { observeVersions } from '../observation/observe';
import { bucketExists } from '../s3/bucket-default';
import { waitingVersions } from './material/lost-material';
import type { MaterialRun } from './rotation-run';

/**
 * Looks, before anything is changed, at what the rotation file takes for granted. Adopted buckets, and those that the
 * gate must also look into, exist, belong to this account, and stand in this Region.
 *
 * @throws bucket-missing, bucket-of-another-account, bucket-in-another-region
 */
export async function preflight(run: Pick<MaterialRun, 'rotation' | 'clients' | 'identity'>): Promise<void> {
  const { rotation, clients, identity } = run;
  const adopted = rotation.buckets.filter((bucket) => bucket.manage === 'encryption').map((bucket) => bucket.name);
  for (const bucket of [...adopted, ...rotation.retire.verifyOnlyBuckets]) {
    if (!(await bucketExists(clients.s3, bucket, identity.account))) {
      throw new KeyturnError('bucket-missing', { bucket, account: identity.account, region: clients.region });
    }
  }
}

/**
 * Refuses, before a key is even declared, a run that would generate material that nobody keeps.
 *
 * @throws custody-recipients-missing, custody-recipient-invalid, hsm-unavailable, hsm-pin, hsm-unsupported
 */
export async function preflightCustody(run: MaterialRun): Promise<void> {
  const versions = await observeVersions(run);
  const undeclared = versions.some((one) => !one.key && !one.version.keyArn && !one.version.disabled);
  if (!undeclared && waitingVersions(run, versions).length === 0) return;
  const custodian = await run.custodian();
  // A module that is absent, locked or unable to wrap is found out before a key is declared for it.
  if (custodian.kind === 'pkcs11') await custodian.wrapping();
}
