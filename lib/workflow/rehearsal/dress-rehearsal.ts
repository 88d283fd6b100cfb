import { isCode, KeyturnError } from '../../errors';
import { describeKey } from '../../kms/describe-key';
import type { BucketReencryption } from '../../reencrypt/bucket-reencryption';
import { annotationNames } from '../../s3/annotations';
import type { VersionRef } from '../../s3/object-version';
import type { BucketVerification } from '../../verify/bucket-verification';
import type { VerificationRecord } from '../flow-facts';
import type { RetireRun } from '../rotation-run';
import { ReaderSessions } from './reader-sessions';
import { type BucketToRehearse, type RehearsedBucket, rehearseBucket } from './rehearse-bucket';

/** What became of the disable when it was rehearsed: a role read a sample while it was denied all use of the old key. */
export interface DressRehearsal {
  /** ARN of the role. */
  readonly role: string;
  /** ARN of the old key. */
  readonly keyArn: string;
  /** ISO 8601, by S3's clock, of its beginning. */
  readonly at: string;
  /** SHA-256 of the policy of the session that read; absent: no session was opened. */
  readonly sessionPolicy: string | undefined;
  /** What shows that the session could not use the old key. */
  readonly denial: Denial;
  readonly buckets: readonly RehearsedBucket[];
  /** Sentences: why it proves nothing, or not enough. */
  readonly impossible: readonly string[];
  /** Requests sent to STS and S3 as the role. */
  readonly requests: number;
}

interface Denial {
  /** What KMS answered to DescribeKey of the old key by the session that read; absent: it was not asked. */
  readonly describeKey: 'denied' | 'answered' | undefined;
  /** The same by a session that was denied nothing: only in contrast to it does a denial show anything. */
  readonly describeKeyOtherwise: 'denied' | 'answered' | undefined;
}

/** What is rehearsed. */
export interface Rehearsed {
  readonly keyArn: string;
  readonly activeKeyArn: string;
  readonly verification: VerificationRecord | undefined;
  readonly passes: readonly BucketReencryption[];
}

/**
 * Rehearses the disable of a key as the role of `retire.rehearseAs`. Undefined where the rotation file names no role, and where there is
 * no verification to choose versions from: the gate stays closed then.
 *
 * @throws interrupted; everything else that fails is a reason of the gate
 */
export async function dressRehearsal(run: RetireRun, asked: Rehearsed): Promise<DressRehearsal | undefined> {
  const role = run.rotation.retire.rehearseAs;
  const { keyArn, activeKeyArn, verification } = asked;
  if (role === undefined || !verification || keyArn === '' || activeKeyArn === '') return undefined;
  const at = new Date(run.store.now()).toISOString();
  const session = { roleArn: role, sessionName: `keyturn-${run.rotation.name}` };
  using sessions = new ReaderSessions(run.clients, session, { old: keyArn, active: activeKeyArn });
  const none = { describeKey: undefined, describeKeyOtherwise: undefined };
  let [denial, buckets]: [Denial, readonly RehearsedBucket[]] = [none, []];
  const impossible: string[] = [];
  try {
    denial = await denialOf(sessions, keyArn);
    buckets = await rehearseBuckets(run, sessions, asked, verification);
    impossible.push(...unproven(denial, buckets, keyArn), ...unread(buckets));
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.code === 'interrupted') throw error;
    impossible.push(whyNot(role, error));
  }
  const { requests, policies } = sessions;
  const sessionPolicy = denial.describeKey && policies.old.sha256;
  return { role, keyArn, at, sessionPolicy, denial, buckets, impossible, requests };
}

async function rehearseBuckets(
  run: RetireRun,
  sessions: ReaderSessions,
  { passes }: Rehearsed,
  { buckets, changes }: VerificationRecord,
): Promise<readonly RehearsedBucket[]> {
  const rehearsed: RehearsedBucket[] = [];
  for (const found of buckets) {
    run.reporter.progress(`${found.bucket}: dress rehearsal`);
    const { store: own, signal, clients, identity } = run;
    const annotationsOf = (ref: VersionRef, most: number) =>
      annotationNames(clients.s3, ref, { owner: identity.account, most, signal });
    const tools = { sessions, own, annotationsOf, signal };
    rehearsed.push(await rehearseBucket(toRehearse(found, changes, passes), tools));
  }
  return rehearsed;
}

