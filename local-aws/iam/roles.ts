import { randomBytes } from 'node:crypto';
import { uniqueId } from '../credentials';
import type { Caller, CallingService, Clock } from '../message';
import type { AccessConditions, Need } from '../need';
import { lookup } from './context';
import { type Decision, decide, decideForService, deniesInWords, type SessionPrincipal } from './decision';
import type { Statement } from './document';
import { weigh } from './evaluate';
import { boundaryOf, type Identities, noIdentities, policiesOf } from './state/identities';
import type { Role } from './state/role';

/*
 * How a service works in a role's name:
 *
 *   const session = roles.assume({ roleArn, service: 'batchoperations.s3.amazonaws.com', sourceAccount, sourceArn });
 *   if ('refused' in session) …;                 // why not, in a sentence
 *   permissions.permits(session, need, about);   // by the role's policies as they are now
 *
 * The session is a caller like any other and goes where a caller goes; S3 asks KMS in its name. A copy of it
 * (`{ ...session }`) stands for one request, so that `permissions.needsOf` tells the needs of tasks apart.
 */

/** A request of STS for a session, by a caller with credentials of its own. */
export interface SessionRequest {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly policy: readonly Statement[] | undefined;
  readonly externalId: string | undefined;
  readonly caller: Caller;
  /** Whether the caller's own policies let it take the role; asked where the role leaves it to the account. */
  isPermitted(): boolean;
}

/** A session, and the longest time for which its role lends one. */
export interface TakenSession {
  readonly session: Caller;
  /** Seconds. */
  readonly longest: number;
}

export interface AssumeRequest {
  readonly roleArn: string;
  /** The service principal, `batchoperations.s3.amazonaws.com`. */
  readonly service: string;
  /** `aws:SourceAccount` and `aws:SourceArn` of the request, where the service gives them. */
  readonly sourceAccount?: string;
  readonly sourceArn?: string;
  /** 2 to 64 of `A-Za-z0-9_=,.@-`. Default: random. */
  readonly sessionName?: string;
}

/** Why a role could not be taken. */
export interface RefusedSession {
  readonly refused: string;
}

/** The roles of one account. */
export interface Roles {
  /** By their names in lower case: IAM tells no two apart by that. */
  readonly byName: Map<string, Role>;
  readonly identities: Identities;
  find(arn: string): Role | undefined;
  /** A session of the role, where the role's trust policy lets the service have one. */
  assume(request: AssumeRequest): Caller | RefusedSession;
  /** A session for a caller of STS, where the role's trust policy names it, or its account, which then decides. */
  assumeAs(request: SessionRequest): TakenSession | undefined;
  /** What a session may do, by the role's policies and the policy of the resource. */
  decide(caller: Caller, need: Need, about?: AccessConditions): Decision;
  /** The same for a user; one that IAM does not have, also of another account, may do what the policy of the resource leaves to its account. */
  decideForUser(caller: Caller, need: Need, about?: AccessConditions): Decision;
  /** What an AWS service may do in its own name, by the policy of the resource. */
  decideForService(service: CallingService, need: Need, about?: AccessConditions): Decision;
  /** Whether the policy of a bucket denies this in words to a user, who may do it otherwise. One that cannot be read denies nothing. */
  denies(caller: Caller, need: Need, about: AccessConditions): boolean;
}

const sessionNames = /^[\w+=,.@-]{2,64}$/;

export function createRoles(accountId: string, region: string, clock: Clock): Roles {
  const byName = new Map<string, Role>();
  const identities = noIdentities();
  const { organization } = identities;
  const find = (arn: string): Role | undefined => [...byName.values()].find((role) => role.arn === arn);
  return {
    byName,
    identities,
    find,
    assume(request) {
      const { roleArn, service, sessionName = `session-${randomBytes(8).toString('hex')}` } = request;
      if (!sessionNames.test(sessionName))
        throw new RangeError(`session name ${sessionName} is not one that STS takes`);
      const role = find(roleArn);
      if (role === undefined) return { refused: `The role ${roleArn} does not exist.` };
      const refused = distrust(role, request, clock);
      if (refused !== undefined) return { refused: `${service} may not assume ${roleArn}: ${refused}.` };
      return sessionOf(role, accountId, sessionName);
    },
    assumeAs(request) {
      const role = find(request.roleArn);
      if (role === undefined || !trusts(role, accountId, request, clock)) return undefined;
      const session = sessionOf(role, accountId, request.sessionName, request.policy);
      return { session, longest: role.maxSessionDuration };
    },
    decide(caller, need, about) {
      const role = caller.role === undefined ? undefined : byName.get(caller.role.name.toLowerCase());
      if (role === undefined || role.id !== caller.role?.id)
        return { allowed: false, because: 'because its role is gone' };
      const context = lookup(contextOf(caller, region, clock, about), ofRole(role), about?.context);
      const attached = policiesOf(role, identities).flatMap(({ statements }) => statements);
      return decide(
        {
          attached,
          session: caller.role.policy,
          boundary: boundaryOf(role, identities),
          organization: organization.statements,
        },
        principalOf(role, caller),
        { ...need, context },
        resourceOf(caller, about),
      );
    },
    decideForUser(caller, need, about) {
      const user = identities.users.get(caller.arn.split('/').at(-1)?.toLowerCase() ?? '');
      const isKnown = user?.arn === caller.arn;
      const attached = isKnown ? policiesOf(user, identities).flatMap(({ statements }) => statements) : EVERYTHING;
      const context = lookup(contextOf(caller, region, clock, about), about?.context);
      const boundary = isKnown ? boundaryOf(user, identities) : undefined;
      const identity = { attached, boundary, organization: organization.statements };
      return decide(identity, userPrincipal(caller), { ...need, context }, resourceOf(caller, about));
    },
    decideForService({ name, sourceArn, sourceAccount }, need, about) {
      const sources = {
        ...(sourceArn !== undefined && { 'aws:SourceArn': sourceArn }),
        ...(sourceAccount !== undefined && { 'aws:SourceAccount': sourceAccount }),
      };
      const itself = {
        'aws:PrincipalIsAWSService': 'true',
        'aws:PrincipalServiceName': name,
        'aws:SecureTransport': 'true',
      };
      const owner = {
        'aws:RequestedRegion': region,
        'aws:ResourceAccount': about?.owner ?? accountId,
        's3:ResourceAccount': about?.owner ?? accountId,
      };
      const context = lookup(timeOf(clock), itself, owner, sources, about?.context);
      return decideForService(name, { ...need, context }, about?.resourcePolicy);
    },
    denies(caller, need, about) {
      const context = lookup(contextOf(caller, region, clock, about), about.context);
      const principal = userPrincipal(caller);
      return deniesInWords(about.resourcePolicy, { ...need, context, principal });
    },
  };
}

