import { throwIfInterrupted } from '../lib/errors';
import { acts } from './acts';
import { Observer } from './observer';
import type { Proof } from './proofs';
import type { Stage } from './stage';

export interface Rehearsal {
  readonly proofs: readonly Proof[];
  /** Wall-clock milliseconds by account; see {@link Stopwatch}. */
  readonly spent: Readonly<Record<string, number>>;
}

/** Runs every act in order and returns the proofs. A failed proof does not stop the rehearsal. */
export async function playRehearsal(stage: Stage): Promise<Rehearsal> {
  const observer = new Observer(stage);
  await stage.stopwatch.measure('rehearsal', async () => {
    for (const [index, act] of acts.entries()) {
      throwIfInterrupted(stage.signal, `the rehearsal, before "${act.title}"`);
      stage.reporter.heading(`act ${index + 1} of ${acts.length}: ${act.title}`);
      stage.reporter.note(`notice: ${act.notice}`);
      await act.play(stage, observer);
    }
  });
  return { proofs: stage.proofs.read(), spent: stage.stopwatch.read() };
}
