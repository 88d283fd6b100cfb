import { awsCodeOf } from '../aws/failures';
import { throwIfInterrupted } from '../errors';
import { pauseFor } from './wait-for-key';

export interface ConsistencyOptions {
  /** AWS error codes that pass by themselves, in this call, once KMS has settled. Anything else is thrown at once. */
  readonly passing: readonly string[];
  /** Milliseconds between two attempts. */
  readonly pauseMs: number;
  /** Milliseconds after which the error is thrown after all. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly during: string;
}

/** Repeats a call while KMS answers with an error that is expected to pass, and with none other. */
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
