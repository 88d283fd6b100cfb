import { accountIdentities } from '../iam/account-policies';
import { type KeyMarks, readKeyMarks } from '../kms/key-marks';
import { identitySays, readIdentity } from './identity-access';
import type { Looked } from './looked';
import { type LostIdentity, lostIdentities } from './lost-identity';
import type { AccessRun } from './old-key-uses';
import type { PolicyStatement } from './policy';
import type { IdentityAccess } from './used-access';

/** What IAM says of the two keys. */
export interface AccountAccess {
  readonly lost: readonly LostIdentity[];
  readonly says: IdentityAccess;
  /** What policies tell the new key by; undefined: IAM was not read. */
  readonly newKey: KeyMarks | undefined;
}

interface Keys {
  readonly from: { readonly arn: string; readonly policy: readonly PolicyStatement[] };
  readonly to: { readonly arn: string; readonly policy: readonly PolicyStatement[] };
}

/** Reads the IAM policies of the account and compares what they say of the two keys. */
export async function accountAccess(
  { clients, rotation }: AccessRun,
  { from, to }: Keys,
  looked: Looked,
): Promise<AccountAccess> {
  const what = 'IAM policies of the account';
  const answer = await accountIdentities(await clients.iam());
  if (answer.known === undefined) {
    looked.unread.push(`${what}: not asked, ${'unknown' in answer ? answer.unknown : ''}`);
    return { lost: [], says: () => undefined, newKey: undefined };
  }
  looked.asked.push(what);
  const identities = answer.known.map(readIdentity);
  for (const { arn, unread } of identities)
    if (unread.length > 0)
      looked.unread.push(`${what}: ${unread.join(', ')} of ${arn} is not understood, or not shown`);
  const [oldKey, read] = [await readKeyMarks(clients.kms, from.arn), await readKeyMarks(clients.kms, to.arn)];
  // The switch moves it.
  const newKey = { ...read, aliases: read.aliases && [...new Set([...read.aliases, rotation.alias])] };
  const byArn = new Map(identities.map((one) => [one.arn, one]));
  const facts = { from: from.policy, to: to.policy, oldKey, newKey, region: rotation.region };
  return {
    lost: lostIdentities(identities, facts),
    newKey,
    says(arn, request) {
      const identity = byArn.get(arn);
      return identity && identitySays(identity, request, newKey);
    },
  };
}
