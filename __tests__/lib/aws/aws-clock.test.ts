import { KMSClient } from '@aws-sdk/client-kms';
import { awsNow, clockOffset } from '../../../lib/aws/aws-clock';

it.each([
  ['of an answer that took a while', -900, 0],
  ['of hours', 3 * 3_600_000, 3 * 3_600_000],
  ['of weeks, back', -30 * 86_400_000, -30 * 86_400_000],
])('goes by the clock of AWS past an offset %s', (_, noticed, expected) => {
  const client = new KMSClient({ region: 'eu-west-1' });
  expect(clockOffset(client)).toBe(0);
  client.config.systemClockOffset = noticed;
  expect(clockOffset(client)).toBe(expected);
  expect(Math.abs(awsNow(client).getTime() - Date.now() - expected)).toBeLessThan(10_000);
});
