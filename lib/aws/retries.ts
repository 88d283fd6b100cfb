import type { KMSClient } from '@aws-sdk/client-kms';

type Retrying = Pick<KMSClient['config'], 'retryStrategy'>;
type Strategy = Awaited<ReturnType<Retrying['retryStrategy']>>;

/**
 * Errors that a retry cannot fix. The SDK treats `LimitExceededException` as throttling, but in KMS it is a quota of
 * resources (rotations, aliases, grants), so waiting only hides the reason.
 */
const TERMINAL = new Set(['LimitExceededException']);

/** Decides before the SDK: terminal errors and a fired signal end the attempts at once. */
export function decideRetries(config: Retrying, signal: AbortSignal | undefined): void {
  const resolve = config.retryStrategy;
  let decided: Promise<Strategy> | undefined;
  config.retryStrategy = () => {
    decided ??= resolve().then((strategy) => guarded(strategy, signal));
    return decided;
  };
}

function guarded(strategy: Strategy, signal: AbortSignal | undefined): Strategy {
  if (!('refreshRetryTokenForRetry' in strategy)) return strategy;
  const refresh = strategy.refreshRetryTokenForRetry.bind(strategy);
  strategy.refreshRetryTokenForRetry = async (token, info) => {
    const name = (info.error as { name?: string } | undefined)?.name;
    if (signal?.aborted || (name !== undefined && TERMINAL.has(name))) throw info.error;
    return refresh(token, info);
  };
  return strategy;
}
