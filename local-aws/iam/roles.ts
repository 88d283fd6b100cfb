import { randomBytes } from 'node:crypto';
import { uniqueId } from '../credentials';
import type { Caller, Clock } from '../message';
import type { AccessConditions, Need } from '../need';
import { lookup } from './context';
import { type Decision, decide, type SessionPrincipal } from './decision';
import { weigh } from './evaluate';
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
  find(arn: string): Role | undefined;
  /** A session of the role, where the role's trust policy lets the service have one. */
  assume(request: AssumeRequest): Caller | RefusedSession;
  /** What a session may do, by the role's policies and the policy of the resource. */
  decide(caller: Caller, need: Need, about?: AccessConditions): Decision;
}

const sessionNames = /^[\w+=,.@-]{2,64}$/;

export function createRoles(accountId: string, region: string, clock: Clock): Roles {
  const byName = new Map<string, Role>();
  const find = (arn: string): Role | undefined => [...byName.values()].find((role) => role.arn === arn);
  return {
    byName,
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
    decide(caller, need, about) {
      const role = caller.role === undefined ? undefined : byName.get(caller.role.name.toLowerCase());
      if (role === undefined || role.id !== caller.role?.id)
        return { allowed: false, because: 'because its role is gone' };
      const context = lookup(contextOf(role, caller, region, clock), about?.context);
      const identity = [...role.policies.values()].flatMap(({ statements }) => statements);
      return decide(identity, principalOf(role, caller), { ...need, context }, about?.resourcePolicy);
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

function sessionOf({ name, arn, id }: Role, accountId: string, sessionName: string): Caller {
  return {
    accessKeyId: uniqueId('ASIA', randomBytes(20).toString('hex')),
    accountId,
    arn: `arn:aws:sts::${accountId}:assumed-role/${name}/${sessionName}`,
    userId: `${id}:${sessionName}`,
    role: { name, arn, id },
  };
}

function principalOf({ arn }: Role, { accountId, arn: session }: Caller): SessionPrincipal {
  return { AWS: { own: [arn, session], account: [`arn:aws:iam::${accountId}:root`, accountId] } };
}

/** What is known of every request of a session. */
function contextOf(role: Role, caller: Caller, region: string, clock: Clock) {
  const tags = Object.fromEntries(Array.from(role.tags, ([key, value]) => [`aws:PrincipalTag/${key}`, value]));
  return {
    ...tags,
    ...timeOf(clock),
    'aws:PrincipalArn': role.arn,
    'aws:PrincipalAccount': caller.accountId,
    'aws:PrincipalType': 'AssumedRole',
    'aws:userid': caller.userId,
    'aws:RequestedRegion': region,
    // What a service does in a role's name does not leave AWS.
    'aws:SecureTransport': 'true',
    'aws:PrincipalIsAWSService': 'false',
    'aws:ResourceAccount': caller.accountId,
    's3:ResourceAccount': caller.accountId,
  };
}

function timeOf(clock: Clock): Readonly<Record<string, string>> {
  const now = clock.now();
  return { 'aws:CurrentTime': new Date(now).toISOString(), 'aws:EpochTime': String(Math.floor(now / 1000)) };
}
