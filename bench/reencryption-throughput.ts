import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';

/**
 * What re-encryption costs on one stub S3 at 20 ms latency: this engine, the same engine over the AWS SDK,
 * and the command line tools that are on PATH. `npm run bench` takes some minutes; `npm run bench -- --full` adds the
 * 1,000,000 versions. Each contestant runs in a process of its own, and so does the stub.
 */

interface Cost {
  readonly name: string;
  readonly versions: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRss: number | undefined;
  readonly requests: number;
}

const LATENCY = 20;
const HERE = __dirname;
const ENVIRONMENT = {
  ...process.env,
  AWS_ACCESS_KEY_ID: 'A',
  AWS_SECRET_ACCESS_KEY: 'B',
  AWS_DEFAULT_REGION: 'ap-northeast-1',
  AWS_REGION: 'ap-northeast-1',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};
const NEW = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';

/** A tool that copies objects onto themselves under the new key: what people do today. */
interface Tool {
  readonly name: string;
  readonly command: string;
  readonly args: (url: string) => readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const TOOLS: readonly Tool[] = [
  {
    name: 'aws s3 cp --recursive',
    command: 'aws',
    args: (url) => [
      '--endpoint-url',
      url,
      's3',
      'cp',
      's3://b/',
      's3://b/',
      '--recursive',
      '--only-show-errors',
      '--sse',
      'aws:kms',
      '--sse-kms-key-id',
      NEW,
    ],
  },
  {
    name: 's5cmd cp',
    command: 's5cmd',
    args: (url) => ['--endpoint-url', url, 'cp', '--sse', 'aws:kms', '--sse-kms-key-id', NEW, 's3://b/*', 's3://b/'],
  },
  {
    name: 'rclone copy',
    command: 'rclone',
    args: () => ['copy', ':s3:b', ':s3:b', '--ignore-times', '--transfers', '64', '--checkers', '64'],
    environment: {
      RCLONE_S3_PROVIDER: 'AWS',
      RCLONE_S3_ENV_AUTH: 'true',
      RCLONE_S3_SERVER_SIDE_ENCRYPTION: 'aws:kms',
      RCLONE_S3_SSE_KMS_KEY_ID: NEW,
    },
  },
];

async function main(): Promise<void> {
  const isFull = process.argv.includes('--full');
  const only = process.argv.find((one) => one.startsWith('--only='))?.slice('--only='.length);
  const contests: (readonly [string, number, () => Promise<Cost>])[] = [
    ['keyturn', 10_000, () => engine('keyturn', 10_000, 'direct')],
    ['keyturn', 100_000, () => engine('keyturn', 100_000, 'direct')],
    ['optimistic', 100_000, () => engine('keyturn --optimistic', 100_000, 'direct', 'optimistic')],
    ['sdk', 10_000, () => engine('keyturn over the AWS SDK', 10_000, 'sdk')],
    ['verify', 100_000, () => engine('verification by heads', 100_000, 'direct', 'verify')],
    ['rotation', 100_000, () => engine('whole rotation', 100_000, 'direct', 'rotation')],
    ['rotation-any', 100_000, () => engine('whole rotation, from: any', 100_000, 'direct', 'rotation-any')],
    ['list', 1_000_000, () => engine('listing alone', 1_000_000, 'direct', 'list')],
    ...(isFull ? [['keyturn', 1_000_000, () => engine('keyturn', 1_000_000, 'direct')] as const] : []),
    ...TOOLS.filter((tool) => isOnPath(tool.command)).map(
      (one) => [one.command, 2_000, () => toolCost(one, 2_000)] as const,
    ),
  ];
  const missing = TOOLS.filter((one) => !isOnPath(one.command)).map((one) => one.command);
  const rows: Cost[] = [];
  for (const [name, versions, contest] of contests) {
    if (only !== undefined && only !== name) continue;
    process.stderr.write(`${name}, ${versions} versions …\n`);
    const row = await contest();
    rows.push(row);
    process.stderr.write(`${JSON.stringify(row)}\n`);
  }
  print(rows, missing);
}

async function engine(name: string, versions: number, store: 'direct' | 'sdk', mode = 'rewrap'): Promise<Cost> {
  return withStub(versions, async (url) => {
    // As the command itself starts: the ESM loader, which it does not need, would take memory of its own.
    const args = ['--require', 'tsx/cjs', path.join(HERE, 'reencrypt-client.ts'), url, store, mode];
    const output = execFileSync(process.execPath, args, {
      env: ENVIRONMENT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const cost = JSON.parse(output) as Omit<Cost, 'name'>;
    if (cost.versions !== versions) throw new Error(`${name} came to ${cost.versions} of ${versions} versions`);
    return { name, ...cost };
  });
}

async function toolCost(tool: Tool, versions: number): Promise<Cost> {
  return withStub(versions, async (url) => {
    const env = { ...ENVIRONMENT, AWS_ENDPOINT_URL: url, RCLONE_S3_ENDPOINT: url, ...tool.environment };
    const startedAt = performance.now();
    const before = childTimes();
    const child = spawn(tool.command, [...tool.args(url)], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    let peakRss: number | undefined;
    const watch = setInterval(() => {
      peakRss = residentPeak(child.pid) ?? peakRss;
    }, 100);
    const code = await ended(child);
    clearInterval(watch);
    if (code !== 0) throw new Error(`${tool.name} ended with ${code}`);
    const seconds = (performance.now() - startedAt) / 1000;
    const requests = Number(await (await fetch(`${url}/stub-requests`)).text());
    return { name: tool.name, versions, seconds, cpuSeconds: childTimes() - before, peakRss, requests };
  });
}

async function withStub<T>(versions: number, body: (url: string) => Promise<T>): Promise<T> {
  const args = ['--require', 'tsx/cjs', path.join(HERE, 's3-stub.ts'), String(versions), String(LATENCY)];
  const stub = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const port = await new Promise<string>((resolve, reject) => {
      stub.stdout.once('data', (chunk) => resolve(String(chunk).trim()));
      stub.once('exit', () => reject(new Error('the stub did not start')));
    });
    return await body(`http://127.0.0.1:${port}`);
  } finally {
    const gone = ended(stub);
    stub.kill();
    await gone;
  }
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

/** CPU seconds of children that have ended, from the kernel's account of this process; Linux only, NaN elsewhere. */
function childTimes(): number {
  const stat = '/proc/self/stat';
  if (!existsSync(stat)) return Number.NaN;
  const fields = readFileSync(stat, 'utf8').split(') ')[1]?.split(' ') ?? [];
  // cutime and cstime are fields 16 and 17 of the whole line, in hundredths of a second.
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function residentPeak(pid: number | undefined): number | undefined {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return undefined;
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'));
  return peak ? Number(peak[1]) * 1024 : undefined;
}

function isOnPath(command: string): boolean {
  return (process.env.PATH ?? '').split(path.delimiter).some((one) => existsSync(path.join(one, command)));
}

function print(rows: readonly Cost[], missing: readonly string[]): void {
  const table = [
    ['', 'versions', 'objects/s', 'CPU µs/object', 'objects/s per core', 'peak RSS MB', 'requests/object'],
    ...rows.map((row) => [
      row.name,
      String(row.versions),
      (row.versions / row.seconds).toFixed(0),
      ((row.cpuSeconds / row.versions) * 1e6).toFixed(0),
      (row.versions / row.cpuSeconds).toFixed(0),
      row.peakRss === undefined ? '?' : (row.peakRss / 1e6).toFixed(0),
      (row.requests / row.versions).toFixed(4),
    ]),
  ];
  const widths = (table[0] ?? []).map((_, at) => Math.max(...table.map((row) => (row[at] ?? '').length)));
  for (const row of table) {
    const cells = row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)));
    process.stdout.write(`${cells.join('  ')}\n`);
  }
  const load = loadavg()[0]?.toFixed(1);
  process.stdout.write(
    `\n${cpus().length} cores, load ${load}, ${LATENCY} ms latency; the stub has a process of its own\n`,
  );
  if (missing.length > 0) process.stdout.write(`not on PATH, so not measured: ${missing.join(', ')}\n`);
}

void main();
