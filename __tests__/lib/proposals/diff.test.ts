import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { unifiedDiff } from '../../../lib/proposals/diff';
import { runs } from '../../runner/slow';

const lines = fc.array(fc.constantFrom('a\n', 'b\n', 'c\n', '\n', 'name: v1\r\n', '- x'), { maxLength: 30 });
const text = lines.map((all) =>
  all.map((line, at) => (at < all.length - 1 && !line.endsWith('\n') ? `${line}\n` : line)).join(''),
);

it('is empty where nothing changed', () => {
  expect(unifiedDiff('a\nb', 'a\nb', 'f')).toBe('');
});

it('shows three lines around each change, and joins changes that are near', () => {
  const before = Array.from({ length: 30 }, (_, at) => `${at}\n`).join('');
  const after = before.replace('\n10\n', '\nten\n').replace('\n14\n', '\n').replace('\n27\n', '\n27\n27b\n');
  expect(unifiedDiff(before, after, 'r.yaml')).toBe(
    '--- a/r.yaml\n+++ b/r.yaml\n@@ -8,11 +8,10 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n-14\n 15\n 16\n 17\n' +
      '@@ -26,5 +25,6 @@\n 25\n 26\n 27\n+27b\n 28\n 29\n',
  );
});

it('is what git applies, byte for byte', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'keyturn-diff-'));
  try {
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after && before !== '' && after !== '');
        const file = path.join(directory, 'r.yaml');
        writeFileSync(file, before);
        const input = unifiedDiff(before, after, 'r.yaml');
        execFileSync('git', ['apply', '--whitespace=nowarn', '-'], { cwd: directory, input });
        expect(readFileSync(file, 'utf8')).toBe(after);
      }),
      { numRuns: runs(60) },
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it('takes a long file with a short change without comparing every pair of lines', () => {
  const before = Array.from({ length: 40_000 }, (_, at) => `line ${at}\n`).join('');
  const after = before.replace('line 20000\n', 'other\n');
  expect(unifiedDiff(before, after, 'r.yaml').split('\n')).toHaveLength(12);
});
