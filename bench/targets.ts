import type { Cost, Row } from './contest';

/** A figure that one run of the benchmark must reach. */
export interface Target {
  readonly text: string;
  /** Undefined: the row that it is of was not measured. */
  readonly figure: number | undefined;
  readonly atMost?: number | undefined;
  readonly atLeast?: number | undefined;
}

const perSecond = (cost: Cost): number => cost.versions / cost.seconds;
const requestsEach = (cost: Cost): number => cost.requests / cost.versions;
/** Microseconds. */
export const cpuEach = (cost: Cost): number => (cost.cpuSeconds / cost.versions) * 1e6;
/** Undefined without limits. */
export const overBound = (cost: Cost): number | undefined =>
  cost.boundSeconds > 0 ? cost.seconds / cost.boundSeconds : undefined;
const megabytes = (cost: Cost): number | undefined => cost.peakRss && cost.peakRss / 1e6;

/** The targets of a whole rotation, verified, beside what was measured. */
export function targetsOf(rows: readonly Row[]): readonly Target[] {
  const of = (id: string, figure: (cost: Cost) => number | undefined): number | undefined => {
    const row = rows.find(({ contest }) => contest.id === id);
    return row && 'cost' in row ? figure(row.cost) : undefined;
  };
  const [copied, cheapest] = [of('aws', cpuEach), of('any-100k', cpuEach)];
  const limited = ['1', '4', '16'].flatMap((prefixes) =>
    [
      { id: 'default', text: 'default scope' },
      { id: 'any', text: '`from: any`' },
    ].map(({ id, text }) => ({
      text: `wall time over the bound by S3's limits, ${prefixes} prefix(es), ${text}`,
      figure: of(`${id}-limit-${prefixes}`, overBound),
      atMost: 1.1,
    })),
  );
  return [
    { text: 'requests a version, default scope', figure: of('default-100k', requestsEach), atMost: 3.02 },
    { text: 'requests a version, `from: any`', figure: of('any-100k', requestsEach), atMost: 2.02 },
    { text: 'CPU µs a version, default scope', figure: of('default-100k', cpuEach), atMost: 165 },
    { text: 'CPU µs a version, `from: any`', figure: cheapest, atMost: 120 },
    {
      text: 'CPU of `aws s3 cp --recursive` (copy alone) over that of `from: any` (verified)',
      figure: copied !== undefined && cheapest !== undefined ? copied / cheapest : undefined,
      atLeast: 15,
    },
    { text: 'versions/s, default scope, one process', figure: of('default-100k', perSecond), atLeast: 5_500 },
    { text: 'versions/s, `from: any`, one process', figure: of('any-100k', perSecond), atLeast: 7_500 },
    { text: 'versions/s, default scope, two processes', figure: of('default-2p', perSecond), atLeast: 7_500 },
    { text: 'versions/s, `from: any`, two processes', figure: of('any-2p', perSecond), atLeast: 10_000 },
    ...limited,
    { text: 'peak MB at 10,000 versions', figure: of('default-10k', megabytes), atMost: 150 },
    { text: 'peak MB at 1,000,000 versions (`--full`)', figure: of('default-1m', megabytes), atMost: 150 },
    { text: 'seconds for 1,000 buckets of 10 objects', figure: of('fleet', (cost) => cost.seconds), atMost: 60 },
  ];
}

/** `pass`, `miss`, or `not measured`. */
export function resultOf({ figure, atMost = Number.POSITIVE_INFINITY, atLeast = 0 }: Target): string {
  if (figure === undefined || Number.isNaN(figure)) return 'not measured';
  return figure <= atMost && figure >= atLeast ? 'pass' : 'miss';
}
