import { awsCodeOf } from '../aws/failures';
import { throwIfInterrupted } from '../errors';
import { pauseFor } from './wait-for-key';

export interface ConsistencyOptions {
  /** AWS error codes that are transient in this call until KMS is consistent. Any other error is thrown at once. */
  readonly passing: readonly string[];
  /** Milliseconds between two attempts. */
  readonly pauseMs: number;
  /** Milliseconds after which the error is thrown anyway. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly during: string;
}

/** Repeats a call while KMS returns one of the expected transient errors. */
export async function retryUntilConsistent<T>(attempt: () => Promise<T>, options: ConsistencyOptions): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    throwIfInterrupted(options.signal, options.during);
    try {
      return await attempt();
    } catch (error) {
      const code = awsCodeOf(error);
      const passes = code !== undefined && options.passing.includes(code);
      if (!passes || Date.now() + options.pauseMs > deadline) throw error;
    }
    await pauseFor(options.pauseMs, options.signal, options.during);
  }
}
