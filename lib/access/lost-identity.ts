import type { KeyMarks } from '../kms/key-marks';
import { requestOf, USES, type Use } from './askers';
import { type AccessRequest, decide } from './decide';
import { identitySays, type ReadIdentity, statementTruth } from './identity-access';
import type { PolicyStatement } from './policy';

/** A user or role that IAM lets use the old key and not, or not for certain, the new one. */
export interface LostIdentity {
  readonly arn: string;
  readonly uses: readonly Use[];
  readonly verdict: 'lost' | 'unknown';
  /** The policies whose statements tell the keys apart: names, or ARNs of managed ones. */
  readonly policies: readonly string[];
  readonly fix: string;
}

export interface IdentityFacts {
  readonly from: readonly PolicyStatement[];
  readonly to: readonly PolicyStatement[];
  readonly oldKey: KeyMarks;
  readonly newKey: KeyMarks;
  readonly region: string;
}

/**
 * The identities of the account for which IAM tells the two keys apart, where the new key's policy leaves it to IAM: by its ARN, its
 * aliases or its tags. What the two policies of the keys decide by themselves is found by comparing those.
 */
export function lostIdentities(all: readonly ReadIdentity[], facts: IdentityFacts): readonly LostIdentity[] {
  return all.flatMap((identity) => {
    const found = (Object.keys(USES) as Use[]).flatMap((use) => lostUse(identity, use, facts));
    const [first] = found;
    if (first === undefined) return [];
    const policies = [...new Set(found.flatMap((one) => one.policies))];
    const verdict = found.some((one) => one.verdict === 'lost') ? ('lost' as const) : ('unknown' as const);
    const fix = `name ${facts.newKey.arn} in ${policies.join(', ')}, too`;
    return [{ arn: identity.arn, uses: found.map(({ use }) => use), verdict, policies, fix }];
  });
}

function lostUse(
  identity: ReadIdentity,
  use: Use,
  { from, to, oldKey, newKey, region }: IdentityFacts,
): readonly (Pick<LostIdentity, 'verdict' | 'policies'> & { readonly use: Use })[] {
  const account = identity.arn.split(':')[4] ?? '';
  const asker = { kind: 'principal', arn: identity.arn, account } as const;
  const request = requestOf({ asker, source: {} }, use, 'through S3', region);
  const policies = tellApart(identity, request, oldKey, newKey);
  if (policies.length === 0 || decide(from, request) === 'denied') return [];
  const after = decide(to, request);
  const [before, now] = [identitySays(identity, request, oldKey), identitySays(identity, request, newKey)];
  if (before.denies === 'yes' || after === 'denied') return [];
  // Whom a key's policy names itself needs no IAM policy, but one that denies still does.
  if (after === 'allowed' && now.denies === 'no') return [];
  if (before.allows === 'no' && decide(from, request) !== 'allowed') return [];
  if (now.denies === 'no' && now.allows === 'yes') return [];
  const isLost = now.denies === 'yes' || (now.denies === 'no' && now.allows === 'no' && after === 'left-to-iam');
  return [{ use, verdict: isLost ? 'lost' : 'unknown', policies }];
}

/** The policies with a statement that applies to one key otherwise than to the other. */
function tellApart(
  { statements, boundary = [] }: ReadIdentity,
  request: AccessRequest,
  oldKey: KeyMarks,
  newKey: KeyMarks,
): readonly string[] {
  const different = [...statements, ...boundary].filter(
    (one) => statementTruth(one, request, oldKey) !== statementTruth(one, request, newKey),
  );
  return [...new Set(different.map(({ policy }) => policy))];
}
