import { appendFileSync } from 'node:fs';
import { SLOW } from '../runner/slow';
import { faultOf, historiesOf, STRATEGIES } from '../support/history-property';
import type { Strategy } from '../support/rotation-history';

/**
 * Histories of a rotation over years, with operators who disable keys, delete material and lose custody. Whenever a read or a write of the
 * bucket fails, status is not green, and typing what `next` says ends in service, or in a dead end that is stated and true.
 *
 * `HISTORIES` and `SEED` run a portion of the 2,000 histories, `HISTORIES_LOG` writes a line every 20 and each fault with its events.
 */
const { HISTORIES, SEED = '7', HISTORIES_LOG, ONLY } = process.env;
const IS_LONG = SLOW || HISTORIES !== undefined;
const NUMBER = Number(HISTORIES ?? (SLOW ? 1000 : 2));
const EVENTS = IS_LONG ? 40 : 10;
jest.setTimeout(IS_LONG ? 86_400_000 : 180_000);

function log(line: string): void {
  if (HISTORIES_LOG) appendFileSync(HISTORIES_LOG, `${line}\n`);
}

it.each(STRATEGIES)(
  'is never green over a bucket that fails, and next leads out, with strategy %s',
  async (strategy) => {
    const histories = historiesOf(Number(SEED), NUMBER, EVENTS);
    const faults: string[] = [];
    const start = performance.now();
    for (const [index, events] of histories.entries()) {
      if (ONLY !== undefined && !ONLY.split(',').includes(String(index))) continue;
      const fault = await faultOf(strategy, events);
      const name = `${strategy}, seed ${SEED}, number ${index}`;
      if (fault) faults.push(`${name}: ${fault}\n${JSON.stringify(events)}`);
      if (fault) log(`FAULT ${faults.at(-1)}`);
      if (index % 20 === 19)
        log(`${name}: ${Math.round((performance.now() - start) / 1000)} s, ${faults.length} faults`);
    }
    expect(faults).toEqual([]);
  },
);

/** Histories in which `next` once repeated a command for ever, ended in nothing, or stated a dead end that was none. */
const ONCE_WRONG: readonly (readonly [Strategy, number, readonly number[]])[] = [
  ['new-key', 2001, [8, 51, 61, 65, 66, 76]],
  ['in-place', 2001, [0, 4, 10, 17, 61, 65, 76]],
  ['new-key', 3001, [10, 72, 126]],
  ['in-place', 4001, [27]],
  ['in-place', 5001, [0, 6]],
  ['in-place', 5101, [0, 4]],
  ['new-key', 5101, [4]],
  ['new-key', 7104, [0]],
  ['new-key', 8004, [8]],
  ['new-key', 40024, [7]],
];

(IS_LONG ? it : it.skip).each(ONCE_WRONG)(
  'leads out of the %s histories of seed %i that it once did not',
  async (...row) => {
    const [strategy, seed, numbers] = row;
    const histories = historiesOf(seed, Math.max(...numbers) + 1, EVENTS);
    for (const number of numbers)
      expect([number, await faultOf(strategy, histories[number] ?? [])]).toEqual([number, undefined]);
  },
);
