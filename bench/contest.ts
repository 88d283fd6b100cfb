import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { compiled } from './compiled';
import type { ClientCost, ClientRequest } from './reencrypt-client';
import type { StubReport, StubSetup } from './s3-stub';

/** What a contestant cost; `requests` and the bound are counted by the stub. */
export interface Cost extends Omit<ClientCost, 'peakRss'> {
  /** Bytes; absent where the platform does not report it. */
  readonly peakRss: number | undefined;
  readonly requests: number;
  readonly refused: number;
  /** Seconds that S3's limits need at least; 0 where the stub has none. */
  readonly boundSeconds: number;
}

/** One row: what it is called, and how it is measured. */
export interface Contest {
  readonly id: string;
  readonly name: string;
  readonly setup: StubSetup;
  /** True for a row that inspects or moves nothing, and so sends fewer requests than there are objects. Default false. */
  readonly listsOnly?: boolean;
  readonly run: (url: string) => Promise<ClientCost | Omit<Cost, 'requests' | 'refused' | 'boundSeconds'>>;
}

/** A row, or why there is none. */
export type Row = { readonly contest: Contest } & ({ readonly cost: Cost } | { readonly error: string });

const { compiledFolder }: { compiledFolder(): string } = require('../bin/compile');

const PROGRAMS = compiled('reencrypt-client', 's3-stub');
export const ENVIRONMENT = {
  ...process.env,
  AWS_ACCESS_KEY_ID: 'A',
  AWS_SECRET_ACCESS_KEY: 'B',
  AWS_DEFAULT_REGION: 'ap-northeast-1',
  AWS_REGION: 'ap-northeast-1',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

/** Measures one contestant on a stub of its own. A failure is its row's, and ends nothing else. */
export async function measured(contest: Contest): Promise<Row> {
  try {
    return { contest, cost: await costOf(contest) };
  } catch (error) {
    return { contest, error: error instanceof Error ? error.message : String(error) };
  }
}

/** @throws Error for a contestant that cannot have done the work */
async function costOf({ name, setup, run, listsOnly = false }: Contest): Promise<Cost> {
  return withStub(setup, async (url) => {
    const cost = await run(url);
    const report = (await (await fetch(`${url}/stub-requests`)).json()) as StubReport;
    const { objects } = setup;
    if (cost.versions !== objects) throw new Error(`${name} came to ${cost.versions} of ${objects} versions`);
    if (!listsOnly && report.requests - report.refused < objects)
      throw new Error(`${report.requests} requests for ${objects} objects: it cannot have handled each of them`);
    return { ...cost, ...report };
  });
}

/** A process that works through the library, as the command does. */
export async function keyturn(request: Omit<ClientRequest, 'workerFile'>): Promise<ClientCost> {
  const workerFile = path.join(compiledFolder(), 'scripts/worker.js');
  const args = [PROGRAMS('reencrypt-client'), JSON.stringify({ ...request, workerFile } satisfies ClientRequest)];
  const child = spawn(process.execPath, args, { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] });
  const before = childSeconds();
  const { code, stdout, stderr } = await output(child);
  if (code !== 0) throw new Error(lastLine(stderr) || `it ended with ${code}`);
  const cost = JSON.parse(stdout) as ClientCost;
  // One process knows only its own.
  return request.processes === undefined ? cost : { ...cost, cpuSeconds: childSeconds() - before };
}

/** A command line tool; its cost is that of the whole process, its start included. */
export async function tool(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  versions: number,
): Promise<Omit<Cost, 'requests' | 'refused' | 'boundSeconds'>> {
  const startedAt = performance.now();
  const before = childSeconds();
  const child = spawn(command, [...args], {
    env: { ...ENVIRONMENT, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let peakRss: number | undefined;
  const watch = setInterval(() => {
    peakRss = residentPeak(child.pid) ?? peakRss;
  }, 100);
  const { code, stderr } = await output(child).finally(() => clearInterval(watch));
  if (code !== 0) throw new Error(`it ended with ${code}: ${lastLine(stderr)}`);
  const seconds = (performance.now() - startedAt) / 1000;
  return { versions, seconds, cpuSeconds: childSeconds() - before, peakRss };
}

async function withStub<T>(setup: StubSetup, body: (url: string) => Promise<T>): Promise<T> {
  const args = [PROGRAMS('s3-stub'), JSON.stringify(setup)];
  const stub = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise((resolve) => stub.once('exit', resolve));
  try {
    const port = await new Promise<string>((resolve, reject) => {
      stub.stdout.once('data', (chunk) => resolve(String(chunk).trim()));
      stub.once('exit', () => reject(new Error('the stub did not start')));
    });
    return await body(`http://127.0.0.1:${port}`);
  } finally {
    stub.kill();
    await gone;
  }
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function output(child: ChildProcess): Promise<Ended> {
  const text = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    text.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    text.stderr = `${text.stderr}${chunk}`.slice(-10_000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...text }));
  });
}

function lastLine(text: string): string {
  const lines = text.trim().split('\n');
  return (lines.find((line) => /Error/.test(line)) ?? lines.at(-1) ?? '').trim();
}

/** CPU seconds of children that have ended, from the kernel's account of this process; Linux only, NaN elsewhere. */
function childSeconds(): number {
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
