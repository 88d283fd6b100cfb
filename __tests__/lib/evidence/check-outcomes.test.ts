import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { outcomeFaults, outcomesIn } from '../../../lib/evidence/check-outcomes';

const SHA = 'a'.repeat(64);

describe('the outcome files that a record names', () => {
  it('are those of every pass, by the last part of a path of either kind of machine', () => {
    const passes = [
      { evidence: [{ file: '/srv/run.outcomes/a.gz', sha256: SHA }] },
      { evidence: [{ file: 'C:\\run.outcomes\\b.gz', sha256: SHA }] },
    ];
    expect(outcomesIn({ passes }, 7)).toEqual([
      { name: 'a.gz', sha256: SHA, line: 7 },
      { name: 'b.gz', sha256: SHA, line: 7 },
    ]);
  });

  it.each<[string, unknown]>([
    ['there is none', undefined],
    ['they are no list', { evidence: [] }],
    ['a pass is nothing', [null]],
    ['a pass names no list', [{ evidence: { file: 'a', sha256: SHA } }, {}]],
    ['one is nothing', [{ evidence: [null, 'a', 1] }]],
    ['one has a name alone', [{ evidence: [{ file: 'a' }] }]],
    ['one has a hash alone', [{ evidence: [{ sha256: SHA }] }]],
    ['one has a hash that is no text', [{ evidence: [{ file: 'a', sha256: 1 }] }]],
  ])('are none where %s', (_title, passes) => {
    expect(outcomesIn({ passes }, 1)).toEqual([]);
  });
});

describe('the folder of a run', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'keyturn-outcomes-'));
    await mkdir(path.join(folder, 'run.outcomes'));
    for (const name of ['b', 'a', 'c']) await writeFile(path.join(folder, 'run.outcomes', name), name);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const named = (name: string) => ({ name, sha256: createHash('sha256').update(name).digest('hex'), line: 3 });
  const faults = (finished: boolean, ...names: readonly string[]) =>
    outcomeFaults(path.join(folder, 'run.ndjson'), names.map(named), finished);

  it('holds no other file where the run finished; each is named, in order', async () => {
    expect(await faults(true, 'a', 'b', 'c')).toEqual([]);
    expect(await faults(true, 'a')).toEqual(
      ['b', 'c'].map((name) => ({
        line: 0,
        code: 'unlisted-outcomes',
        problem: `no record names the outcomes file "${name}": it was added`,
      })),
    );
  });

  it('may hold others where the run was stopped', async () => {
    expect(await faults(false, 'a')).toEqual([]);
  });

  it('must hold what is named, unchanged, whether the run finished or not', async () => {
    await writeFile(path.join(folder, 'run.outcomes', 'a'), 'changed');
    for (const finished of [true, false]) {
      expect(await faults(finished, 'a', 'b', 'c', 'd')).toMatchObject([
        { line: 3, code: 'changed-outcomes' },
        { line: 3, code: 'missing-outcomes' },
      ]);
    }
  });
});
