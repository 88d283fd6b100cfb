import { isDeepStrictEqual } from 'node:util';

/** One observation of an ordinary client, and the expected value. */
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
  /** True if there are observations and all of them are as expected; a proof without observations proves nothing. */
  readonly holds: boolean;
}

/** The proofs of a rotation, in the order of a manual rotation. */
const TITLES = [
  'a new key is PendingImport, origin EXTERNAL, not enabled',
  'version alias and main alias resolve to the right key, before and after',
  'KMS accepts material wrapped under its own public key; the key becomes Enabled with the declared expiry',
  'KMS rejects material for another key, a stale token, changed bytes and other material',
  'the bucket default names the active key by full ARN; an object put without headers is under it',
  'after the switch alias and default name v2, a new object is under v2, old objects are still under v1',
  'after re-encryption every object version is under v2 and otherwise unchanged',
  'the readers need no v1; after v1 is disabled every object still downloads, byte for byte',
  'an object left under v1 fails with KMS.DisabledException, and the gate had refused because of it',
  'terraform plan of both stacks is empty after the import, after the switch and at the end',
  'whoever used v1 can use v2: the switch refuses to lock out a reader, a log delivery and another account',
] as const;

/** Collects observations by proof. */
export class ProofBook {
  readonly #observations = TITLES.map((): Observation[] => []);
  readonly #onObservation: (proof: number, observation: Observation) => void;

  constructor(onObservation: (proof: number, observation: Observation) => void) {
    this.#onObservation = onObservation;
  }

  /** Records an observation for one of the proofs, which count from 1; `expected` and `observed` are compared deeply. */
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
