import { priceOf } from './cost';
import PRICES from './prices.json';

/** What jobs are paid for by their number and size, without the requests that their tasks make. */
export interface JobsPriced {
  readonly jobs: number;
  /** Absent: not counted yet. */
  readonly tasks?: number | undefined;
  /** Objects of the bucket, once for each manifest that S3 generates of it. Absent: not counted yet. */
  readonly generated?: number | undefined;
}

/** The price of jobs, for a question or a log: `0.25 USD at list prices of 2026-11 …`, without a final period. */
export function jobPriceText({ jobs, tasks, generated }: JobsPriced): string {
  const { currency, asOf, jobs: each } = PRICES;
  const nothing = { list: 0, read: 0, write: 0, kms: 0 };
  const { amount } = priceOf({ ...nothing, jobs, tasks: tasks ?? 0, generated: generated ?? 0 });
  const open = [
    tasks === undefined ? `${each.perMillionTasks.toFixed(2)} ${currency} for a million tasks` : '',
    generated === undefined ? `${each.perMillionListed} ${currency} for a million objects that S3 lists` : '',
  ].filter(Boolean);
  const all = [`${amount.toFixed(2)} ${currency}`, ...open].join(' and ');
  return `${all} at list prices of ${asOf}, which AWS does not confirm, and the requests of the tasks`;
}
