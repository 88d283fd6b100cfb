import { isDeepStrictEqual } from 'node:util';

/** One thing an ordinary client saw, next to what it had to be. */
export interface Observation {
  readonly what: string;
  readonly expected: unknown;
  readonly observed: unknown;
  readonly holds: boolean;
}

export interface Proof {
  readonly number: number;
  readonly title: string;
  readonly observations: readonly Observation[];
  /** True when there are observations and all of them hold; a proof without any proves nothing. */
  readonly holds: boolean;
}

/** The proofs of a rotation, in the words of the walk-through that a rotation by hand follows. */
const TITLES = [
  'a new key is PendingImport, origin EXTERNAL, not enabled',
  'version alias and main alias resolve to the key they should, before and after',
  'KMS accepts material wrapped under its own public key; the key becomes Enabled with the declared expiry',
  'material for another key, a stale token, altered bytes and other material are each refused by KMS',
  'the bucket default names the active key in full; an object put without any header lands under it',
  'after the switch alias and default name v2, a new object lands under v2, old objects still show v1',
  'after re-encryption every object version shows v2 and is otherwise what it was',
  'after v1 is disabled every object still downloads, byte for byte',
  'an object left under v1 fails with KMS.DisabledException, and the gate had refused while it was there',
  'terraform plan of both stacks is empty after the import, after the switch and at the end',
] as const;

/** Collects observations under the proofs they belong to; nothing counts until it was seen. */
export class ProofBook {
  readonly #observations = TITLES.map((): Observation[] => []);
  readonly #onObservation: (proof: number, observation: Observation) => void;

  constructor(onObservation: (proof: number, observation: Observation) => void) {
    this.#onObservation = onObservation;
  }

  /** Notes what was seen for proof 1 to 10; `expected` and `observed` are compared deeply. */
  saw(proof: number, what: string, expected: unknown, observed: unknown): void {
    const observation = { what, expected, observed, holds: isDeepStrictEqual(expected, observed) };
    const page = this.#observations[proof - 1];
    if (!page) throw new RangeError(`there is no proof ${proof}`);
    page.push(observation);
    this.#onObservation(proof, observation);
  }

  read(): readonly Proof[] {
    return TITLES.map((title, index) => {
      const observations = this.#observations[index] ?? [];
      const holds = observations.length > 0 && observations.every((one) => one.holds);
      return { number: index + 1, title, observations, holds };
    });
  }
}
