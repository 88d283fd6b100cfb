import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

export const wrappingSpecs = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const;
export type WrappingSpec = (typeof wrappingSpecs)[number];

export interface WrappingPair {
  /** DER, SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  readonly privateKey: KeyObject;
}

/** Makes the private key of a pair. A pair is only as secret as its source: nothing but tests may hand out known ones. */
export type WrappingKeySource = (spec: WrappingSpec) => Promise<KeyObject>;

/** Key pairs that material is wrapped under. Every call gets a pair of its own, as on AWS, unless the source repeats one. */
export interface WrappingKeys {
  take(spec: WrappingSpec): Promise<WrappingPair>;
  /** Has a pair made ahead of time, unless one is waiting already. */
  prepare(spec: WrappingSpec): void;
}

const generate = promisify(generateKeyPair);

/**
 * A 4096-bit pair takes seconds to find, in a thread of its own. It is begun when an external key is created, so that
 * the import that follows seldom has to wait. None is begun on suspicion: the thread would take a core from Terraform.
 */
export function createWrappingKeys(source: WrappingKeySource): WrappingKeys {
  const pairOf = async (spec: WrappingSpec): Promise<WrappingPair> => {
    const privateKey = await source(spec);
    return { privateKey, publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }) };
  };
  const waiting = new Map<WrappingSpec, Promise<WrappingPair>>();
  return {
    prepare(spec) {
      if (!waiting.has(spec)) waiting.set(spec, pairOf(spec));
    },
    take(spec) {
      const pair = waiting.get(spec) ?? pairOf(spec);
      waiting.delete(spec);
      return pair;
    },
  };
}

/** A new key of the size, from the system's random numbers. */
const generateKey: WrappingKeySource = async (spec) => {
  const { privateKey } = await generate('rsa', { modulusLength: Number(spec.slice('RSA_'.length)) });
  return privateKey;
};

/** One pool for the process: a pair that was begun for one endpoint serves the next, and none is handed out twice. */
export const wrappingKeys: WrappingKeys = createWrappingKeys(generateKey);
