/** What a proposal will move, in numbers; or why that is not known. */
import { mdCode, mdText } from '../proposals/markdown';

export interface BucketForecast {
  readonly bucket: string;
  readonly objectVersions: number;
  readonly toMove: number;
  readonly bytes: number;
  readonly blocked: number;
  readonly unknown: number;
  /** Requests that the re-encryption will send to S3. */
  readonly requests: number;
  readonly seconds: number;
  readonly cost: { readonly amount: number; readonly currency: string };
}

export type Forecast =
  | {
      readonly known: true;
      readonly method: string;
      readonly buckets: readonly BucketForecast[];
      /** What the figures stand on: date and place of the price list, the pace. */
      readonly basis: readonly string[];
    }
  /** One sentence without a final period. */
  | { readonly known: false; readonly why: string };

/** Lines of Markdown. */
export function forecastText(forecast: Forecast): string[] {
  if (!forecast.known) return [`Not given: ${mdText(forecast.why)}.`];
  const rows = forecast.buckets.map((one) => [
    mdCode(one.bucket),
    whole(one.objectVersions),
    whole(one.toMove),
    size(one.bytes),
    whole(one.blocked + one.unknown),
    whole(one.requests),
    duration(one.seconds),
    `${one.cost.amount.toFixed(2)} ${one.cost.currency}`,
  ]);
  return [
    '| bucket | object versions | to move | bytes | blocked or unknown | requests | time | cost |',
    '|---|--:|--:|--:|--:|--:|--:|--:|',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    `Counted by a dry run of ${mdCode(forecast.method)} that changed nothing. ${forecast.basis.map(mdText).join('. ')}.`,
  ];
}

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
