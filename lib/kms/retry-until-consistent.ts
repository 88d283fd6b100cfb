import { awsCodeOf } from '../aws/failures';
import { throwIfInterrupted } from '../errors';
import { pauseFor } from './wait-for-key';

export interface ConsistencyOptions {
  /** AWS error codes that are transient in this call, until KMS is consistent. Anything else is thrown at once. */
  readonly codes: readonly string[];
  /** Milliseconds between two attempts. */
  readonly pauseMs: number;
  /** Milliseconds after which the error is thrown anyway. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly during: string;
}

/** Repeats a call while KMS answers with one of the given codes, and with none other. The callers' entries are in `RETRY_POLICY`. */
export async function retryUntilConsistent<T>(attempt: () => Promise<T>, options: ConsistencyOptions): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    throwIfInterrupted(options.signal, options.during);
    try {
      return await attempt();
    } catch (error) {
      const code = awsCodeOf(error);
      const isTransient = code !== undefined && options.codes.includes(code);
      if (!isTransient || Date.now() + options.pauseMs > deadline) throw error;
    }
    await pauseFor(options.pauseMs, options.signal, options.during);
  }
}