/** The sample of a verification, and everything that it or the re-encryption of the same run is in doubt about. */
function toRehearse(
  found: BucketVerification,
  changes: readonly BucketVerification[],
  passes: readonly BucketReencryption[],
): BucketToRehearse {
  const { bucket, objectVersions } = found;
  const sample = found.toRehearse ?? {
    versioning: 'enabled',
    underActive: [],
    outOfScope: [],
    archived: 0,
    customerKey: 0,
  };
  const pass = passes.find((one) => one.bucket === bucket);
  const changed = changes.filter((one) => one.bucket === bucket);
  const inDoubt = [
    ...[found, ...changed].flatMap((one) => [...one.unknown, ...one.sources.disagreements]),
    ...(pass?.failed ?? []),
  ];
  const annotated = [found, ...changed].flatMap((one) => one.annotations.annotated);
  return { bucket, objectVersions, sample, inDoubt, annotated };
}

async function denialOf(sessions: ReaderSessions, keyArn: string): Promise<Denial> {
  const ask = async (denied: 'old' | 'nothing'): Promise<'denied' | 'answered'> => {
    const { clients } = await sessions.of(denied);
    try {
      await describeKey(clients.kms, keyArn);
      return 'answered';
    } catch (error) {
      if (isCode(error, 'aws-access-denied')) return 'denied';
      throw error;
    }
  };
  return { describeKey: await ask('old'), describeKeyOtherwise: await ask('nothing') };
}

/** Why the reads do not show that the old key is not needed: the denial has to be seen in force. */
function unproven(denial: Denial, buckets: readonly RehearsedBucket[], keyArn: string): readonly string[] {
  if (denial.describeKey === 'answered') {
    return [
      `KMS answers kms:DescribeKey of ${keyArn} to a session whose policy denies it, so the denial is not in force`,
    ];
  }
  const cached = buckets.flatMap(({ bucket, readWithoutActive: version }) =>
    version === undefined
      ? []
      : [
          `a session that is denied the active key can read ${JSON.stringify(version.key)} in ${bucket}, so the reads show nothing`,
        ],
  );
  const isContrast = denial.describeKeyOtherwise === 'answered';
  const isShown = isContrast || buckets.some(({ refusedWithoutActive }) => refusedWithoutActive !== undefined);
  if (isShown || cached.length > 0 || buckets.every(({ read }) => read === 0)) return cached;
  return [
    `nothing shows that the denial is in force: no object under the active key could be read, and the role may not call kms:DescribeKey on ${keyArn}`,
  ];
}

/** Sentences named at most. */
const NAMED = 5;

/** Why too little was read. */
function unread(buckets: readonly RehearsedBucket[]): readonly string[] {
  const all = buckets.flatMap(({ bucket, unreadable }) =>
    unreadable.map(({ key, why }) => `the role cannot read ${JSON.stringify(key)} in ${bucket} with any key: ${why}`),
  );
  const more = all.length > NAMED ? [`the role cannot read ${all.length - NAMED} more object version(s)`] : [];
  const sum = (of: (one: RehearsedBucket) => number) => buckets.reduce((total, one) => total + of(one), 0);
  const isAnything = sum(({ objectVersions }) => objectVersions) > 0;
  if (sum(({ read, failed }) => read + failed.length) > 0 || !isAnything || all.length > 0) {
    return [...all.slice(0, NAMED), ...more];
  }
  return [
    `nothing could be read: ${sum(({ archived }) => archived)} object version(s) are archived, ${sum(({ customerKey }) => customerKey)} under a customer's key, ${sum(({ outOfReach }) => outOfReach)} under other keys and not for this role`,
  ];
}

function whyNot(role: string, error: KeyturnError): string {
  const isRefused = isCode(error, 'aws-access-denied') && error.facts.action === 'sts:AssumeRole';
  if (!isRefused) return `${error.message}`;
  return `${role} cannot be assumed: its trust policy has to name this identity or its account, and this identity needs sts:AssumeRole on it (${error.facts.awsMessage})`;
}
