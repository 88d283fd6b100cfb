import { aliasSwitchedAt } from '../kms/alias-switch';
import { describeKey } from '../kms/describe-key';
import {
  type Answered,
  answered,
  grantsOn,
  type KeyGrant,
  type LastUsage,
  lastUsageOf,
  otherUsers,
} from '../kms/other-users';
import { lastMoved } from '../observation/evidence-queries';
import { evidenceDirectory, evidenceOf, type ObservedVersion } from '../observation/observe';
import type { Rotation } from '../rotation/rotation';
import { hasIdOf, isKey } from '../s3/object-version';
import { otherDefaults } from '../s3/other-defaults';
import { replicaKeys } from '../s3/replica-keys';
import type { ReencryptFacts, UsageBefore } from './flow-facts';
import type { RetireRun, RunTarget } from './rotation-run';
import { type TrailAnswer, usesSinceSwitch } from './uses-since-switch';

/** Who may use a key, as far as AWS tells, whether or not they did. */
export interface StandingUsers {
  readonly grants: Answered<readonly KeyGrant[]>;
  /** Buckets outside of the rotation whose new objects go under the key. */
  readonly defaultOf: readonly string[];
  /** What about other buckets could not be seen, in a sentence, and the bucket where it is about one. */
  readonly defaultsUnknown: readonly { readonly bucket: string | undefined; readonly text: string }[];
  /** Buckets whose replication writes under the key, and where to. */
  readonly replicas: readonly { readonly bucket: string; readonly destination: string }[];
  /** What could not be seen of the replication of a bucket, in a sentence. */
  readonly replicasUnknown: readonly { readonly bucket: string; readonly text: string }[];
}

/** Who else uses a key: the facts behind the gate's reasons about other users. */
export interface OtherKeyUsers extends StandingUsers {
  readonly use: KeyUse;
}

/** The uses that KMS reports, and what explains them. */
export interface KeyUse {
  /** The last use before this run moved anything: its moves hide it. Absent: this run did not begin to move. */
  readonly before: Answered<LastUsage> | undefined;
  /** The last use now. */
  readonly now: Answered<LastUsage>;
  /** When the alias was switched to the active key. */
  readonly switchedAt: Answered<Date | undefined>;
  /** Whether this run moved objects. */
  readonly hasMoved: boolean;
  /** Milliseconds since the epoch: when Keyturn last moved objects, in this run or by the evidence here; absent: no such run is known. */
  readonly movedUntil: number | undefined;
  /** Who used it since the switch, by CloudTrail; undefined: the alias was not switched, or nobody knows when, and nothing was asked. */
  readonly trail: TrailAnswer | undefined;
}

/** The last use of each key, before anything is moved: afterwards the re-encryption itself is the last use. */
export async function usagesBefore(
  { clients }: Pick<RunTarget, 'clients'>,
  versions: readonly ObservedVersion[],
): Promise<readonly UsageBefore[]> {
  const found: UsageBefore[] = [];
  for (const { key } of versions) {
    if (key) found.push({ keyArn: key.arn, usage: await lastUsageOf(clients.kms, key.arn) });
  }
  return found;
}

/** Asks KMS and S3 who else uses a key. @throws as the calls do, but not where one is denied: that is an answer */
export async function observeUsers(
  run: RetireRun,
  { keyArn, activeKeyArn }: { readonly keyArn: string; readonly activeKeyArn: string },
  moved: Partial<ReencryptFacts>,
): Promise<OtherKeyUsers> {
  const { rotation, clients } = run;
  const { grants, lastUsage } = await otherUsers(clients.kms, keyArn);
  const buckets = await bucketsUnder(run, keyArn);
  const byEvidence = await lastMoved(evidenceDirectory(rotation), evidenceOf(run));
  const movedUntil = moved.movedUntil ?? byEvidence?.getTime();
  // In a dry run the active version may have no key yet.
  const switchedAt =
    activeKeyArn === ''
      ? { known: undefined }
      : await answered('kms:ListAliases', () => aliasSwitchedAt(clients.kms, rotation.alias, activeKeyArn));
  return {
    grants,
    ...buckets,
    use: {
      before: moved.usagesBefore?.find((one) => one.keyArn === keyArn)?.usage,
      now: lastUsage,
      switchedAt,
      hasMoved: moved.movedUntil !== undefined,
      movedUntil,
      trail:
        switchedAt.known === undefined
          ? undefined
          : await usesSinceSwitch(run, { keyArn, switchedAt: switchedAt.known, movedUntil }),
    },
  };
}

