import { priceOf } from '../forecast/cost';
import { confirmPolicy } from './confirm-policy';
import type { Probe } from './probe';
import { bucketPrefix, MARK_TAG } from './sandbox-mark';
import { DELETION_DAYS } from './schedule-key-deletion';

/** The keys of a run: one for imported material, one whose material KMS makes. */
const KEYS = 2;
/** What a key costs for an hour: 1 USD a month. */
const KEY_HOUR = 1 / 730;
/** More requests than a probe makes. */
const REQUESTS = 30;

/** What is said before anything is asked. */
export interface Announcement {
  /** In USD, rounded up to cents. */
  readonly cost: number;
  readonly lines: readonly string[];
}

interface AnnouncedRun {
  readonly account: string;
  readonly region: string;
  /** How long the probes wait for what AWS shows late, at most. */
  readonly minutes: number;
  readonly role: string | undefined;
  readonly jobRole: string | undefined;
}

export function announcementOf(
  probes: readonly Probe[],
  { account, region, minutes, role, jobRole }: AnnouncedRun,
): Announcement {
  const jobs = jobRole === undefined ? 0 : probes.reduce((sum, probe) => sum + (probe.jobs ?? 0), 0);
  const requests = probes.length * REQUESTS;
  const each = { list: requests, read: requests, write: requests, kms: requests };
  const { amount, currency, pricesAsOf } = priceOf({ ...each, jobs, tasks: jobs, generated: jobs });
  const cost = Math.ceil((amount + KEYS * KEY_HOUR * Math.ceil(1 + minutes / 60)) * 100) / 100;
  const policy = confirmPolicy(account, region, { role, jobRole });
  const actions = new Set(policy.Statement.flatMap(({ Action }) => Action));
  const priced = jobs === 0 ? '' : `, of that ${jobs} jobs of S3 Batch Operations`;
  return {
    cost,
    lines: [
      `asks ${probes.length} questions, for at most ${cost.toFixed(2)} ${currency} at list prices of ${pricesAsOf}${priced}`,
      `makes one bucket, ${bucketPrefix(account)}…, and ${KEYS} KMS keys, all with the tag ${MARK_TAG}`,
      `needs, as \`npx keyturn policy confirm\` prints it: ${[...actions].join(', ')}`,
      ...(role === undefined
        ? []
        : [`acts as ${role} for one question, with a session policy that only describes keys`]),
      ...(jobRole === undefined ? [] : [`lets jobs start as ${jobRole}, and confirms none of them`]),
      `first removes what earlier runs left in this account and Region: run one at a time`,
      `leaves behind ${KEYS} keys that KMS deletes in ${DELETION_DAYS} days and that nothing uses; they cost nothing until then`,
    ],
  };
}
