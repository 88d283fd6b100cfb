import type { ObjectHead, VersionRef } from './object-version';
import type { Caller } from './pacing-and-retry';
import type { HeadOptions, ObjectStore } from './store';
import { asFault, faultKind, type StoreFault } from './store-fault';

/** What HEAD reports about a version; where HEAD fails without a reason, a read of one byte. */
export type Inspection =
  | { readonly found: 'head'; readonly head: ObjectHead }
  | { readonly found: 'gone' }
  | { readonly found: 'sse-c' }
  | { readonly found: 'fault'; readonly fault: StoreFault };

/**
 * Inspects one version. The errors of HEAD carry no code, so on 400 and 403 one byte is read to learn it: S3 asks for the
 * key of an SSE-C version.
 *
 * @throws StoreFault only for faults that concern more than this version: the credentials, the bucket
 */
export async function inspectVersion(
  store: ObjectStore,
  call: Caller,
  ref: VersionRef,
  size: number,
  options?: HeadOptions,
): Promise<Inspection> {
  try {
    return { found: 'head', head: await call('s3', () => store.head(ref, options), ref.key) };
  } catch (error) {
    const fault = asFault(error);
    if (!fault) throw error;
    if (faultKind(fault) === 'gone') return { found: 'gone' };
    if (fault.status !== 400 && fault.status !== 403) return { found: 'fault', fault };
    return reasonOf(store, call, ref, size, options);
  }
}

async function reasonOf(
  store: ObjectStore,
  call: Caller,
  ref: VersionRef,
  size: number,
  options: HeadOptions | undefined,
): Promise<Inspection> {
  try {
    await call('kms', () => store.probe(ref, size), ref.key);
    // The read succeeded: what was wrong (expired credentials, a skewed clock) was corrected by it.
    return { found: 'head', head: await call('s3', () => store.head(ref, options), ref.key) };
  } catch (error) {
    const fault = asFault(error);
    if (!fault) throw error;
    const kind = faultKind(fault);
    if (kind === 'gone') return { found: 'gone' };
    if (kind === 'credentials' || kind === 'missing-bucket') throw fault;
    if (fault.code === 'InvalidRequest' && /form of Server Side Encryption/i.test(fault.message))
      return { found: 'sse-c' };
    return { found: 'fault', fault };
  }
}
