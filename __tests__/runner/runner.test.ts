import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createReadyMadeKeys, makeWrappingKeys, readyMadeKey } from './wrapping-keys';

interface File {
  readonly file: string;
  readonly milliseconds: number;
}
const { slowest } = require('./slowest-files') as {
  slowest(files: readonly File[], run: { wall: number; workers: number }): string;
};
const { endToEndFirst } = require('./sequencer') as {
  endToEndFirst<T extends { readonly path: string }>(tests: readonly T[]): T[];
};

describe('the order of test files', () => {
  it('begins with the end-to-end tests, and is otherwise left as it is', () => {
    const tests = ['/a/__tests__/x', '/a/__tests__/e2e/b', '/a/__tests__/y', '/a/__tests__/e2e/a'].map((one) => ({
      path: one,
    }));
    expect(endToEndFirst(tests).map((one) => one.path)).toEqual([
      '/a/__tests__/e2e/b',
      '/a/__tests__/e2e/a',
      '/a/__tests__/x',
      '/a/__tests__/y',
    ]);
  });
});

describe('the list of slow files', () => {
  const files = Array.from({ length: 12 }, (_, at) => ({ file: `f${at}`, milliseconds: at * 1000 }));

  it('holds the ten that took longest, slowest first, and what the run took in all', () => {
    const lines = slowest(files, { wall: 40_000, workers: 2 }).trim().split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[1]).toMatch(/^ +11\.0 s {2}f11$/);
    expect(lines[10]).toMatch(/^ +2\.0 s {2}f2$/);
    expect(lines[11]).toBe('12 files took 66.0 s, in 40.0 s of wall time on at most 2 workers');
  });

  it('has no line that the count of passed tests could be read from', () => {
    expect(slowest([{ file: 'Tests: 7 passed', milliseconds: 1 }], { wall: 1, workers: 1 })).not.toMatch(/^Tests: /m);
  });
});

describe('ready-made wrapping keys', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'keyturn-keys-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each(['RSA_2048', 'RSA_3072', 'RSA_4096'] as const)('are of the size that is asked for: %s', (spec) => {
    expect(readyMadeKey(spec).asymmetricKeyDetails).toEqual({
      modulusLength: Number(spec.slice(4)),
      publicExponent: 65_537n,
    });
  });

  it('differ from one call to the next', async () => {
    const source = createReadyMadeKeys();
    const [first, second, third] = [await source('RSA_2048'), await source('RSA_2048'), await source('RSA_2048')];
    expect(first.equals(second)).toBe(false);
    expect(first.equals(third)).toBe(true);
  });

  it('are made once, in a file that only its owner can read', async () => {
    const before = process.env.KEYTURN_TEST_WRAPPING_KEYS;
    const file = path.join(directory, 'keyturn-wrapping-keys.json');
    writeFileSync(file, '{"RSA_2048":[]}');
    const newKey = jest.fn(async (spec: string) => `a key of ${spec}`);
    await makeWrappingKeys(directory, newKey);
    await makeWrappingKeys(directory, newKey);
    process.env.KEYTURN_TEST_WRAPPING_KEYS = before;
    expect(newKey).toHaveBeenCalledTimes(6);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
