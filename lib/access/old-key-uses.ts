import type { AwsClients } from '../aws/clients';
import { hasOnlyContext } from '../cloudtrail/event-record';
import { keyEvents } from '../cloudtrail/key-events';
import { usesOf } from '../cloudtrail/key-uses';
import { simulate } from '../iam/simulation';
import type { KeyMarks } from '../kms/key-marks';
import { type KeyGrant, lastUsageOf } from '../kms/other-users';
import { PROOF_CONTEXT } from '../kms/prove-import';
import type { Observing } from '../observation/observe';
import type { Looked } from './looked';
import { checkedBySimulation } from './simulated-uses';
import { unseenUse } from './unseen-use';
import { type UsedAccess, type UseFacts, usedAccess } from './used-access';

/** What a comparison of two keys uses. */
export interface AccessRun extends Observing {
  readonly clients: Pick<AwsClients, 'kms' | 's3' | 'cloudTrail' | 'iam'>;
}

/** Everything that uses of the old key are weighed against. */
export type NewKey = Pick<UseFacts, 'from' | 'to' | 'identity'> & {
  readonly grants: readonly KeyGrant[];
  readonly newGrants: readonly KeyGrant[];
  /** Undefined: IAM was not read. */
  readonly newKey: KeyMarks | undefined;
};

const DAY = 86_400_000;

/** Who used the old key, by CloudTrail, and what becomes of each use. */
export async function usesOfOldKey(
  { clients, rotation, identity, signal }: AccessRun,
  { version, key }: { readonly version: { readonly name: string }; readonly key: { readonly arn: string } },
  { grants, newGrants, newKey, ...policies }: NewKey,
  looked: Looked,
): Promise<readonly UsedAccess[]> {
  const { days, waivers } = rotation.access;
  const now = new Date();
  const what = `CloudTrail: uses of the key of ${version.name} in the last ${days} days`;
  const since = new Date(now.getTime() - days * DAY);
  const found = await keyEvents(await clients.cloudTrail(), { keyArn: key.arn, since, signal });
  if (found.known === undefined) {
    looked.unread.push(`${what}: not asked, ${'unknown' in found ? found.unknown : ''}`);
    return [];
  }
  const { events, endedAt, unread } = found.known;
  looked.asked.push(what);
  if (endedAt !== undefined)
    looked.unread.push(`${what}: nothing before ${endedAt.toISOString()}, for there are too many`);
  if (unread > 0) looked.unread.push(`${what}: ${unread} events name nobody who is understood`);
  const usage = await lastUsageOf(clients.kms, key.arn);
  if ('unknown' in usage)
    looked.notRead.push(`the last use of the key of ${version.name} that KMS reports: ${usage.unknown}`);
  const unseen = usage.known && unseenUse(usage.known, events, since);
  if (unseen !== undefined) looked.unread.push(`${what}: ${unseen}`);
  const facts: UseFacts = {
    ...policies,
    region: rotation.region,
    account: identity.account,
    granted: (who, operation) =>
      newGrants.some(
        (grant) => grant.grantee === who && grant.constraints === undefined && grant.operations.includes(operation),
      ),
    grantedBefore: (account) => grants.some(({ grantee }) => grantee === undefined || grantee.includes(account)),
    waivers,
    now,
  };
  const own = events.filter((event) => !hasOnlyContext(event, PROOF_CONTEXT));
  const uses = usesOf(own, key.arn).map((use) => ({ use, access: usedAccess(use, facts) }));
  if (newKey === undefined) return uses.map(({ access }) => access);
  const iam = await clients.iam();
  return checkedBySimulation((request) => simulate(iam, request), uses, { ...facts, newKey }, looked);
}