/** The same without its uses. @throws as {@link observeUsers} */
export async function observeStanding(run: RetireRun, keyArn: string): Promise<StandingUsers> {
  return { grants: await grantsOn(run.clients.kms, keyArn), ...(await bucketsUnder(run, keyArn)) };
}

/** What buckets of the account name the key: as their default, and for the replicas of their objects. */
async function bucketsUnder(run: RetireRun, keyArn: string): Promise<Omit<StandingUsers, 'grants'>> {
  const { rotation, clients, identity, signal } = run;
  const resolve = resolver(clients);
  const found = await otherDefaults(clients.s3, {
    region: rotation.region,
    account: identity.account,
    except: rotation.buckets.map(({ name }) => name),
    also: otherBucketsOf(rotation),
    signal,
  });
  const defaultOf: string[] = [];
  const defaultsUnknown = found.denied.map(({ action, bucket }) => ({
    bucket,
    text:
      bucket === undefined
        ? `${action} is denied, so buckets that name the key as their default, or for their replicas, are not known`
        : `${action} is denied on ${bucket}, so its default key is not known`,
  }));
  for (const { bucket, keyId } of found.defaults) {
    const key = await resolve(keyId);
    if ('unknown' in key)
      defaultsUnknown.push({ bucket, text: `the default key of ${bucket} is ${keyId}, and ${key.unknown}` });
    else if (key.known !== undefined && hasIdOf(key.known, keyArn)) defaultOf.push(bucket);
  }
  const declared = rotation.buckets.map(({ name }) => name);
  const buckets = [...new Set([...declared, ...found.asked])].sort();
  const { rules, unknown } = await replicaKeys(clients.s3, { buckets, account: identity.account, signal });
  const replicas: { bucket: string; destination: string }[] = [];
  const replicasUnknown = [...unknown];
  for (const { bucket, destination, keyId } of rules) {
    const key = await resolve(keyId);
    if ('unknown' in key)
      replicasUnknown.push({ bucket, text: `replicas of ${bucket} go under ${keyId}, and ${key.unknown}` });
    // Replicas in another Region go under a key of that Region, which may be a multi-Region key of the same id.
    else if (key.known !== undefined && isKey(key.known, keyArn)) replicas.push({ bucket, destination });
  }
  return { defaultOf, defaultsUnknown, replicas, replicasUnknown };
}

type Resolved = Answered<string | undefined>;

/** Resolves each name of a key once. */
function resolver(clients: RunTarget['clients']): (keyId: string) => Promise<Resolved> {
  const known = new Map<string, Resolved>();
  return async (keyId) => {
    const key = known.get(keyId) ?? (await arnOf(clients, keyId));
    known.set(keyId, key);
    return key;
  };
}

/** An alias names another key tomorrow; an ARN and an id are the key itself. */
async function arnOf({ kms }: RunTarget['clients'], keyId: string): Promise<Answered<string | undefined>> {
  if (!/(?:^|:)alias\//.test(keyId)) return { known: keyId };
  return answered('kms:DescribeKey', async () => (await describeKey(kms, keyId))?.arn);
}

/** Buckets that the rotation file names without re-encrypting them. */
function otherBucketsOf({ retire, evidence, reencrypt, terraform }: Rotation): readonly string[] {
  const state = terraform.backend === 's3' ? terraform.s3.bucket : undefined;
  const named = [evidence.bucket?.name, reencrypt.batch?.bucket, state];
  return [...retire.verifyOnlyBuckets, ...named.flatMap((name) => name ?? [])];
}
