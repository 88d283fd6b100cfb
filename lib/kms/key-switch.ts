import { DisableKeyCommand, EnableKeyCommand, type KMSClient } from '@aws-sdk/client-kms';

import { called } from '../aws/failures';
import { isCode, KeyturnError } from '../errors';
import type { KeyDescription } from './describe-key';
import { type WaitOptions, waitForKey } from './wait-for-key';

type SwitchOptions = Pick<WaitOptions, 'signal' | 'timeoutMs'>;

/**
 * Enables the key and waits until KMS reports it. Enabling an enabled key is not an error.
 *
 * @throws KeyturnError `kms-wait-timeout`; as `called` (`KMSInvalidStateException`: pending import or pending deletion)
 */
export async function enableKey(kms: KMSClient, keyArn: string, options: SwitchOptions = {}): Promise<KeyDescription> {
  const command = new EnableKeyCommand({ KeyId: keyArn });
  await called('kms:EnableKey', keyArn, () => kms.send(command));
  return waitForKey(kms, keyArn, (key) => key.state === 'Enabled', { ...options, awaited: 'Enabled' });
}

/**
 * Disables the key and waits until KMS reports it. Data under it is unreadable from then on; {@link enableKey}
 * reverts it.
 *
 * @throws KeyturnError `kms-disable-denied`, for example because of a policy's waiting time after the last use;
 * `kms-wait-timeout`; otherwise as `called`
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html
 */
export async function disableKey(kms: KMSClient, keyArn: string, options: SwitchOptions = {}): Promise<KeyDescription> {
  const command = new DisableKeyCommand({ KeyId: keyArn });
  try {
    await called('kms:DisableKey', keyArn, () => kms.send(command));
  } catch (error) {
    if (!isCode(error, 'aws-access-denied')) throw error;
    throw new KeyturnError('kms-disable-denied', { keyArn, awsMessage: error.facts.awsMessage }, error);
  }
  return waitForKey(kms, keyArn, (key) => key.state === 'Disabled', { ...options, awaited: 'Disabled' });
}
