import { readPolicy } from '../../../local-aws/iam/document';
import { createRoles, type Roles } from '../../../local-aws/iam/roles';
import type { Caller } from '../../../local-aws/message';

export const account = '123456789012';
export const region = 'eu-central-1';
export const roleArn = `arn:aws:iam::${account}:role/job`;
export const sessionArn = `arn:aws:sts::${account}:assumed-role/job/job-1`;
export const batch = 'batchoperations.s3.amazonaws.com';

/** A statement that lets S3 Batch Operations take a role. */
export const trusting = { Effect: 'Allow', Principal: { Service: batch }, Action: 'sts:AssumeRole' };

export const policyOf = (statements: unknown): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

/** The roles of an account that has one, with these statements in its trust policy and its only inline policy. */
export function accountWith(trust: unknown, policy: unknown, tags: Readonly<Record<string, string>> = {}): Roles {
  const roles = createRoles(account, region, { now: () => Date.UTC(2026, 10, 24) });
  const stored = (statements: unknown, kind: 'trust' | 'identity') => {
    const text = policyOf(statements);
    return { text, statements: readPolicy(text, kind) };
  };
  roles.byName.set('job', {
    name: 'job',
    path: '/',
    arn: roleArn,
    id: 'AROAAAAAAAAAAAAAAAAA',
    createdAt: 0,
    description: undefined,
    maxSessionDuration: 3600,
    trust: stored(trust, 'trust'),
    tags: new Map(Object.entries(tags)),
    attached: new Set(),
    boundary: undefined,
    policies: new Map([['inline', stored(policy, 'identity')]]),
  });
  return roles;
}

/** A session of that role. */
export function session(roles: Roles): Caller {
  const taken = roles.assume({ roleArn, service: batch, sourceAccount: account, sessionName: 'job-1' });
  if ('refused' in taken) throw new Error(taken.refused);
  return taken;
}
