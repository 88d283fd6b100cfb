import { cpus, loadavg } from 'node:os';
import { type Contest, keyturn, measured, type Row } from './contest';
import { missingTools, toolContests } from './copy-tools';
import type { ClientRequest } from './reencrypt-client';
import type { StubSetup } from './s3-stub';
import { cpuEach, overBound, resultOf, type Target, targetsOf } from './targets';

/**
 * What a whole rotation costs on one stub S3 at 20 ms latency, every version moved and verified: this engine, the same engine over
 * the AWS SDK, and the copy alone by the command line tools that are on PATH. `npm run bench` takes some minutes;
 * `npm run bench -- --full` adds 1,000,000 versions, `--only=ID,ID` takes some rows, and `--slower=4` leaves a quarter of S3's limits,
 * for a machine that is busy. Each contestant runs in a process of its own, and so does the stub.
 */

/** Milliseconds. */
const LATENCY = 20;
/** S3's documented limits of one prefix. */
const [READS, WRITES] = [5_500, 3_500];
/** Versions of a row on a stub with S3's limits. */
const LIMITED = 100_000;

const SCOPES = [
  { id: 'default', work: 'rotate', text: 'default scope' },
  { id: 'any', work: 'rotate-any', text: 'from: any' },
] as const;

async function main(): Promise<void> {
  const isFull = process.argv.includes('--full');
  const only = process.argv
    .find((one) => one.startsWith('--only='))
    ?.slice('--only='.length)
    .split(',');
  const rows: Row[] = [];
  const slower = Number(process.argv.find((one) => one.startsWith('--slower='))?.slice('--slower='.length) ?? 1);
  for (const contest of contests(isFull, slower)) {
    if (only && !only.includes(contest.id)) continue;
    process.stderr.write(`${contest.id}: ${contest.name}, ${contest.setup.objects} versions …\n`);
    const row = await measured(contest);
    rows.push(row);
    process.stderr.write(`${'cost' in row ? JSON.stringify(row.cost) : row.error}\n`);
  }
  print(rows);
}

function contests(isFull: boolean, slower: number): readonly Contest[] {
  const sizes = [
    { id: '10k', objects: 10_000 },
    { id: '100k', objects: 100_000 },
    ...(isFull ? [{ id: '1m', objects: 1_000_000 }] : []),
  ];
  return [
    ...sizes.flatMap(({ id, objects }) =>
      SCOPES.map((scope) => rotation(`${scope.id}-${id}`, `keyturn, ${scope.text}`, { objects }, { work: scope.work })),
    ),
    rotation('sdk', 'keyturn over the AWS SDK, default scope', { objects: 10_000 }, { work: 'rotate', path: 'sdk' }),
    ...SCOPES.map(({ id, work, text }) =>
      rotation(
        `${id}-2p`,
        `keyturn, ${text}, two processes and the one that records, 16 prefixes`,
        { objects: 100_000, prefixes: 16 },
        { work, processes: 2 },
      ),
    ),
    ...[1, 4, 16].flatMap((prefixes) => SCOPES.map((scope) => limited(scope, prefixes, slower))),
    rotation(
      'fleet',
      'keyturn, 1,000 buckets of 10, 32 at once, default scope',
      { objects: 10_000, buckets: 1_000 },
      { work: 'fleet', buckets: 1_000 },
    ),
    {
      ...rotation('list', 'listing alone', { objects: 1_000_000 }, { work: 'list' }),
      listsOnly: true,
    },
    ...toolContests(10_000, LATENCY),
  ];
}

function rotation(
  id: string,
  name: string,
  setup: Omit<StubSetup, 'latency'>,
  request: Pick<ClientRequest, 'work' | 'buckets' | 'processes'> & { readonly path?: 'direct' | 'sdk' },
): Contest {
  return {
    id,
    name,
    setup: { ...setup, latency: LATENCY },
    run: (endpoint) => keyturn({ path: 'direct', ...request, endpoint }),
  };
}

/** All prefixes together accept what S3 accepts of one, so that two cores are enough to reach it. */
function limited({ id, work, text }: (typeof SCOPES)[number], prefixes: number, slower: number): Contest {
  const share = prefixes * slower;
  const limits = { reads: READS / share, writes: WRITES / share };
  const scaled = share === 1 ? "S3's limits" : `each with 1/${share} of S3's limits`;
  const name = `keyturn, ${text}, ${prefixes} prefix(es), ${scaled}`;
  return rotation(
    `${id}-limit-${prefixes}`,
    name,
    { objects: Math.floor(LIMITED / share) * prefixes, prefixes, limits },
    { work },
  );
}

const HEADINGS = ['', 'versions', 'requests/version', 'CPU µs/version', 'versions/s', 'wall/bound', 'peak MB'];

function print(rows: readonly Row[]): void {
  write('A whole rotation, every version moved and verified, unless the row says otherwise:');
  table([HEADINGS, ...rows.map(cellsOf)]);
  write('Targets:');
  table([['', 'measured', 'target', ''], ...targetsOf(rows).map(targetCells)]);
  const load = loadavg()[0]?.toFixed(1);
  write(`${cpus().length} cores, load ${load}, ${LATENCY} ms latency; the stub has a process of its own.`);
  write(
    `wall/bound: over what ${READS} reads and ${WRITES} writes a second for each prefix allow, or the part of them that the row names.`,
  );
  write('CPU of a tool, and of several processes, includes their start.');
  const missing = missingTools();
  if (missing.length > 0) write(`Not on PATH, so not measured: ${missing.join(', ')}.`);
}

function cellsOf(row: Row): readonly string[] {
  const { name, setup } = row.contest;
  const versions = setup.objects.toLocaleString('en-US');
  if ('error' in row) return [name, versions, `error: ${row.error}`];
  const { cost } = row;
  return [
    name,
    versions,
    (cost.requests / cost.versions).toFixed(4),
    cpuEach(cost).toFixed(0),
    (cost.versions / cost.seconds).toFixed(0),
    overBound(cost)?.toFixed(2) ?? '-',
    cost.peakRss === undefined ? '?' : (cost.peakRss / 1e6).toFixed(0),
  ];
}

function targetCells(target: Target): readonly string[] {
  const { text, figure, atMost, atLeast } = target;
  const shown = figure === undefined ? '-' : figure.toFixed(figure < 100 ? 2 : 0);
  return [text, shown, atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`, resultOf(target)];
}

/** As Markdown, so that docs can quote it. */
function table(rows: readonly (readonly string[])[]): void {
  const [headings = [], ...lines] = rows;
  const aligned = headings.map((_, at) => (at === 0 ? '---' : '---:'));
  for (const row of [headings, aligned, ...lines]) {
    const filled = [...row, ...Array.from({ length: headings.length - row.length }, () => '')];
    process.stdout.write(`| ${filled.join(' | ')} |\n`);
  }
  write('');
}

function write(text: string): void {
  process.stdout.write(`${text}\n${text === '' ? '' : '\n'}`);
}

void main();
