import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

export const wrappingSpecs = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const;
export type WrappingSpec = (typeof wrappingSpecs)[number];

export interface WrappingPair {
  /** DER, SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  readonly privateKey: KeyObject;
}

/** Key pairs that material is wrapped under. Every call gets a pair of its own, as on AWS. */
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
function createWrappingKeys(): WrappingKeys {
  const waiting = new Map<WrappingSpec, Promise<WrappingPair>>();
  return {
    prepare(spec) {
      if (!waiting.has(spec)) waiting.set(spec, generatePair(spec));
    },
    take(spec) {
      const pair = waiting.get(spec) ?? generatePair(spec);
      waiting.delete(spec);
      return pair;
    },
  };
}

async function generatePair(spec: WrappingSpec): Promise<WrappingPair> {
  const { privateKey } = await generate('rsa', { modulusLength: Number(spec.slice('RSA_'.length)) });
  return { privateKey, publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }) };
}

/** One pool for the process: a pair that was begun for one endpoint serves the next, and none is handed out twice. */
export const wrappingKeys: WrappingKeys = createWrappingKeys();
