import fc from 'fast-check';
import { cases, sweep, wrongGreen } from '../support/liar-cases';
import { liedTo } from '../support/lied-to';

/** Cases that one seed stands for. */
const BLOCK = 50;

/**
 * The liar's property outside of Jest, for as long as wanted: `tsx __tests__/runner/liar.ts <first seed> <minutes>`. It prints a line
 * of totals after each 50 cases, with the seed that makes these 50 again, and exits 1 at the first wrong green. With `sweep` in
 * place of both it tells every lie of the catalogue.
 */
async function main(firstSeed: number, minutes: number): Promise<void> {
  await using site = await liedTo();
  const until = Date.now() + minutes * 60_000;
  const seen = { cases: 0, told: 0, disabled: 0, refused: 0 };
  for (let seed = firstSeed; Date.now() < until; seed += 1) {
    for (const one of fc.sample(cases, { numRuns: BLOCK, seed })) {
      const verdict = await site.try(one);
      seen.cases += 1;
      if (verdict.told > 0) seen.told += 1;
      if (verdict.isDisabled) seen.disabled += 1;
      else if (verdict.exitCode !== 0) seen.refused += 1;
      const wrong = wrongGreen(verdict);
      if (wrong === undefined) continue;
      process.stdout.write(`seed ${seed}: WRONG GREEN: ${wrong}\n${JSON.stringify(one)}\n${verdict.stderr}\n`);
      process.exitCode = 1;
      return;
    }
    process.stdout.write(`seed ${seed}: ${JSON.stringify(seen)}\n`);
  }
}

async function everyLie(): Promise<void> {
  await using site = await liedTo();
  const found = await sweep(site, (name, told) => process.stdout.write(`${name}: told ${told} time(s)\n`));
  process.stdout.write(`${JSON.stringify(found)}\n`);
  if (found.wrong.length + found.untold.length > 0) process.exitCode = 1;
}

const [first = '1', minutes = '8'] = process.argv.slice(2);
void (first === 'sweep' ? everyLie() : main(Number(first), Number(minutes)));
