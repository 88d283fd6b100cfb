import { ASSUMPTIONS } from '../lib/forecast/assumptions';
import { batchEngine, type Estimate, localEngine, type Scale } from '../lib/forecast/engine-model';
import { COMMON_KMS_QUOTA, kmsQuota, LEFT_BY_BUCKET_KEY, S3_PER_PREFIX } from '../lib/forecast/service-limits';
import { simulateBatch, simulateLocal } from './simulated-engines';

/** The tables of docs/scale.md, as Markdown. The same on every machine. */

const SIZES = [1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11];
/** A pace of jobs to fear: nothing says that it is theirs. */
const SLOW_JOB = 1_000;

interface Setting {
  readonly title: string;
  readonly scale: Omit<Scale, 'versions' | 'verify'>;
}

const setting = (prefixes: number, bucketKeys: number, region: string, noncurrent = 0): Setting => ({
  title:
    `${prefixes} ${prefixes === 1 ? 'prefix' : 'prefixes'}, ${bucketKeys === 1 ? 'bucket keys' : 'no bucket keys'}, ` +
    `${whole(kmsQuota(region))} KMS calls a second${noncurrent > 0 ? `, ${noncurrent * 100} % noncurrent` : ''}`,
  scale: {
    prefixes,
    bucketKeys,
    noncurrent,
    kmsPerSecond: kmsQuota(region),
    bytesEach: 1e6,
    method: 'rewrap',
    manifest: 'listed',
  },
});

export const SETTINGS: readonly Setting[] = [
  setting(1, 1, 'ap-northeast-1'),
  setting(10, 1, 'ap-northeast-1'),
  setting(10, 0, 'eu-north-1'),
  setting(10, 1, 'ap-northeast-1', 0.5),
  setting(100, 1, 'us-east-1'),
];

export function scaleTables(): string {
  return [
    '**What KMS and S3 let through**, rewraps a second',
    ceilings(),
    ...SETTINGS.flatMap((one) => [`**${one.title}**`, timesAndCosts(one)]),
    '**From how many object versions on jobs are ahead**, by the model',
    breakEvens(),
  ].join('\n\n');
}

function ceilings(): string {
  const rows = [
    ['every other', COMMON_KMS_QUOTA] as const,
    ['us-east-2, ap-southeast-1, -2, ap-northeast-1, eu-central-1, eu-west-2', kmsQuota('us-east-2')] as const,
    ['us-east-1, us-west-2, eu-west-1', kmsQuota('us-east-1')] as const,
  ].map(([region, quota]) => {
    const without = quota / 2;
    const prefixes = (rate: number) => whole(Math.ceil(rate / S3_PER_PREFIX.writes));
    const withKeys = without / LEFT_BY_BUCKET_KEY;
    return [region, whole(quota), whole(without), prefixes(without), whole(withKeys), prefixes(withKeys)];
  });
  const head = ['Region', 'KMS quota', 'no bucket keys', 'prefixes for that', 'bucket keys', 'prefixes for that'];
  return table(head, rows);
}

function timesAndCosts({ scale }: Setting): string {
  const rows = SIZES.map((versions) => {
    const heads = { ...scale, versions, verify: 'heads' } as const;
    const manifest = { ...scale, versions, verify: 'manifest' } as const;
    const local = localEngine(heads);
    const jobs = batchEngine(manifest);
    const slow = batchEngine(manifest, { ...ASSUMPTIONS, jobTasksPerSecond: SLOW_JOB });
    return [
      `10^${Math.log10(versions)}`,
      `${duration(local.seconds)} (${duration(simulateLocal(heads))})`,
      slowest(local),
      duration(batchEngine(heads).seconds),
      `${duration(jobs.seconds)} (${duration(simulateBatch(manifest))})`,
      slowest(jobs),
      duration(slow.seconds),
      money(local.cost.amount),
      `${money(jobs.cost.amount)} (${money(jobs.cost.unconfirmed)})`,
    ];
  });
  const head = [
    'versions',
    'local (simulated)',
    'held back by',
    'jobs, heads',
    'jobs, manifest (simulated)',
    'held back by',
    `jobs at ${whole(SLOW_JOB)}/s`,
    'cost local',
    'cost jobs (unconfirmed part)',
  ];
  return table(head, rows);
}

/** What holds back the longest phase. */
function slowest({ phases }: Estimate): string {
  const [longest] = [...phases].sort((one, other) => other.seconds - one.seconds);
  return longest ? `${longest.name}: ${longest.boundBy}` : '';
}

function breakEvens(): string {
  const rows = SETTINGS.map(({ title, scale }) => [
    title,
    firstWhere((versions) => ahead(scale, versions, 'heads', (one) => one.seconds)),
    firstWhere((versions) => ahead(scale, versions, 'manifest', (one) => one.seconds)),
    firstWhere((versions) => ahead(scale, versions, 'heads', (one) => one.cost.amount)),
    firstWhere((versions) => ahead(scale, versions, 'manifest', (one) => one.cost.amount)),
  ]);
  const head = ['bucket', 'faster, heads', 'faster, manifest', 'cheaper, heads', 'cheaper, manifest'];
  return table(head, rows);
}

function ahead(
  scale: Setting['scale'],
  versions: number,
  verify: Scale['verify'],
  of: (estimate: Estimate) => number,
): boolean {
  return of(batchEngine({ ...scale, versions, verify })) < of(localEngine({ ...scale, versions, verify: 'heads' }));
}

/** To two digits; the advantage, once there, stays. */
function firstWhere(isAhead: (versions: number) => boolean): string {
  for (let power = 4; power <= 11; power += 1) {
    for (let digits = 10; digits < 100; digits += 1) {
      const versions = digits * 10 ** (power - 1);
      if (isAhead(versions)) return whole(versions);
    }
  }
  return 'never';
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

/** `40 s`, `16 min`, `9.8 h`, `4.1 days`, two digits at the least. */
function duration(seconds: number): string {
  const units: readonly (readonly [number, string])[] = [
    [31_557_600, 'years'],
    [86_400, 'days'],
    [3_600, 'h'],
    [60, 'min'],
  ];
  const [unit, word] = units.find(([one]) => seconds >= 1.5 * one) ?? [1, 's'];
  const value = seconds / unit;
  return `${value < 10 ? value.toFixed(1) : whole(Math.round(value))} ${word}`;
}

function money(amount: number): string {
  return `$${amount < 100 ? amount.toFixed(2) : whole(Math.round(amount))}`;
}

function whole(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}
