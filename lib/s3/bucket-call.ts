import type { FaultPolicy } from './fault-policy';
import type { Caller } from './pacing-and-retry';
import { asFault } from './store-fault';

/** Sends requests about a bucket itself. Rejects with what ends a run: a KeyturnError, or RunStopped. */
export type BucketCall = <T>(send: () => Promise<T>) => Promise<T>;

/** Requests about a bucket: their faults are never those of one version. */
export function bucketCallOf(call: Caller, faultPolicy: FaultPolicy, bucket: string): BucketCall {
  return async (send) => {
    try {
      return await call('s3', send);
    } catch (error) {
      const fault = asFault(error);
      throw fault ? faultPolicy.bucketFault(fault, bucket) : error;
    }
  };
}
