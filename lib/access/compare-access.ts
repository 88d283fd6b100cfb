import { KeyturnError } from '../errors';
import { grantsOn, type KeyGrant } from '../kms/other-users';
import { readKeyPolicy } from '../kms/read-key-policy';
import { type ObservedVersion, type Observing, observeVersions } from '../observation/observe';
import type { Rotation } from '../rotation/rotation';
import type { NamedKey } from '../s3/named-keys';
import { readBucketPolicy } from '../s3/read-bucket-policy';
import { accountAccess } from './account-access';
import { Looked } from './looked';
import { type LostAccess, lostAccess } from './lost-access';
import { type LostGrant, lostGrants } from './lost-grants';
import type { LostIdentity } from './lost-identity';
import { namingResources } from './naming-resources';
import { type AccessRun, usesOfOldKey } from './old-key-uses';
import { type PinnedKey, pinnedKeys } from './pinned-keys';
import { type PolicyStatement, readAccessPolicy } from './policy';
import type { UsedAccess } from './used-access';

/** Who may use one version's key and not the other's, as far as it was looked at. */
export interface AccessComparison {
  /** Names and key ARNs of the version that objects leave, and of the one that they go to. */
  readonly from: { readonly version: string; readonly keyArn: string };
  readonly to: { readonly version: string; readonly keyArn: string };
  readonly lost: readonly LostAccess[];
  readonly grants: readonly LostGrant[];
  readonly pinned: readonly PinnedKey[];
  /** Settings of buckets that go on naming the old key: replication, inventories, defaults of other buckets. */
  readonly naming: readonly NamedKey[];
  /** Users and roles for which IAM policies tell the two keys apart. */
  readonly identities: readonly LostIdentity[];
  /** Who used the old key in the window, and what becomes of it. */
  readonly used: readonly UsedAccess[];
  /** What was looked at. */
  readonly asked: readonly string[];
  /** What was to be looked at and could not be, and why: then nothing here is complete. */
  readonly unread: readonly string[];
  /** What no comparison looks at. Never empty. */
  readonly notRead: readonly string[];
}

export interface CompareOptions {
  /** Whether settings of buckets are read, also of all others of the account. Default true. */
  readonly resources?: boolean;
}

/** Sources of access that no command of Keyturn reads. */
const NOT_READ = [
  'policies of access points, of other accounts and of sessions; policies of the organization beyond what IAM simulates for those who used the old key',
];

/**
 * Compares the key that objects go to with every other key of the rotation that objects can be under.
 *
 * @param target - name of the version that is or becomes active; absent: the last one whose key exists
 * @throws KeyturnError `usage` if no key stands behind the target, and as the calls do
 */
export async function compareAccess(
  run: AccessRun,
  target?: string,
  { resources = true }: CompareOptions = {},
): Promise<readonly AccessComparison[]> {
  const versions = (await observeVersions(run)).filter((one): one is WithKey => one.key !== undefined);
  const to =
    versions.find(({ version }) => version.name === target) ?? (target === undefined ? versions.at(-1) : undefined);
  if (to === undefined) {
    const problem = target === undefined ? 'no version has a key yet' : `no key stands behind the version ${target}`;
    throw new KeyturnError('usage', { problem, hint: 'apply the keys stack first, or name another version with --to' });
  }
  const found: AccessComparison[] = [];
  for (const from of versions) {
    const isInUse = !from.version.disabled && from.key.state !== 'PendingImport';
    if (isInUse && from.key.arn !== to.key.arn) found.push(await comparison(run, from, to, resources));
  }
  return found;
}

type WithKey = ObservedVersion & { readonly key: NonNullable<ObservedVersion['key']> };

async function comparison(run: AccessRun, from: WithKey, to: WithKey, resources: boolean): Promise<AccessComparison> {
  const looked = new Looked();
  const before = await keyPolicyOf(run, from, looked);
  const after = await keyPolicyOf(run, to, looked);
  const arns = { from: from.key.arn, to: to.key.arn };
  const [grants, newGrants] = [await grantsOf(run, from, looked), await grantsOf(run, to, looked)];
  const policies = before && after && { from: before, to: after };
  const keys = policies && {
    from: { arn: arns.from, policy: policies.from },
    to: { arn: arns.to, policy: policies.to },
  };
  const account = keys && (await accountAccess(run, keys, looked));
  return {
    from: { version: from.version.name, keyArn: arns.from },
    to: { version: to.version.name, keyArn: arns.to },
    lost: policies ? lostAccess(policies.from, policies.to, run.rotation.region) : [],
    grants: lostGrants(grants, newGrants, to.key.arn),
    pinned: await pinnedIn(run, arns, looked),
    naming: resources ? await namingResources(run, bucketsOf(run.rotation), arns.from, looked) : [],
    identities: account?.lost ?? [],
    used:
      policies && account
        ? await usesOfOldKey(
            run,
            from,
            { ...policies, grants, newGrants, identity: account.says, newKey: account.newKey },
            looked,
          )
        : [],
    asked: looked.asked,
    unread: looked.unread,
    notRead: [...NOT_READ, ...looked.notRead],
  };
}

async function keyPolicyOf(
  { clients }: Observing,
  { version, key }: WithKey,
  looked: Looked,
): Promise<readonly PolicyStatement[] | undefined> {
  const what = `key policy of ${version.name}`;
  const answer = await readKeyPolicy(clients.kms, key.arn);
  const policy = answer.known === undefined ? undefined : readAccessPolicy(answer.known);
  if (policy !== undefined) looked.asked.push(what);
  else looked.unread.push(`${what}: ${'unknown' in answer ? answer.unknown : 'it is not understood'}`);
  return policy;
}

async function grantsOf({ clients }: Observing, of: WithKey, looked: Looked): Promise<readonly KeyGrant[]> {
  const grants = await grantsOn(clients.kms, of.key.arn);
  const what = `grants on the key of ${of.version.name}`;
  if (grants.known === undefined) looked.unread.push(`${what}: ${'unknown' in grants ? grants.unknown : ''}`);
  else looked.asked.push(what);
  return grants.known ?? [];
}

async function pinnedIn(
  { rotation, clients, identity }: Observing,
  arns: { readonly from: string; readonly to: string },
  looked: Looked,
): Promise<readonly PinnedKey[]> {
  const found: PinnedKey[] = [];
  for (const bucket of bucketsOf(rotation)) {
    const what = `policy of bucket ${bucket}`;
    const policy = await readBucketPolicy(clients.s3, bucket, identity.account);
    const statements = typeof policy === 'string' ? [] : readAccessPolicy(policy.text);
    if (policy === 'denied' || policy === 'missing')
      looked.unread.push(
        `${what}: ${policy === 'denied' ? 's3:GetBucketPolicy is denied' : 'there is no such bucket yet'}`,
      );
    else if (statements === undefined) looked.unread.push(`${what}: it is not understood`);
    else looked.asked.push(what);
    found.push(...pinnedKeys(bucket, statements ?? [], arns));
  }
  return found;
}

const bucketsOf = ({ buckets, retire }: Rotation): readonly string[] => [
  ...buckets.map(({ name }) => name),
  ...retire.verifyOnlyBuckets,
];
