import type { Credentials } from '../credentials';
import { MalformedPolicy, readPolicy, type Statement } from '../iam/document';
import { IamFault } from '../iam/fault';
import { number, readParameters, required, tags, text, texts } from '../iam/parameters';
import type { Roles } from '../iam/roles';
import type { Caller, Clock } from '../message';
import type { Permissions } from '../permissions';
import { StsFault, stsAnswer } from './answer';

/** What AssumeRole works on. */
export interface AssumingRoles {
  readonly roles: Pick<Roles, 'assumeAs'>;
  readonly credentials: Pick<Credentials, 'addSession'>;
  readonly permissions: Pick<Permissions, 'permits'>;
  readonly clock: Clock;
}

const HOUR = 3600;
/** Characters of a session policy. AWS packs it too, in a form that it does not document. */
const MOST_CHARACTERS = 2048;

const fields = {
  RoleArn: required(text({ min: 20, max: 2048, pattern: /[\t\n\r\u0020-\u00FF]+/ })),
  RoleSessionName: required(text({ min: 2, max: 64, pattern: /[\w+=,.@-]*/ })),
  Policy: text({ min: 1, max: MOST_CHARACTERS, pattern: /[\t\n\r\u0020-\u00FF]+/ }),
  DurationSeconds: number({ min: 900, max: 12 * HOUR }),
  ExternalId: text({ min: 2, max: 1224, pattern: /[\w+=,.@:/-]*/ }),
  PolicyArns: texts,
  Tags: tags,
  TransitiveTagKeys: texts,
  SerialNumber: text(),
  TokenCode: text(),
  SourceIdentity: text(),
};

/** Parameters that the API has and this endpoint does not serve. */
const UNSERVED = ['PolicyArns', 'Tags', 'TransitiveTagKeys', 'SerialNumber', 'TokenCode', 'SourceIdentity'];

/**
 * AssumeRole: temporary credentials of a role, cut down by a session policy.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 *
 * @throws StsFault
 */
export function assumeRole(
  { roles, credentials, permissions, clock }: AssumingRoles,
  caller: Caller,
  query: ReadonlyMap<string, string>,
): string {
  const { RoleArn, RoleSessionName, Policy, DurationSeconds = HOUR, ExternalId } = read(query);
  const policy = Policy === undefined ? undefined : sessionPolicy(Policy);
  const need = { action: 'sts:AssumeRole', resource: RoleArn };
  const taken = roles.assumeAs({
    roleArn: RoleArn,
    sessionName: RoleSessionName,
    policy,
    externalId: ExternalId,
    caller,
    isPermitted: () => permissions.permits(caller, need),
  });
  if (taken === undefined) {
    const message = `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`;
    throw new StsFault('AccessDenied', 403, message);
  }
  requireDuration(DurationSeconds, taken.longest, caller);
  const expiresAt = Math.floor(clock.now() / 1000 + DurationSeconds) * 1000;
  const { session } = taken;
  const key = credentials.addSession(session, expiresAt);
  return stsAnswer({
    Credentials: {
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
      SessionToken: key.sessionToken,
      Expiration: new Date(expiresAt).toISOString().replace('.000', ''),
    },
    AssumedRoleUser: { AssumedRoleId: session.userId, Arn: session.arn },
    ...(Policy !== undefined && { PackedPolicySize: Math.ceil((100 * Policy.length) / MOST_CHARACTERS) }),
  });
}

function read(query: ReadonlyMap<string, string>) {
  const unserved = [...query.keys()].find((name) => UNSERVED.some((one) => name === one || name.startsWith(`${one}.`)));
  if (unserved !== undefined) throw new StsFault('NotImplemented', 501, `This endpoint serves no ${unserved}.`);
  try {
    return readParameters(fields, query);
  } catch (error) {
    throw error instanceof IamFault ? new StsFault(error.code, error.status, error.message) : error;
  }
}

function sessionPolicy(document: string): readonly Statement[] {
  try {
    return readPolicy(document, 'identity');
  } catch (error) {
    if (error instanceof MalformedPolicy) throw new StsFault('MalformedPolicyDocument', 400, error.message);
    throw error;
  }
}

function requireDuration(seconds: number, longest: number, caller: Caller): void {
  const isChained = caller.role !== undefined;
  if (isChained && seconds > HOUR) {
    const message =
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.';
    throw new StsFault('ValidationError', 400, message);
  }
  if (seconds <= longest) return;
  const message = 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.';
  throw new StsFault('ValidationError', 400, message);
}
