import { type Clock, KmsFault } from '../message';

/** Requests a second of an operation, by its name. */
export type Quotas = Readonly<Record<string, number>>;

/** AWS's quotas: GetParametersForImport of KMS, one call a second, and LookupEvents of CloudTrail, two. */
export const awsQuotas: Quotas = { GetParametersForImport: 1, LookupEvents: 2 };

/** A bucket of one second's worth of calls, but one at least. The returned function throws `refusal`: of KMS by default. */
export function createThrottle(
  quotas: Quotas,
  clock: Clock,
  refusal: () => Error = tooManyCalls,
): (operation: string) => void {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (operation) => {
    const rate = quotas[operation];
    if (rate === undefined) return;
    const now = clock.now();
    const capacity = Math.max(1, rate);
    const bucket = buckets.get(operation) ?? { tokens: capacity, at: now };
    const tokens = Math.min(capacity, bucket.tokens + ((now - bucket.at) / 1000) * rate);
    buckets.set(operation, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (tokens >= 1) return;
    throw refusal();
  };
}

const tooManyCalls = (): Error =>
  new KmsFault(
    'ThrottlingException',
    'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
  );