/** Why a role's trust policy does not let the service in; undefined where it does. */
function distrust(role: Role, request: AssumeRequest, clock: Clock): string | undefined {
  const { service, sourceAccount, sourceArn } = request;
  const context = lookup(timeOf(clock), {
    ...(sourceAccount !== undefined && { 'aws:SourceAccount': sourceAccount }),
    ...(sourceArn !== undefined && { 'aws:SourceArn': sourceArn }),
  });
  const principal = { Service: { own: [service], account: [] } };
  const asked = { action: 'sts:AssumeRole', resource: role.arn, context, principal };
  const { denies, allows, notes } = weigh(role.trust.statements, asked);
  const noted = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  if (denies !== undefined) return `its trust policy denies it with an explicit deny${noted}`;
  return allows === undefined ? `its trust policy does not allow it sts:AssumeRole here${noted}` : undefined;
}

/** Whether a role lets a caller of STS have a session. One that it names itself needs no policy of its own in the same account. */
function trusts(role: Role, accountId: string, request: SessionRequest, clock: Clock): boolean {
  const { caller, externalId } = request;
  const context = lookup(timeOf(clock), {
    'aws:PrincipalArn': caller.role?.arn ?? caller.arn,
    'aws:PrincipalAccount': caller.accountId,
    'sts:RoleSessionName': request.sessionName,
    ...(externalId !== undefined && { 'sts:ExternalId': externalId }),
  });
  const own = caller.role === undefined ? [caller.arn] : [caller.role.arn, caller.arn];
  const principal = { AWS: { own, account: [`arn:aws:iam::${caller.accountId}:root`, caller.accountId] } };
  const asked = { action: 'sts:AssumeRole', resource: role.arn, context, principal };
  const { denies, allows, delegates } = weigh(role.trust.statements, asked);
  if (denies !== undefined) return false;
  if (allows !== undefined && caller.accountId === accountId) return true;
  return (allows ?? delegates) !== undefined && request.isPermitted();
}

function sessionOf(
  { name, arn, id }: Role,
  accountId: string,
  sessionName: string,
  policy?: readonly Statement[],
): Caller {
  return {
    accessKeyId: uniqueId('ASIA', randomBytes(20).toString('hex')),
    accountId,
    arn: `arn:aws:sts::${accountId}:assumed-role/${name}/${sessionName}`,
    userId: `${id}:${sessionName}`,
    role: { name, arn, id, ...(policy && { policy }) },
  };
}

function principalOf({ arn }: Role, { accountId, arn: session }: Caller): SessionPrincipal {
  return { AWS: { own: [arn, session], account: [`arn:aws:iam::${accountId}:root`, accountId] } };
}

const userPrincipal = ({ arn, accountId }: Caller): SessionPrincipal => ({
  AWS: { own: [arn], account: [`arn:aws:iam::${accountId}:root`, accountId] },
});

/** What an administrator's policy says. */
const EVERYTHING: readonly Statement[] = [
  {
    sid: undefined,
    effect: 'Allow',
    principals: undefined,
    actions: { not: false, patterns: ['*'] },
    resources: { not: false, patterns: ['*'] },
    conditions: [],
  },
];

/** What is known of the role behind a session. */
function ofRole({ arn, tags }: Role) {
  const tagged = Object.fromEntries(Array.from(tags, ([key, value]) => [`aws:PrincipalTag/${key}`, value]));
  return { ...tagged, 'aws:PrincipalArn': arn, 'aws:PrincipalType': 'AssumedRole' };
}

/** What decides besides the caller's own policies: that of the resource, and whether it is of another account. */
function resourceOf({ accountId }: Caller, { resourcePolicy, owner = accountId }: AccessConditions = {}) {
  return { resourcePolicy, isForeign: owner !== accountId };
}

/** What is known of every request. */
function contextOf(caller: Caller, region: string, clock: Clock, about: AccessConditions = {}) {
  const owner = about.owner ?? caller.accountId;
  return {
    ...timeOf(clock),
    'aws:PrincipalArn': caller.arn,
    'aws:PrincipalAccount': caller.accountId,
    'aws:PrincipalType': 'User',
    'aws:userid': caller.userId,
    'aws:RequestedRegion': region,
    // What a service does in a role's name does not leave AWS; the loopback that others use stands for TLS.
    'aws:SecureTransport': 'true',
    'aws:PrincipalIsAWSService': 'false',
    'aws:ResourceAccount': owner,
    's3:ResourceAccount': owner,
  };
}

function timeOf(clock: Clock): Readonly<Record<string, string>> {
  const now = clock.now();
  return { 'aws:CurrentTime': new Date(now).toISOString(), 'aws:EpochTime': String(Math.floor(now / 1000)) };
}
