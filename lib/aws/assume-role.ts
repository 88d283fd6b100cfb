import { AssumeRoleCommand } from '@aws-sdk/client-sts';

import { KeyturnError } from '../errors';
import type { AwsClients } from './clients';
import { called } from './failures';

/** What a session of a role is asked for with. */
export interface RoleRequest {
  readonly roleArn: string;
  /** 2 to 64 letters, digits and `_+=,.@-`. CloudTrail shows it. */
  readonly sessionName: string;
  /** JSON of at most 2,048 characters: the session may do what it allows and the role may. */
  readonly policy: string;
}

/** Seconds of a session: the shortest that STS takes, and so within every limit of a role and of role chaining. */
export const SESSION_SECONDS = 900;

/**
 * AssumeRole with a session policy, and clients that act as the session.
 *
 * @throws KeyturnError as {@link called}: `aws-access-denied` also where the role does not exist; `aws-failed` for an answer
 * without credentials
 */
export async function assumeRole(
  clients: Pick<AwsClients, 'sts' | 'as'>,
  { roleArn, sessionName, policy }: RoleRequest,
): Promise<AwsClients> {
  const command = new AssumeRoleCommand({
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    Policy: policy,
    DurationSeconds: SESSION_SECONDS,
  });
  const answer = await called('sts:AssumeRole', roleArn, () => clients.sts.send(command));
  const { AccessKeyId, SecretAccessKey, SessionToken } = answer.Credentials ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken) {
    const facts = { awsCode: 'InvalidAnswer', awsMessage: 'the answer has no credentials', requestId: undefined };
    throw new KeyturnError('aws-failed', { action: 'sts:AssumeRole', resource: roleArn, ...facts });
  }
  return clients.as({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken });
}
