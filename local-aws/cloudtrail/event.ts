import type { Caller, EncryptionContext } from '../message';

/** One call of KMS as CloudTrail keeps it. */
export interface TrailEvent {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `GenerateDataKey`. */
  readonly name: string;
  readonly readOnly: boolean;
  readonly by: TrailCaller;
  /** The service that called in the caller's name; undefined for a caller that came itself. */
  readonly via: 's3' | undefined;
  readonly encryptionContext: EncryptionContext | undefined;
  /** The ARNs of the keys and aliases that the call was about. */
  readonly resources: readonly string[];
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly requestId: string;
  /** Region and account in whose event history it stands. Default: those of the endpoint. */
  readonly region?: string;
  readonly accountId?: string;
}

/** A user, the session of a role, or an AWS service that comes in its own name: `delivery.logs.amazonaws.com`. */
export type TrailCaller = Caller | { readonly service: string };

type Fields = Readonly<Record<string, unknown>>;

/** The name that an event can be looked up by: a user's, or that of a role's session. */
export function userNameOf(by: TrailCaller): string | undefined {
  return 'service' in by ? undefined : by.arn.split('/').at(-1);
}

/**
 * The record of an event, as the member `CloudTrailEvent` holds it.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
 */
export function recordOf(event: TrailEvent, region: string, accountId: string): Fields {
  const { by, via, error, encryptionContext } = event;
  const isInternal = via !== undefined || 'service' in by;
  const from = 'service' in by ? by.service : 'AWS Internal';
  return {
    eventVersion: '1.11',
    userIdentity: identityOf(by, via, accountId),
    eventTime: new Date(event.at).toISOString().replace(/\.\d+/, ''),
    eventSource: 'kms.amazonaws.com',
    eventName: event.name,
    awsRegion: region,
    sourceIPAddress: isInternal ? from : '127.0.0.1',
    userAgent: isInternal ? from : 'local-aws',
    ...(error && { errorCode: error.code, errorMessage: error.message }),
    requestParameters: encryptionContext === undefined ? null : { encryptionContext },
    responseElements: null,
    requestID: event.requestId,
    eventID: event.id,
    readOnly: event.readOnly,
    resources: event.resources.map((ARN) => ({ accountId, type: typeOf(ARN), ARN })),
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: accountId,
    eventCategory: 'Management',
  };
}

/** The type of a resource of KMS by its ARN. */
export const typeOf = (arn: string): string => (arn.includes(':alias/') ? 'AWS::KMS::Alias' : 'AWS::KMS::Key');

/** Of a caller of another account, CloudTrail shows that account alone. */
function identityOf(by: TrailCaller, via: TrailEvent['via'], owner: string): Fields {
  if ('service' in by) return { type: 'AWSService', invokedBy: by.service };
  const { arn, accountId, accessKeyId, userId, role } = by;
  const same = { principalId: userId, arn, accountId, accessKeyId };
  const invoked = via === undefined ? {} : { invokedBy: 'AWS Internal' };
  if (accountId !== owner) return { type: 'AWSAccount', principalId: userId, accountId, ...invoked };
  if (role === undefined && arn.includes(':user/'))
    return { type: 'IAMUser', ...same, userName: userNameOf(by), ...invoked };
  const [, name = ''] = /:assumed-role\/([^/]+)\//.exec(arn) ?? [];
  const issuer = {
    type: 'Role',
    principalId: userId.split(':')[0],
    arn: role?.arn ?? `arn:aws:iam::${accountId}:role/${name}`,
    accountId,
    userName: name,
  };
  return { type: 'AssumedRole', ...same, sessionContext: { sessionIssuer: issuer }, ...invoked };
}
