import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';

import type { AwsClients } from './clients';
import { called } from './failures';

/** The identity of the credentials. */
export interface Identity {
  /** 12 digits. */
  readonly account: string;
  readonly arn: string;
  readonly userId: string;
}

/** GetCallerIdentity: needs no permission, so it distinguishes invalid credentials from missing permissions. */
export async function callerIdentity(clients: Pick<AwsClients, 'sts'>): Promise<Identity> {
  const answer = await called('sts:GetCallerIdentity', '*', () => clients.sts.send(new GetCallerIdentityCommand({})));
  return { account: answer.Account ?? '', arn: answer.Arn ?? '', userId: answer.UserId ?? '' };
}
