import { tmpdir } from 'node:os';
import path from 'node:path';
import { faultOf, historiesOf, STRATEGIES } from '../support/history-property';
import { makeWrappingKeys } from './wrapping-keys';

/** Histories of each strategy that one seed stands for. */
const BLOCK = 10;
const EVENTS = 40;

/**
 * The property over histories outside of Jest, for as long as wanted: `tsx __tests__/runner/histories.ts <first seed> <minutes>`. After
 * the 10 histories of each strategy that a seed stands for it prints a line of totals, with the CPU seconds of a history. It prints
 * each history that breaks the promise, goes on, and exits 1 at the end.
 */
async function main(firstSeed: number, minutes: number): Promise<void> {
  await makeWrappingKeys(path.join(tmpdir(), 'keyturn-histories'));
  const until = Date.now() + minutes * 60_000;
  const seen = { histories: 0, faults: 0 };
  const before = process.cpuUsage();
  for (let seed = firstSeed; Date.now() < until; seed += 1) {
    for (const strategy of STRATEGIES)
      for (const [number, events] of historiesOf(seed, BLOCK, EVENTS).entries()) {
        const fault = await faultOf(strategy, events);
        seen.histories += 1;
        if (fault === undefined) continue;
        seen.faults += 1;
        process.stdout.write(
          `FAULT ${strategy}, seed ${seed}, number ${number}: ${fault}\n${JSON.stringify(events)}\n`,
        );
      }
    const { user, system } = process.cpuUsage(before);
    const cpuSeconds = Number(((user + system) / 1e6 / seen.histories).toFixed(2));
    process.stdout.write(`seed ${seed}: ${JSON.stringify({ ...seen, cpuSecondsOfOne: cpuSeconds })}\n`);
  }
  if (seen.faults > 0) process.exitCode = 1;
}

const [first = '1', minutes = '8'] = process.argv.slice(2);
void main(Number(first), Number(minutes));
