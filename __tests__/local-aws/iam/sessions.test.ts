import type { Roles } from '../../../local-aws/iam/roles';
import type { AccessConditions } from '../../../local-aws/need';
import { createPermissions } from '../../../local-aws/permissions';
import { account, accountWith, batch, roleArn, session, sessionArn, trusting } from './account';

const reading = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::bucket/*' };

const statement = (fields: object) => ({ ...reading, ...fields });

describe('a service', () => {
  it('takes a role that trusts it', () => {
    expect(session(accountWith(trusting, reading))).toMatchObject({
      accountId: account,
      arn: sessionArn,
      userId: 'AROAAAAAAAAAAAAAAAAA:job-1',
    });
  });

  it.each([
    ['another service', { service: 'lambda.amazonaws.com' }, trusting],
    ['no such role', { roleArn: `${roleArn}2` }, trusting],
    ['a denial', {}, [trusting, { ...trusting, Effect: 'Deny' }]],
    ['another source account', {}, conditioned('StringEquals', 'aws:SourceAccount', '999999999999')],
    ['a source that it does not name', {}, conditioned('ArnLike', 'aws:SourceArn', 'arn:aws:s3:*:*:job/*')],
    ['an operator that is not served', {}, conditioned('IpAddress', 'aws:SourceIp', '10.0.0.0/8')],
  ])('is refused for %s', (_, request: { service?: string; roleArn?: string }, trust) => {
    const taken = accountWith(trust, reading).assume({ roleArn, service: batch, sourceAccount: account, ...request });
    expect(taken).toEqual({ refused: expect.stringContaining(request.roleArn ?? roleArn) });
  });

  it('takes a role that names the source it comes from', () => {
    const roles = accountWith(conditioned('ArnLike', 'aws:sourcearn', `arn:aws:s3:*:${account}:job/*`), reading);
    const sourceArn = `arn:aws:s3:eu-central-1:${account}:job/1`;
    expect(roles.assume({ roleArn, service: batch, sourceArn })).toHaveProperty('arn');
  });
});

function conditioned(operator: string, key: string, value: string) {
  return { ...trusting, Condition: { [operator]: { [key]: value } } };
}

describe('a session', () => {
  const need = { action: 's3:GetObject', resource: 'arn:aws:s3:::bucket/a/b' };
  const permissionsOf = (roles: Roles) => createPermissions({ permits: () => true }, roles);

  it('may do what the role may, and nothing else', () => {
    const roles = accountWith(trusting, reading);
    const permissions = permissionsOf(roles);
    const caller = session(roles);
    expect(permissions.permits(caller, need)).toBe(true);
    expect(permissions.permits(caller, { ...need, resource: 'arn:aws:s3:::other/a' })).toBe(false);
    expect(permissions.permits(caller, { ...need, action: 's3:PutObject' })).toBe(false);
    expect(permissions.needsOf(caller)).toHaveLength(3);
  });

  it('may do nothing once its role is gone, though another has its name', () => {
    const roles = accountWith(trusting, reading);
    const caller = session(roles);
    const again = accountWith(trusting, reading).byName.get('job');
    if (again !== undefined) roles.byName.set('job', { ...again, id: 'AROABBBBBBBBBBBBBBBB' });
    expect(permissionsOf(roles).permits(caller, need)).toBe(false);
    roles.byName.clear();
    expect(permissionsOf(roles).refusal(caller, need)).toBe('because its role is gone');
  });

  describe('and a key', () => {
    const keyArn = `arn:aws:kms:eu-central-1:${account}:key/1`;
    const use = { action: 'kms:Decrypt', resource: keyArn };
    const allowed = statement({ Action: 'kms:Decrypt', Resource: keyArn });
    const keyPolicy = (...statements: object[]): (() => AccessConditions) => {
      const text = JSON.stringify({ Version: '2012-10-17', Statement: statements });
      return () => ({ resourcePolicy: { text, decides: 'alone' } });
    };
    const key = (fields: object) => ({ Effect: 'Allow', Action: 'kms:*', Resource: '*', ...fields });
    const root = { AWS: `arn:aws:iam::${account}:root` };
    const other = { AWS: `arn:aws:iam::${account}:role/other` };
    const nothing = statement({ Action: 's3:ListBucket' });

    it.each([
      ['the key leaves it to the account, and the role may', allowed, [key({ Principal: root })], true],
      ['the key leaves it to the account, and the role may not', nothing, [key({ Principal: root })], false],
      ['the key names the role', nothing, [key({ Principal: { AWS: roleArn } })], true],
      ['the key names another', allowed, [key({ Principal: other })], false],
      ['the key names everybody', nothing, [key({ Principal: '*' })], true],
      [
        'the key denies the account',
        allowed,
        [key({ Principal: root }), key({ Principal: root, Effect: 'Deny' })],
        false,
      ],
      [
        'the key has another condition',
        allowed,
        [key({ Principal: root, Condition: { StringEquals: { 'kms:ViaService': 'x' } } })],
        false,
      ],
      [
        'the key knows the role by condition',
        allowed,
        [key({ Principal: root, Condition: { ArnEquals: { 'aws:PrincipalArn': roleArn } } })],
        true,
      ],
    ])('%s', (_, policy, statements, permitted) => {
      const roles = accountWith(trusting, policy);
      expect(permissionsOf(roles).permits(session(roles), use, keyPolicy(...statements))).toBe(permitted);
    });
  });
});
