import type { KMSClient } from '@aws-sdk/client-kms';

type Asked = { readonly config: Pick<KMSClient['config'], 'systemClockOffset'> };

/** Answers are dated in whole seconds and take a while: less than this says nothing. */
const TOLERATED_MS = 5 * 60_000;

/**
 * Milliseconds that AWS's clock is ahead of this machine's, as the SDK took it from the dates of answers. 0 before the first answer, and
 * where both are less than five minutes apart.
 */
export function clockOffset({ config }: Asked): number {
  const offset = config.systemClockOffset ?? 0;
  return Math.abs(offset) < TOLERATED_MS ? 0 : offset;
}

/** Now by AWS's clock, which decides when material expires. */
export const awsNow = (client: Asked): Date => new Date(Date.now() + clockOffset(client));
