import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { scaleTables } from '../../bench/scale-tables';
import { simulateBatch, simulateLocal } from '../../bench/simulated-engines';
import { batchEngine, localEngine, type Scale } from '../../lib/forecast/engine-model';
import { SLOW } from '../runner/slow';

const PAGE = path.resolve(__dirname, '../../docs/scale.md');
const [BEGIN, END] = ['<!-- scale:begin -->', '<!-- scale:end -->'];
/** As docs/scale.md states it. */
const TOLERANCE = { share: 0.3, seconds: 10 };

/** `KEYTURN_WRITE_DOCS=1 npx jest bench/scale` writes the page's tables again. */
it("prints the documentation's tables, cell for cell", () => {
  const page = readFileSync(PAGE, 'utf8');
  const [before = '', rest = ''] = page.split(BEGIN);
  const after = rest.split(END)[1] ?? '';
  const expected = `${before}${BEGIN}\n${scaleTables()}\n${END}${after}`;
  if (process.env.KEYTURN_WRITE_DOCS) writeFileSync(PAGE, expected);
  expect(readFileSync(PAGE, 'utf8')).toBe(expected);
});

it('states the tolerance that is tested', () => {
  expect(readFileSync(PAGE, 'utf8')).toContain(`within ${TOLERANCE.share * 100} % or ${TOLERANCE.seconds} s`);
});

const GRID: readonly Scale[] = (SLOW ? [1e4, 1e6, 1e11] : [1e4, 1e11]).flatMap((versions) =>
  [1, 10].flatMap((prefixes) =>
    [0, 1].flatMap((bucketKeys) =>
      (['rewrap', 'rewrite'] as const).flatMap((method) =>
        [
          { kmsPerSecond: 2_500, noncurrent: 0, manifest: 'generated' as const, verify: 'manifest' as const },
          { kmsPerSecond: 20_000, noncurrent: 0.3, manifest: 'listed' as const, verify: 'heads' as const },
        ].map((over) => ({ versions, prefixes, bucketKeys, bytesEach: 1e6, method, ...over })),
      ),
    ),
  ),
);

it.each([
  ['the local engine', localEngine, simulateLocal],
  ['jobs', batchEngine, simulateBatch],
] as const)('says of %s what a simulation, request by request, finds', (_title, model, simulation) => {
  const apart = GRID.map((scale) => ({ scale, model: model(scale).seconds, simulated: simulation(scale) })).filter(
    (one) => Math.abs(one.simulated - one.model) > Math.max(TOLERANCE.seconds, TOLERANCE.share * one.model),
  );
  expect(apart).toEqual([]);
});
