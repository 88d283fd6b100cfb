import { type EncryptionContext, KmsFault } from '../message';
import type { Call } from './call';

/** Operations that change nothing, as CloudTrail marks them. Those that use a key count as such. */
const READS = /^(?:Describe|Get|List|Decrypt|Encrypt|GenerateDataKey|ReEncrypt|Sign|Verify)/;

/** Hands a call to CloudTrail once it is carried out or refused. */
export function recordCall(call: Call, fault?: KmsFault): void {
  const { trail, operation, caller, requestId, via, encryptionContext, about, store } = call;
  const error = fault && { code: CODES[fault.code] ?? fault.code, message: fault.message };
  const readOnly = READS.test(operation);
  const resources = [...about];
  const by = caller.service === undefined ? caller : { service: caller.service.name };
  const event = { name: operation, readOnly, by, via, encryptionContext, resources, error, requestId };
  // The owner of a key sees what others do with it.
  const owners = resources.map((arn) => arn.split(':')[4] ?? '').filter((account) => account !== '');
  for (const accountId of new Set([caller.accountId, ...owners]))
    trail.record({ ...event, region: store.region, accountId });
}

/** CloudTrail drops the ending of this one. */
const CODES: Readonly<Record<string, string>> = { AccessDeniedException: 'AccessDenied' };

/** Runs a call that S3 makes in process, and records it whatever comes of it. */
export function recorded<T>(call: Call, run: () => T): T {
  let result: T;
  try {
    result = run();
  } catch (error) {
    if (error instanceof KmsFault) recordCall(call, error);
    throw error;
  }
  recordCall(call);
  return result;
}

/** The encryption context of a request over the wire; that of the source for ReEncrypt. */
export function contextIn(input: unknown): EncryptionContext | undefined {
  const { EncryptionContext, SourceEncryptionContext } = (input ?? {}) as Readonly<Record<string, EncryptionContext>>;
  return EncryptionContext ?? SourceEncryptionContext;
}
