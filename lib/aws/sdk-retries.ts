import type { KMSClient } from '@aws-sdk/client-kms';
import { RETRY_POLICY } from './retry-policy';

type Retrying = Pick<KMSClient['config'], 'retryStrategy'>;
type Strategy = Awaited<ReturnType<Retrying['retryStrategy']>>;

const TERMINAL: ReadonlySet<string> = new Set(RETRY_POLICY.sdk.terminal);

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
