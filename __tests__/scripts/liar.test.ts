import fc from 'fast-check';
import { SLOW } from '../runner/slow';
import { cases, sweep, wrongGreen } from '../support/liar-cases';
import { type LiedTo, liedTo } from '../support/lied-to';
import { LIES } from '../support/lies';

/** `SLOW=1` runs 10,000 cases; `LIAR_RUNS` and `LIAR_SEED` split them into several runs. */
const RUNS = Number(process.env.LIAR_RUNS ?? (SLOW ? 10_000 : 20));
const SEED = process.env.LIAR_SEED === undefined ? {} : { seed: Number(process.env.LIAR_SEED) };

let site: LiedTo;
beforeAll(async () => {
  site = await liedTo();
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
});

(SLOW ? it : it.skip)(
  'tells every lie of the catalogue, and none makes it green',
  async () => {
    const { wrong, untold } = await sweep(site);
    expect({ wrong, untold }).toEqual({ wrong: [], untold: [] });
  },
  7_200_000,
);

it('is not green where one listing after DisableKey dates a new object long ago, and the next does not', async () => {
  const lie = LIES.find(({ name }) => name === 'dates an entry to 2020');
  if (!lie) throw new Error('the catalogue has no such lie');
  const told: string[] = [];
  for (const nth of [3, 4, 5])
    for (const pick of [0, 1]) {
      const one = {
        versioning: 'suspended',
        puts: [{ key: 'a b', under: 'other' }],
        deletes: [],
        upload: false,
        method: 'rewrap',
        rehearses: false,
        writer: { act: 'puts under the old key last', nth: 1, key: 'z' },
        telling: { lie, nth, to: 'once', pick },
      } as const;
      const verdict = await site.try(one);
      expect(wrongGreen(verdict)).toBeUndefined();
      if (verdict.told > 0) told.push(`${nth} ${pick}: ${verdict.exitCode}`);
    }
  expect(told).toContain('4 1: 3');
});

it(
  'is never green because of a lie, whatever the bucket, the lie and the writer',
  async () => {
    const seen = { told: 0, disabled: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const verdict = await site.try(one);
        if (verdict.told > 0) seen.told += 1;
        if (verdict.isDisabled) seen.disabled += 1;
        else if (verdict.exitCode !== 0) seen.refused += 1;
        const wrong = wrongGreen(verdict);
        if (wrong !== undefined) throw new Error(`${one.telling?.lie.name}: ${wrong}\n${verdict.stderr}`);
      }),
      // A case that is found is printed: to make it smaller would take longer than the test may.
      { numRuns: RUNS, endOnFailure: true, ...SEED },
    );
    process.stderr.write(`the liar: ${RUNS} cases, ${JSON.stringify(seen)}\n`);
    expect(seen.told).toBeGreaterThan(0);
    expect(seen.disabled).toBeGreaterThan(0);
  },
  SLOW ? 7_200_000 : 180_000,
);
