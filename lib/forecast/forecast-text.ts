/** What a re-encryption of one bucket will move, in numbers. */
export interface BucketForecast {
  readonly bucket: string;
  readonly objectVersions: number;
  readonly toMove: number;
  readonly bytes: number;
  /** Under something that the rotation file does not name: counted and left alone. */
  readonly outOfScope: number;
  readonly blocked: number;
  readonly unknown: number;
  /** Requests that the re-encryption will send to S3. */
  readonly requests: number;
  readonly seconds: number;
  readonly cost: { readonly amount: number; readonly currency: string };
}

/** What a proposal will move; or why that is not known. */
export type Forecast =
  | {
      readonly known: true;
      readonly method: string;
      readonly buckets: readonly BucketForecast[];
      /** What the figures stand on: date and place of the price list, the pace. */
      readonly basis: readonly string[];
    }
  /** `why`: one sentence without a final period. */
  | { readonly known: false; readonly why: string };

/** The forecast of one bucket, ready to be shown. */
export interface ForecastRow {
  readonly bucket: string;
  /** One for each of {@link FORECAST_COLUMNS}. */
  readonly cells: readonly string[];
}

/** A row for each bucket. */
export function forecastRows(buckets: readonly BucketForecast[]): readonly ForecastRow[] {
  return buckets.map((one) => ({
    bucket: one.bucket,
    cells: [
      whole(one.objectVersions),
      whole(one.toMove),
      size(one.bytes),
      whole(one.outOfScope),
      whole(one.blocked + one.unknown),
      whole(one.requests),
      duration(one.seconds),
      `${one.cost.amount.toFixed(2)} ${one.cost.currency}`,
    ],
  }));
}

/** What the cells of a row are. */
export const FORECAST_COLUMNS = [
  'object versions',
  'to move',
  'bytes',
  'out of scope',
  'blocked or unknown',
  'requests',
  'time',
  'cost',
] as const;

const whole = (count: number): string => count.toLocaleString('en-US');

/** `1.5 GiB` */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const at = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** at;
  return `${at === 0 ? value : value.toFixed(1)} ${units[at]}`;
}

/** `2 h 5 min`, `40 s`; rounded up. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.ceil(seconds))} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
