import { KeyturnError } from '../lib/errors';
import type { ProposalKind } from '../lib/proposals/proposal';
import { type OptionValues, text } from './cli/command';

const DAY = 86_400_000;
const MOST_DAYS = 365;

/**
 * The expiry from `--valid-days` or `--valid-to`, in whole seconds; undefined if neither is given.
 *
 * @throws KeyturnError `usage`
 */
export function readValidTo(kind: ProposalKind, options: OptionValues, now: Date): Date | undefined {
  const days = text(options, 'validDays');
  const to = text(options, 'validTo');
  if (days === undefined && to === undefined) return undefined;
  if (kind !== 'version')
    throw usage(`--valid-days and --valid-to belong to the phase version, not to ${kind}`, PROPOSE);
  return givenValidTo(options, now, PROPOSE);
}

const PROPOSE = 'npx keyturn propose version --valid-days 300';

/**
 * The same, for any command.
 *
 * @param example - a correct command line
 * @throws KeyturnError `usage`
 */
export function givenValidTo(options: OptionValues, now: Date, example: string): Date | undefined {
  const days = text(options, 'validDays');
  const to = text(options, 'validTo');
  if (days === undefined && to === undefined) return undefined;
  if (days !== undefined && to !== undefined) throw usage('--valid-days and --valid-to are given both', example);
  return to === undefined ? daysFrom(now, days ?? '', example) : exactTime(to, example);
}

/** KMS checks its limit of 365 days to the second, so the expiry is a minute earlier. */
function daysFrom(now: Date, given: string, example: string): Date {
  const days = /^\d{1,3}$/.test(given) ? Number(given) : 0;
  if (days < 1 || days > MOST_DAYS)
    throw usage(`--valid-days accepts a whole number from 1 to ${MOST_DAYS}, not ${JSON.stringify(given)}`, example);
  const end = Math.min(now.getTime() + days * DAY, now.getTime() + MOST_DAYS * DAY - 60_000);
  return new Date(Math.floor(end / 1000) * 1000);
}

function exactTime(given: string, example: string): Date {
  const time = new Date(given);
  const exact = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(given) && !Number.isNaN(time.getTime());
  if (exact && time.toISOString() === given.replace('Z', '.000Z')) return time;
  throw usage(`--valid-to accepts a UTC time such as 2027-11-01T00:00:00Z, not ${JSON.stringify(given)}`, example);
}

const usage = (problem: string, example: string): KeyturnError =>
  new KeyturnError('usage', { problem, hint: `such as \`${example}\`` });
