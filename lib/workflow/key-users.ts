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
import { hasIdOf } from '../s3/object-version';
import { otherDefaults } from '../s3/other-defaults';
import type { ReencryptFacts, UsageBefore } from './flow-facts';
import type { RetireRun, RunTarget } from './rotation-run';

/** Who may use a key, as far as AWS tells, whether or not they did. */
export interface StandingUsers {
  readonly grants: Answered<readonly KeyGrant[]>;
  /** Buckets outside of the rotation whose new objects go under the key. */
  readonly defaultOf: readonly string[];
  /** What about other buckets could not be seen, in a sentence, and the bucket where it is about one. */
  readonly defaultsUnknown: readonly { readonly bucket: string | undefined; readonly text: string }[];
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
  const defaults = await defaultsUnder(run, keyArn);
  const byEvidence = await lastMoved(evidenceDirectory(rotation), evidenceOf(run));
  return {
    grants,
    ...defaults,
    use: {
      before: moved.usagesBefore?.find((one) => one.keyArn === keyArn)?.usage,
      now: lastUsage,
      // In a dry run the active version may have no key yet.
      switchedAt:
        activeKeyArn === ''
          ? { known: undefined }
          : await answered('kms:ListAliases', () => aliasSwitchedAt(clients.kms, rotation.alias, activeKeyArn)),
      hasMoved: moved.movedUntil !== undefined,
      movedUntil: moved.movedUntil ?? byEvidence?.getTime(),
    },
  };
}

/** The same without its uses. @throws as {@link observeUsers} */
export async function observeStanding(run: RetireRun, keyArn: string): Promise<StandingUsers> {
  return { grants: await grantsOn(run.clients.kms, keyArn), ...(await defaultsUnder(run, keyArn)) };
}

async function defaultsUnder(
  { rotation, clients, identity, signal }: RetireRun,
  keyArn: string,
): Promise<Pick<OtherKeyUsers, 'defaultOf' | 'defaultsUnknown'>> {
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
        ? `${action} is denied, so buckets that name the key as their default are not known`
        : `${action} is denied on ${bucket}, so its default key is not known`,
  }));
  const keys = new Map<string, Answered<string | undefined>>();
  for (const { bucket, keyId } of found.defaults) {
    const key = keys.get(keyId) ?? (await arnOf(clients, keyId));
    keys.set(keyId, key);
    if ('unknown' in key)
      defaultsUnknown.push({ bucket, text: `the default key of ${bucket} is ${keyId}, and ${key.unknown}` });
    else if (key.known !== undefined && hasIdOf(key.known, keyArn)) defaultOf.push(bucket);
  }
  return { defaultOf, defaultsUnknown };
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
