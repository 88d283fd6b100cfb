/** What AWS holds of a key, an alias and buckets that no rotation file declares yet. Reads only. */
import type { Identity } from '../aws/caller-identity';
import type { AwsClients } from '../aws/clients';
import { KeyturnError, throwIfInterrupted } from '../errors';
import { aliasTarget } from '../kms/alias-target';
import { aliasesOfKey } from '../kms/aliases-of-key';
import { describeKey, type KeyDescription } from '../kms/describe-key';
import { type Answered, otherUsers } from '../kms/other-users';
import { readKeyPolicy } from '../kms/read-key-policy';
import { bucketDefault, bucketExists } from '../s3/bucket-default';
import { bucketVersioning } from '../s3/bucket-versioning';
import { otherDefaults } from '../s3/other-defaults';

export interface AdoptionRequest {
  /** `alias/…` */
  readonly alias: string;
  /** Buckets to cover; empty: those whose default names the alias's key. */
  readonly buckets: readonly string[];
  /** Buckets that a rotation file declares already: those that exist are looked at. Default: none. */
  readonly declared?: readonly string[];
  /** ARNs of further keys that objects may be under. */
  readonly keys: readonly string[];
}

/** A key that somebody made, and who uses it as far as AWS tells. */
export interface AdoptableKey
  extends Pick<KeyDescription, 'arn' | 'origin' | 'state' | 'validTo' | 'creationDate' | 'relatedKeys'> {
  readonly aliases: readonly string[];
  /** Who may use it by a grant: grantee and operations. */
  readonly grants: readonly string[];
  readonly lastUsed: Date | undefined;
  /** The key policy, JSON text; undefined: it may not be read. */
  readonly policy: string | undefined;
  /** Buckets of the account and Region whose default names it. */
  readonly defaultOf: readonly string[];
}

export interface AdoptableBucket {
  readonly name: string;
  readonly algorithm: string;
  readonly bucketKey: boolean;
  /** ARN of the key that its default names; undefined: none of this account, or the AWS managed one. */
  readonly keyArn: string | undefined;
  readonly versioning: 'Enabled' | 'Suspended' | 'Off';
}

export interface Adoptable {
  readonly alias: string;
  /** The key of the alias last; before it the keys of buckets and those of the request, the oldest first. */
  readonly keys: readonly AdoptableKey[];
  readonly buckets: readonly AdoptableBucket[];
  /** What could not be read, one clause each. */
  readonly unread: readonly string[];
}

interface Looking {
  readonly clients: Pick<AwsClients, 'kms' | 's3' | 'region'>;
  readonly identity: Identity;
  readonly signal: AbortSignal;
}

/**
 * Looks at the alias, its key, the buckets and the keys of their defaults, and who else uses these keys.
 *
 * @throws KeyturnError `proposal-refused` where the alias, a key or a bucket does not exist, and what every AWS call may throw
 */
export async function observeAdoptable(looking: Looking, request: AdoptionRequest): Promise<Adoptable> {
  const { clients, identity, signal } = looking;
  const { alias } = request;
  const main = await describeKey(clients.kms, alias);
  if (!main) throw nothing(`${alias} does not exist in Region ${clients.region}`, NO_ALIAS);
  const all = await otherDefaults(clients.s3, {
    region: clients.region,
    account: identity.account,
    except: [],
    also: request.buckets,
    signal,
  });
  const unread = all.denied.map(({ action, bucket }) => `${action} is denied${bucket ? ` on ${bucket}` : ''}`);
  const resolve = resolver(clients.kms);
  const defaults = [];
  for (const { bucket, keyId } of all.defaults) defaults.push({ bucket, arn: (await resolve(keyId))?.arn });
  const there: string[] = [];
  for (const name of request.declared ?? [])
    if (await bucketExists(clients.s3, name, identity.account)) there.push(name);
  const named = [...new Set([...request.buckets, ...there])];
  const wanted =
    named.length > 0 || request.declared !== undefined
      ? named
      : defaults.filter(({ arn }) => arn === main.arn).map(({ bucket }) => bucket);
  const buckets: AdoptableBucket[] = [];
  for (const name of wanted) {
    throwIfInterrupted(signal, 'reading the buckets');
    buckets.push(await bucketOf(looking, name, resolve));
  }
  const others = await otherKeys(resolve, clients.region, main, [
    ...request.keys,
    ...buckets.flatMap(({ keyArn }) => keyArn ?? []),
  ]);
  const keys: AdoptableKey[] = [];
  for (const key of [...others, main]) keys.push(await usersOf(looking, key, defaults, unread));
  return { alias, keys, buckets, unread };
}

