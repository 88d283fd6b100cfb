import type { Encryption, VersionRef } from '../s3/object-version';
import type { Caller } from '../s3/pacing-and-retry';
import type { ObjectStore } from '../s3/store';
import { asFault, faultKind, faultText, StoreFault } from '../s3/store-fault';
import type { WitnessedHead } from '../s3/witness';

/** A version whose HEAD is repeated, and what its first HEAD was read as. */
export interface FirstHead {
  readonly ref: VersionRef;
  readonly encryption: Encryption;
}

/** `gone`: S3 answers that the version is not there, which the listing has to confirm. */
export type SecondHead = { readonly found: 'same' | 'gone' } | { readonly found: 'other'; readonly reason: string };

/**
 * Repeats a HEAD through the AWS SDK, and compares.
 *
 * @throws what is no fault of S3
 */
export async function secondHead(
  store: ObjectStore,
  call: Caller,
  { ref, encryption }: FirstHead,
): Promise<SecondHead> {
  const second = await witnessedHead(store, call, ref);
  if (second instanceof StoreFault) {
    if (faultKind(second) === 'gone') return { found: 'gone' };
    return other(`HeadObject answers, and asked again through the AWS SDK it does not: ${faultText(second)}`);
  }
  const [named, again] = [nameOf(encryption), nameOfWitnessed(second)];
  if (named !== again) return other(`HeadObject names ${named}, and asked again through the AWS SDK ${again}`);
  const { versionId = 'null' } = second;
  if (versionId === (ref.versionId ?? 'null')) return { found: 'same' };
  return other(`HeadObject through the AWS SDK answers for version ${versionId}`);
}

/** Whether S3 answers through the AWS SDK too that a version is not there. @throws what is no fault of S3 */
export async function isGoneForWitness(store: ObjectStore, call: Caller, ref: VersionRef): Promise<boolean> {
  const second = await witnessedHead(store, call, ref);
  return second instanceof StoreFault && faultKind(second) === 'gone';
}

async function witnessedHead(store: ObjectStore, call: Caller, ref: VersionRef): Promise<WitnessedHead | StoreFault> {
  try {
    return await call('s3', () => store.witness.head(ref), ref.key);
  } catch (error) {
    const fault = asFault(error);
    if (!fault) throw error;
    return fault;
  }
}

const other = (reason: string): SecondHead => ({ found: 'other', reason });

/** How the first client's reading is written in S3's own words. */
function nameOf(encryption: Encryption): string {
  switch (encryption.kind) {
    case 'sse-kms':
      return `aws:kms ${encryption.keyArn}`;
    case 'dsse-kms':
      return `aws:kms:dsse ${encryption.keyArn}`;
    case 'sse-s3':
      return 'AES256';
    case 'sse-c':
      return 'a customer key';
    case 'unencrypted':
      return 'no encryption';
    case 'other':
      return encryption.algorithm;
  }
}

function nameOfWitnessed({ algorithm, keyId }: WitnessedHead): string {
  const words = [algorithm, keyId].filter((word) => word !== undefined);
  return words.length === 0 ? 'no encryption' : words.join(' ');
}
