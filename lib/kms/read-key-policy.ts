import { GetKeyPolicyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { type Answered, answered } from '../aws/answered';
import { called } from '../aws/failures';

/**
 * The policy of a key, as JSON text.
 *
 * @throws KeyturnError as `called`, but not for a denied or an unknown operation
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
 */
export function readKeyPolicy(kms: KMSClient, keyArn: string): Promise<Answered<string>> {
  return answered('kms:GetKeyPolicy', async () => {
    const command = new GetKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default' });
    const { Policy = '' } = await called('kms:GetKeyPolicy', keyArn, () => kms.send(command));
    return Policy;
  });
}
