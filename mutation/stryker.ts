import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

/** A change that no test noticed. */
export interface Survivor {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly mutator: string;
  readonly replacement: string;
  /** No test runs this line at all. */
  readonly isUncovered: boolean;
}

export interface MutatedFile {
  readonly mutants: number;
  readonly survivors: readonly Survivor[];
}

const REPORT = z.object({
  files: z.record(
    z.string(),
    z.object({
      mutants: z.array(
        z.object({
          mutatorName: z.string(),
          replacement: z.string().optional(),
          status: z.string(),
          location: z.object({ start: z.object({ line: z.number() }) }),
        }),
      ),
    }),
  ),
});

/**
 * Mutates one file of a project with StrykerJS, and runs the tests over each change.
 *
 * @param seconds - after which it is stopped
 * @returns undefined where the time ran out
 * @throws Error with the end of what Stryker printed, where it failed: as a rule because the tests fail without a change
 */
export async function mutateFile(
  root: string,
  file: string,
  tests: readonly string[],
  seconds: number,
): Promise<MutatedFile | undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keyturn-mutation-'));
  const [config, report] = [path.join(folder, 'stryker.config.json'), path.join(folder, 'report.json')];
  await writeFile(config, JSON.stringify(settings(file, tests, report)));
  try {
    const { output, isStopped } = await runStryker(root, config, seconds);
    if (isStopped) return undefined;
    const text = await readFile(report, 'utf8').catch(() => undefined);
    if (text === undefined) throw new Error(output.slice(-2_000));
    return mutatedFile(file, REPORT.parse(JSON.parse(text)));
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(path.join(root, SANDBOXES), { recursive: true, force: true });
  }
}

/** Of this process alone, under the root as modules are looked up from there: two runs do not take away each other's. */
const SANDBOXES = `.stryker-tmp/${process.pid}`;

function settings(file: string, tests: readonly string[], report: string): object {
  return {
    testRunner: 'jest',
    mutate: [file],
    // The sentence that a person reads is no verdict; codes are literals of a type, and comparisons are mutated as such.
    mutator: { excludedMutations: ['StringLiteral'] },
    jest: {
      configFile: 'jest.config.js',
      // The tests that import a file of a verdict are nearly all of them.
      enableFindRelatedTests: false,
      config: { testMatch: tests.map((one) => `<rootDir>/${one}`) },
    },
    coverageAnalysis: 'perTest',
    concurrency: 1,
    reporters: ['json'],
    jsonReporter: { fileName: report },
    tempDirName: SANDBOXES,
    cleanTempDir: 'always',
    ignorePatterns: ['cdktf.out', '.keyturn'],
  };
}

async function runStryker(root: string, config: string, seconds: number) {
  // Its test runners are processes of their own: they are stopped with it as a group.
  const bin = path.join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js');
  const child = spawn(process.execPath, [bin, 'run', config], { cwd: root, detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  let isStopped = false;
  const stop = () => {
    isStopped = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(stop, Math.max(0, seconds) * 1_000);
  process.once('SIGINT', stop);
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  process.off('SIGINT', stop);
  return { output, isStopped };
}

function mutatedFile(file: string, report: z.infer<typeof REPORT>): MutatedFile {
  const mutants = Object.values(report.files).flatMap((one) => one.mutants);
  const alive = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  return {
    mutants: mutants.filter(({ status }) => status !== 'Ignored').length,
    survivors: alive.map(({ location, mutatorName, replacement = '', status }) => ({
      file,
      line: location.start.line,
      mutator: mutatorName,
      replacement: replacement.replaceAll(/\s+/g, ' '),
      isUncovered: status === 'NoCoverage',
    })),
  };
}
