import { randomUUID } from 'node:crypto';

import { KeyturnError } from '../errors';
import type { Caller } from '../s3/pacing-and-retry';
import type { ObjectStore } from '../s3/store';
import { asFault, faultKind, faultText } from '../s3/store-fault';

/**
 * Finds out whether an endpoint knows UpdateObjectEncryption before it is sent for any object. An endpoint that does not
 * may ignore the sub-resource and treat the request as an upload, which would replace the object by a few lines of XML.
 * So it is asked about a key that does not exist: AWS answers NoSuchKey, and such an endpoint creates it.
 *
 * @throws rewrap-unsupported
 */
export async function requireRewrap(store: ObjectStore, call: Caller, bucket: string, keyArn: string): Promise<void> {
  const ref = { bucket, key: `.keyturn-probe-${randomUUID()}`, versionId: undefined };
  try {
    await call('s3', () => store.updateEncryption(ref, { keyArn, bucketKey: false }));
  } catch (error) {
    const fault = asFault(error);
    if (!fault) throw error;
    // Any other refusal (denied, KMS, throttled for long) will occur for the first object too, and is classified there.
    if (faultKind(fault) !== 'unsupported') return;
    const facts = { bucket, operation: 'UpdateObjectEncryption', answer: faultText(fault) };
    throw new KeyturnError('rewrap-unsupported', facts, fault);
  }
  const head = await call('s3', () => store.head(ref)).catch(() => undefined);
  if (head !== undefined) await call('s3', () => store.discardProbe(ref));
  const answer = `it treated it as an upload of ${ref.key}${head === undefined ? '' : ', which was deleted again'}`;
  throw new KeyturnError('rewrap-unsupported', { bucket, operation: 'UpdateObjectEncryption', answer });
}
