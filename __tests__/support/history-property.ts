import fc from 'fast-check';
import { type HistoryEvent, historyEvent, RotationHistory, type Strategy } from './rotation-history';

export const STRATEGIES: readonly Strategy[] = ['new-key', 'in-place'];

/** More commands than the longest way out needs. */
const MOST_COMMANDS = 16;

type End = { readonly kind: 'nothing left' | 'dead end' | 'loop'; readonly last: string };

/** Types what `next` says to its end. */
async function follow(history: RotationHistory): Promise<End> {
  const typed: string[] = [];
  const end = (kind: End['kind']): End => ({ kind, last: typed.slice(-3).join(' · ') });
  while (typed.length < MOST_COMMANDS) {
    const { next } = await history.status();
    if (!next) return end('nothing left');
    typed.push(next.command);
    if (!(await history.type(next.command))) return end('dead end');
  }
  return end('loop');
}

/**
 * Whenever a read or a write of the bucket fails, status is not green, and typing what `next` says ends in service, or in a dead end
 * that is stated and true. Returns undefined for a history that keeps this promise.
 */
export async function faultOf(strategy: Strategy, events: readonly HistoryEvent[]): Promise<string | undefined> {
  const history = await RotationHistory.open(strategy);
  try {
    for (const [index, event] of events.entries()) {
      await history.apply(event);
      // Reading everything costs more than most events; a fault that lasts is found by the next look.
      if (index % 3 !== 0 || (await history.works())) continue;
      if ((await history.status()).exitCode === 0) return `green over a bucket that fails, after event ${index}`;
    }
    const worked = await history.works();
    if (!worked && (await history.status()).exitCode === 0) return 'green over a bucket that fails, at the end';
    const { kind, last } = await follow(history);
    if (kind === 'loop') return `a loop: ${last}; ${history.lastSaid}`;
    if (await history.works()) return undefined;
    if (worked) return `next took the service down: ${last}`;
    if (kind === 'nothing left') return `nothing left to do, and the bucket fails: ${last}`;
    return (await history.isBeyondHelp()) ? undefined : `a dead end that is none: ${last}`;
  } catch (error) {
    return `unexpected: ${error instanceof Error ? error.stack : error}`;
  } finally {
    await history.close();
  }
}

/** The same histories for a seed, however many of them are asked for. @param events - the most of one history */
export const historiesOf = (seed: number, number: number, events: number): readonly HistoryEvent[][] =>
  fc.sample(fc.array(historyEvent, { minLength: 3, maxLength: events, size: 'max' }), { numRuns: number, seed });
