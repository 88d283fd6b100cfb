import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import { KeyturnError } from '../errors';
import { called } from './failures';

/** A role, and what STS is asked with. */
export interface AssumedRole {
  readonly roleArn: string;
  readonly externalId?: string | undefined;
  /** 2 to 64 letters, digits and `_+=,.@-`. CloudTrail shows it. */
  readonly sessionName: string;
}

/** Credentials of a session; the SDK asks for others before they end. */
export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/**
 * A session of a role, for as long as STS gives one by default: an hour.
 *
 * @throws KeyturnError as {@link called}; `aws-failed` for an answer without credentials
 */
export async function roleCredentials(sts: STSClient, role: AssumedRole): Promise<RoleCredentials> {
  const { roleArn, externalId, sessionName } = role;
  const command = new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: sessionName, ExternalId: externalId });
  const answer = await called('sts:AssumeRole', roleArn, () => sts.send(command));
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
    const facts = { awsCode: 'InvalidAnswer', awsMessage: 'the answer has no credentials', requestId: undefined };
    throw new KeyturnError('aws-failed', { action: 'sts:AssumeRole', resource: roleArn, ...facts });
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiration: Expiration,
  };
}
