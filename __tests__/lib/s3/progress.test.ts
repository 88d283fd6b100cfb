import { Progress } from '../../../lib/s3/progress';

/** The lines of a run that does `count` by each of the given milliseconds. */
function lines(total: number | undefined, ...steps: readonly (readonly [at: number, count: number])[]): string[] {
  let now = 0;
  const reported: string[] = [];
  const progress = new Progress(
    (text) => reported.push(text),
    () => total,
    () => now,
  );
  for (const [at, count] of steps) {
    now = at;
    progress.at(count, (pace) => pace);
  }
  return reported;
}

it('says how far a run is, its rate, and the time that is left', () => {
  expect(lines(5000, [1000, 310], [4000, 1200])).toEqual([
    '6 % of 5000, 310/s, 16 s left',
    '24 % of 5000, 300/s, 13 s left',
  ]);
  expect(lines(1_000_000, [1000, 100])).toEqual(['0 % of 1000000, 100/s, 2 h 47 min left']);
  expect(lines(30_000, [1000, 100])).toEqual(['0 % of 30000, 100/s, 5 min left']);
});

it('says the rate alone where nobody knows how many there are', () => {
  expect(lines(undefined, [1000, 310])).toEqual(['310/s']);
});

it('ends at 100 % where more were written meanwhile', () => {
  expect(lines(100, [1000, 150])).toEqual(['100 % of 100, 150/s, 0 s left']);
});

it('reports no more often than a person can read', () => {
  expect(lines(100, [1000, 1], [1100, 2], [1199, 3], [1200, 4])).toHaveLength(2);
});