const NO_ALIAS = 'check the name and the Region: `aws kms list-aliases`';

const nothing = (problem: string, hint: string) => new KeyturnError('proposal-refused', { problem, hint });

type Resolve = (keyId: string) => Promise<KeyDescription | undefined>;

/** Each name is asked for once. */
function resolver(kms: AwsClients['kms']): Resolve {
  const known = new Map<string, Promise<KeyDescription | undefined>>();
  return (keyId) => {
    const found = known.get(keyId) ?? describeKey(kms, keyId);
    known.set(keyId, found);
    return found;
  };
}

async function bucketOf({ clients, identity }: Looking, name: string, resolve: Resolve): Promise<AdoptableBucket> {
  const found = await bucketDefault(clients.s3, name, identity.account);
  if (!found) throw nothing(`bucket ${name} does not exist`, 'check the name: `aws s3 ls`');
  const key = found.keyArn === undefined ? undefined : await resolve(found.keyArn);
  return {
    name,
    algorithm: found.algorithm,
    bucketKey: found.bucketKey,
    keyArn: key?.arn,
    versioning: await bucketVersioning(clients.s3, name, identity.account),
  };
}

/** Oldest first: versions are declared in the order of their age. */
async function otherKeys(
  resolve: Resolve,
  region: string,
  main: KeyDescription,
  named: readonly string[],
): Promise<readonly KeyDescription[]> {
  const found = new Map<string, KeyDescription>();
  for (const one of new Set(named)) {
    const key = await resolve(one);
    if (!key)
      throw nothing(`there is no key ${one} in Region ${region}`, 'correct --key, or adopt each Region by itself');
    if (key.arn !== main.arn) found.set(key.arn, key);
  }
  return [...found.values()].sort((left, right) => Number(left.creationDate ?? 0) - Number(right.creationDate ?? 0));
}

async function usersOf(
  { clients }: Looking,
  key: KeyDescription,
  defaults: readonly { readonly bucket: string; readonly arn: string | undefined }[],
  unread: string[],
): Promise<AdoptableKey> {
  const of = <T>(answer: Answered<T>): T | undefined => {
    if ('unknown' in answer) unread.push(`${answer.unknown}, on ${key.arn}`);
    return answer.known;
  };
  const users = await otherUsers(clients.kms, key.arn);
  const { arn, origin, state, validTo, creationDate, relatedKeys } = key;
  return {
    arn,
    origin,
    state,
    validTo,
    creationDate,
    relatedKeys,
    aliases: of(await aliasesOfKey(clients.kms, key.arn)) ?? [],
    grants: (of(users.grants) ?? []).map(
      ({ grantee, operations }) => `${grantee ?? 'nobody named'}: ${operations.join(', ')}`,
    ),
    lastUsed: of(users.lastUsage)?.at,
    policy: of(await readKeyPolicy(clients.kms, key.arn)),
    defaultOf: defaults.filter((one) => one.arn === key.arn).map(({ bucket }) => bucket),
  };
}

/** The key that each of these aliases names; an alias that does not exist is absent. */
export async function takenAliases(
  { clients }: Looking,
  aliases: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const alias of aliases) {
    const target = await aliasTarget(clients.kms, alias);
    if (target !== undefined) found.set(alias, target);
  }
  return found;
}
