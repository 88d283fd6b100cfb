import PRICES from './prices.json';

/** What is paid for. */
export interface Priced {
  readonly list: number;
  readonly read: number;
  readonly write: number;
  readonly kms: number;
  readonly jobs: number;
  readonly tasks: number;
  /** Objects of the bucket each time that S3 generates a manifest of it. */
  readonly generated: number;
}

/** At list prices. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
  /** `2026-11` */
  readonly pricesAsOf: string;
  /** What of the amount stands on prices that are not confirmed: those of jobs. */
  readonly unconfirmed: number;
}

export function priceOf(priced: Priced): Money {
  const { perThousand, jobs, currency, asOf } = PRICES;
  const requests =
    (priced.list * perThousand.s3List +
      priced.read * perThousand.s3Get +
      priced.write * perThousand.s3Put +
      priced.kms * perThousand.kms) /
    1000;
  const unconfirmed =
    priced.jobs * jobs.perJob + (priced.tasks * jobs.perMillionTasks + priced.generated * jobs.perMillionListed) / 1e6;
  return { amount: cents(requests + unconfirmed), currency, pricesAsOf: asOf, unconfirmed: cents(unconfirmed) };
}

function cents(amount: number): number {
  return Math.round(amount * 100) / 100;
}
