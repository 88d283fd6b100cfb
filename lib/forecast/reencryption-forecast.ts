import PRICES from './prices.json';
import { S3_PER_PREFIX } from './service-limits';

/** What a run would cost, from a dry run's outcomes. */
export interface Forecast {
  /** Versions that would move, by how they are encrypted now. */
  readonly byEncryption: Readonly<Record<string, { readonly versions: number; readonly bytes: number }>>;
  /** Versions that cannot move, by reason, with the earliest date that any of them can. */
  readonly blocked: Readonly<Record<string, { readonly versions: number; readonly earliest: string | undefined }>>;
  readonly requests: { readonly list: number; readonly head: number; readonly write: number; readonly other: number };
  /** Calls that S3 makes to KMS at most: bucket keys spare most of those of objects that use them. */
  readonly kmsCallsAtMost: number;
  readonly seconds: number;
  /** At list prices; `pricesAsOf` is their date. */
  readonly cost: { readonly amount: number; readonly currency: string; readonly pricesAsOf: string };
}

/** What a dry run counted of the whole bucket. */
export interface DryRunCounts {
  readonly objectVersions: number;
  readonly deleteMarkers: number;
  readonly method: 'rewrap' | 'rewrite';
}

export interface ForecastOptions {
  /** Versions a second that the run is expected to keep up. Default: {@link paceOfOnePrefix}. */
  readonly versionsPerSecond?: number | undefined;
  readonly optimistic?: boolean | undefined;
}

/** Requests that one version takes, in addition to its share of the listing. */
const PER_VERSION = {
  rewrap: { head: 2, write: 1, other: 0, kms: 2 },
  rewrite: { head: 2, write: 1, other: 1, kms: 2 },
} as const;

/** Versions a second of the local engine on one prefix: S3 accepts 5,500 reads and 3,500 writes of it, and each is inspected twice. */
export function paceOfOnePrefix(method: 'rewrap' | 'rewrite'): number {
  const { head, write, other } = PER_VERSION[method];
  return Math.floor(Math.min(S3_PER_PREFIX.writes / write, S3_PER_PREFIX.reads / (head + other)));
}

/** Adds up a dry run, one object version at a time. */
export class Forecaster {
  readonly #moves = new Map<string, { versions: number; bytes: number }>();
  readonly #blocked = new Map<string, { versions: number; earliest: string | undefined }>();
  #moved = 0;

  /** @param encryption - how the version is encrypted now, as reports name it */
  addMove(encryption: string, bytes: number): void {
    const sum = this.#moves.get(encryption) ?? { versions: 0, bytes: 0 };
    this.#moves.set(encryption, { versions: sum.versions + 1, bytes: sum.bytes + bytes });
    this.#moved += 1;
  }

  /** @param earliest - the earliest date that it can move, ISO 8601; absent where no date is known */
  addBlocked(reason: string, earliest: string | undefined): void {
    const sum = this.#blocked.get(reason);
    this.#blocked.set(reason, { versions: (sum?.versions ?? 0) + 1, earliest: earlier(sum?.earliest, earliest) });
  }

  forecast(run: DryRunCounts, options: ForecastOptions = {}): Forecast {
    const { objectVersions, deleteMarkers, method } = run;
    const each = PER_VERSION[method];
    const headsBefore = options.optimistic && method === 'rewrap' ? 0 : objectVersions;
    const moving = options.optimistic && method === 'rewrap' ? objectVersions : this.#moved;
    const requests = {
      list: 2 * Math.max(1, Math.ceil((objectVersions + deleteMarkers) / 1000)),
      head: headsBefore + moving * (each.head - 1),
      write: moving * each.write,
      other: moving * each.other,
    };
    const { perThousand, currency, asOf } = PRICES;
    const kmsCallsAtMost = moving * each.kms;
    const amount =
      (requests.list * perThousand.s3List +
        (requests.head + requests.other) * perThousand.s3Get +
        requests.write * perThousand.s3Put +
        kmsCallsAtMost * perThousand.kms) /
      1000;
    return {
      byEncryption: Object.fromEntries(this.#moves),
      blocked: Object.fromEntries(this.#blocked),
      requests,
      kmsCallsAtMost,
      seconds: Math.ceil(objectVersions / (options.versionsPerSecond ?? paceOfOnePrefix(method))),
      cost: { amount: Math.round(amount * 100) / 100, currency, pricesAsOf: asOf },
    };
  }
}

function earlier(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}
