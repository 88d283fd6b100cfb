import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { iamRefusal, iamRequest } from './iam-requests';

let aws: LocalAws;

beforeAll(async () => {
  aws = await startTestAws({ region: 'eu-central-1' });
});
afterAll(() => aws.close());

const service = 'batchoperations.s3.amazonaws.com';
const policy = (...statements: object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements }, undefined, 2);
const trust = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' };
const reading = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::bucket/*' };
const AssumeRolePolicyDocument = policy(trust);

const call = (action: string, parameters: Record<string, string> = {}) => iamRequest(aws, action, parameters);
const refusal = (action: string, parameters: Record<string, string> = {}) => iamRefusal(aws, action, parameters);
const newRole = (RoleName: string, more: Record<string, string> = {}) =>
  call('CreateRole', { RoleName, AssumeRolePolicyDocument, ...more });
const roleOf = async (RoleName: string) => (await call('GetRole', { RoleName })).result.Role;

describe('a role', () => {
  it('is answered as it was made, its trust policy percent-encoded', async () => {
    const made = await newRole('made', {
      Path: '/jobs/',
      Description: 'Moves objects, é',
      MaxSessionDuration: '7200',
      'Tags.member.1.Key': 'team',
      'Tags.member.1.Value': 'a b',
    });
    expect(made).toMatchObject({ status: 200, namespace: 'https://iam.amazonaws.com/doc/2010-05-08/' });
    expect(made.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.result.Role).toEqual({
      Path: '/jobs/',
      RoleName: 'made',
      RoleId: expect.stringMatching(/^AROA[A-Z2-7]{16}$/),
      Arn: `arn:aws:iam::${aws.accountId}:role/jobs/made`,
      CreateDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      AssumeRolePolicyDocument: expect.stringMatching(/^%7B%0A%20%20%22Version%22/),
      Description: 'Moves objects, é',
      MaxSessionDuration: '7200',
      Tags: { member: [{ Key: 'team', Value: 'a b' }] },
    });
    expect(await roleOf('MADE')).toEqual({ ...(made.result.Role as object), RoleLastUsed: '' });
  });

  it('is changed part by part', async () => {
    await newRole('changed', { Description: 'before', MaxSessionDuration: '7200' });
    await call('UpdateRole', { RoleName: 'changed', Description: 'after' });
    expect(await roleOf('changed')).toMatchObject({ Description: 'after', MaxSessionDuration: '3600' });
    await call('UpdateRole', { RoleName: 'changed', MaxSessionDuration: '43200' });
    expect(await roleOf('changed')).toMatchObject({ Description: 'after', MaxSessionDuration: '43200' });
    await call('UpdateRoleDescription', { RoleName: 'changed', Description: '' });
    expect(await roleOf('changed')).toMatchObject({ Description: '' });
    const other = policy({ ...trust, Effect: 'Deny' });
    await call('UpdateAssumeRolePolicy', { RoleName: 'changed', PolicyDocument: other });
    const { AssumeRolePolicyDocument: now } = (await roleOf('changed')) as Record<string, string>;
    expect(decodeURIComponent(now ?? '')).toBe(other);
  });

  it('is listed by its path, without its tags, page by page', async () => {
    for (const name of ['listed-a', 'listed-b', 'listed-c']) {
      await newRole(name, { Path: '/listed/', 'Tags.member.1.Key': 'k', 'Tags.member.1.Value': 'v' });
    }
    const first = (await call('ListRoles', { PathPrefix: '/listed', MaxItems: '2' })).result;
    expect(first).toMatchObject({ IsTruncated: 'true' });
    const rest = (await call('ListRoles', { PathPrefix: '/listed', Marker: String(first.Marker) })).result;
    expect(rest.IsTruncated).toBe('false');
    const roles = [first, rest].flatMap(({ Roles }) => (Roles as { member: Record<string, unknown>[] }).member);
    expect(roles.map(({ RoleName }) => RoleName)).toEqual(['listed-a', 'listed-b', 'listed-c']);
    expect(roles[0]).not.toHaveProperty('Tags');
    expect(await refusal('ListRoles', { Marker: 'x' })).toBe('400 InvalidInput: Invalid Marker.');
  });

  it('has tags, whose keys differ by more than case', async () => {
    await newRole('tagged');
    const tags = async () => (await call('ListRoleTags', { RoleName: 'tagged' })).result.Tags;
    await call('TagRole', { RoleName: 'tagged', 'Tags.member.1.Key': 'Team', 'Tags.member.1.Value': 'a' });
    await call('TagRole', { RoleName: 'tagged', 'Tags.member.1.Key': 'team', 'Tags.member.1.Value': 'b' });
    expect(await tags()).toEqual({ member: [{ Key: 'Team', Value: 'b' }] });
    await call('UntagRole', { RoleName: 'tagged', 'TagKeys.member.1': 'TEAM' });
    expect(await tags()).toBe('');
  });

  it('goes only when its policies have gone', async () => {
    await newRole('gone');
    await call('PutRolePolicy', { RoleName: 'gone', PolicyName: 'p', PolicyDocument: policy(reading) });
    expect(await refusal('DeleteRole', { RoleName: 'gone' })).toBe(
      '409 DeleteConflict: Cannot delete entity, must delete policies first.',
    );
    await call('DeleteRolePolicy', { RoleName: 'gone', PolicyName: 'p' });
    expect((await call('DeleteRole', { RoleName: 'gone' })).status).toBe(200);
    expect(await refusal('GetRole', { RoleName: 'gone' })).toBe(
      '404 NoSuchEntity: The role with name gone cannot be found.',
    );
  });
});

describe('an inline policy', () => {
  beforeAll(() => newRole('holder'));

  it('is answered as it was put, percent-encoded', async () => {
    const PolicyDocument = policy(reading);
    await call('PutRolePolicy', { RoleName: 'holder', PolicyName: 'one', PolicyDocument });
    const { result } = await call('GetRolePolicy', { RoleName: 'holder', PolicyName: 'one' });
    expect(result).toMatchObject({ RoleName: 'holder', PolicyName: 'one' });
    expect(decodeURIComponent(String(result.PolicyDocument))).toBe(PolicyDocument);
    expect((await call('ListRolePolicies', { RoleName: 'holder' })).result).toEqual({
      PolicyNames: { member: ['one'] },
      IsTruncated: 'false',
    });
  });

  it('takes 10,240 characters with its like, white space not counted', async () => {
    await newRole('full');
    const length = (n: number) => {
      const frame = JSON.stringify({ Version: '2012-10-17', Statement: [{ ...reading, Sid: '' }] });
      const Sid = 'a'.repeat(n - frame.length);
      return JSON.stringify({ Version: '2012-10-17', Statement: [{ ...reading, Sid }] }, undefined, 4);
    };
    const put = (PolicyName: string, n: number) =>
      refusal('PutRolePolicy', { RoleName: 'full', PolicyName, PolicyDocument: length(n) });
    expect(await put('half', 5120)).toMatch('200 ok');
    expect(await put('rest', 5121)).toBe(
      '409 LimitExceeded: Maximum policy size of 10240 bytes exceeded for role full',
    );
    expect(await put('rest', 5120)).toMatch('200 ok');
    expect(await put('rest', 5119)).toMatch('200 ok');
  });

  it('is missed by name', async () => {
    for (const action of ['GetRolePolicy', 'DeleteRolePolicy']) {
      expect(await refusal(action, { RoleName: 'holder', PolicyName: 'none' })).toBe(
        '404 NoSuchEntity: The role policy with name none cannot be found.',
      );
    }
  });

  it('has no managed policies and no instance profiles beside it', async () => {
    const of = async (action: string) => (await call(action, { RoleName: 'holder' })).result;
    expect(await of('ListAttachedRolePolicies')).toEqual({ AttachedPolicies: '', IsTruncated: 'false' });
    expect(await of('ListInstanceProfilesForRole')).toEqual({ InstanceProfiles: '', IsTruncated: 'false' });
    for (const action of ['ListAttachedRolePolicies', 'ListInstanceProfilesForRole']) {
      expect(await refusal(action, { RoleName: 'none' })).toMatch('404 NoSuchEntity');
    }
  });
});

describe('it refuses', () => {
  beforeAll(() => newRole('Taken'));
  const RoleName = 'refused';

  it.each([
    ['a role there is already', { RoleName: 'taken' }, '409 EntityAlreadyExists: Role with name taken already exists.'],
    [
      'a name with a slash',
      { RoleName: 'a/b' },
      "400 ValidationError: 1 validation error detected: Value 'a/b' at 'roleName'",
    ],
    ['a name of 65 characters', { RoleName: 'a'.repeat(65) }, 'Member must have length less than or equal to 64'],
    ['a path without a slash at its end', { RoleName, Path: '/x' }, "Value '/x' at 'path' failed"],
    ['a session that is too short', { RoleName, MaxSessionDuration: '60' }, 'greater than or equal to 3600'],
    ['a session that is no number', { RoleName, MaxSessionDuration: 'x' }, 'Member must be an integer'],
    [
      'a parameter it does not know',
      { RoleName, Colour: 'red' },
      "at 'colour' failed to satisfy constraint: Member must be known",
    ],
    ['a permissions boundary', { RoleName, PermissionsBoundary: 'arn:aws:iam::aws:policy/x' }, '404 NoSuchEntity'],
    ['a tag without a value', { RoleName, 'Tags.member.1.Key': 'k' }, "Value null at 'tags.member.1.Value'"],
    [
      'a tag key that AWS keeps for itself',
      { RoleName, 'Tags.member.1.Key': 'aws:k', 'Tags.member.1.Value': '' },
      '400 InvalidInput',
    ],
    [
      'a trust policy that is too long',
      { RoleName, AssumeRolePolicyDocument: policy({ ...trust, Sid: 'a'.repeat(2048) }) },
      '409 LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048',
    ],
  ])('%s', async (_, parameters, message) => {
    const given = { AssumeRolePolicyDocument, ...(parameters as Record<string, string>) };
    expect(await refusal('CreateRole', given)).toContain(message);
  });

  it('every missing parameter at once', async () => {
    expect(await refusal('CreateRole')).toMatch(
      /^400 ValidationError: 2 validation errors detected: .*roleName.*assumeRolePolicyDocument/,
    );
  });

  it('two tags of one key, and more than fifty', async () => {
    const tags = (...keys: string[]) =>
      Object.fromEntries(
        keys.flatMap((key, at) => [
          [`Tags.member.${at + 1}.Key`, key],
          [`Tags.member.${at + 1}.Value`, ''],
        ]),
      );
    expect(await refusal('TagRole', { RoleName: 'Taken', ...tags('k', 'K') })).toMatch('400 InvalidInput: Duplicate');
    const many = Array.from({ length: 51 }, (_, at) => `k${at}`);
    expect(await refusal('TagRole', { RoleName: 'Taken', ...tags(...many) })).toMatch('409 LimitExceeded');
  });

  it.each([
    ['no JSON', '{', 'This policy contains invalid Json'],
    ['no object', '[]', 'Syntax errors in policy.'],
    ['an unknown element', policy({ ...trust, Colour: 1 }), 'unknown element Colour'],
    [
      'an unknown version',
      JSON.stringify({ Version: '2020-01-01', Statement: [trust] }),
      'The policy must contain a valid version string',
    ],
    ['no statement', JSON.stringify({ Version: '2012-10-17', Statement: [] }), 'Syntax errors in policy.'],
    ['another effect', policy({ ...trust, Effect: 'allow' }), 'Invalid effect: allow'],
    ['no action', policy({ ...trust, Action: [] }), 'Policy statement must contain actions.'],
    [
      'an action of another service',
      policy({ ...trust, Action: 's3:GetObject' }),
      'AssumeRole policy may only specify STS AssumeRole actions.',
    ],
    ['a resource', policy({ ...trust, Resource: '*' }), 'Has prohibited field Resource'],
    ['no principal', policy({ Effect: 'Allow', Action: 'sts:AssumeRole' }), 'Missing required field Principal'],
    [
      'a service that is none',
      policy({ ...trust, Principal: { Service: 'batch' } }),
      'Invalid principal in policy: "SERVICE":"batch"',
    ],
    [
      'a role that does not exist',
      policy({ ...trust, Principal: { AWS: 'arn:aws:iam::123456789012:role/none' } }),
      'Invalid principal in policy: "AWS"',
    ],
    ['a condition that is a text', policy({ ...trust, Condition: 'x' }), 'Syntax errors in policy.'],
    [
      'two statements of one ID',
      policy({ ...trust, Sid: 'a' }, { ...trust, Sid: 'a' }),
      'Statement IDs (SID) in a single policy must be unique.',
    ],
  ])('a trust policy with %s', async (_, AssumeRolePolicyDocument, message) => {
    const answer = await refusal('CreateRole', { RoleName, AssumeRolePolicyDocument });
    expect(answer).toMatch(/^400 MalformedPolicyDocument: /);
    expect(answer).toContain(message);
  });

  it.each([
    ['a principal', { ...reading, Principal: '*' }, 'Policy document should not specify a principal.'],
    ['no resource', { Effect: 'Allow', Action: 's3:GetObject' }, 'Policy statement must contain resources.'],
    ['a resource that is no ARN', { ...reading, Resource: 'bucket' }, 'Resource bucket must be in ARN format or "*".'],
    ['an action without a service', { ...reading, Action: 'GetObject' }, 'must be prefaced by a vendor'],
    ['both ways to name actions', { ...reading, NotAction: 's3:*' }, 'Syntax errors in policy.'],
    ['an ID with a blank', { ...reading, Sid: 'a b' }, 'must be alpha-numeric'],
  ])('an inline policy with %s', async (_, statement, message) => {
    const PolicyDocument = policy(statement);
    const answer = await refusal('PutRolePolicy', { RoleName: 'Taken', PolicyName: 'p', PolicyDocument });
    expect(answer).toMatch(/^400 MalformedPolicyDocument: /);
    expect(answer).toContain(message);
  });

  it('operations it does not serve, by name, and other versions', async () => {
    expect(await refusal('CreateAccessKey', { UserName: 'taken' })).toBe(
      '400 InvalidAction: Could not find operation CreateAccessKey for version 2010-05-08',
    );
    expect(await refusal('toString')).toMatch('400 InvalidAction');
    expect(await refusal('ListRoles', { Version: '2010-05-09' })).toMatch('400 InvalidAction');
  });
});

describe('its signatures', () => {
  it('are of the one Region that IAM has, or of the endpoint', async () => {
    expect((await iamRequest(aws, 'ListRoles', {}, { region: 'us-east-1' })).status).toBe(200);
    expect((await iamRequest(aws, 'ListRoles')).status).toBe(200);
    const elsewhere = await iamRequest(aws, 'ListRoles', {}, { region: 'eu-west-1' });
    expect(elsewhere).toMatchObject({
      status: 403,
      namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
      result: { Code: 'SignatureDoesNotMatch', Message: expect.stringContaining("not 'eu-west-1'") },
    });
  });

  it('are refused in words of IAM', async () => {
    const key = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'x' };
    expect(await iamRefusal(aws, 'ListRoles', {}, { key })).toMatch('403 InvalidClientTokenId');
    const wrong = { ...aws.accessKey, secretAccessKey: 'x' };
    expect(await iamRefusal(aws, 'ListRoles', {}, { key: wrong })).toMatch('403 SignatureDoesNotMatch');
  });
});

describe('its permissions', () => {
  function limited(...actions: string[]) {
    const key = aws.credentials.addUser('limited');
    aws.credentials.limit(key.accessKeyId, actions);
    return { key };
  }

  it('are asked for by operation and role, and for tagging where a role is made with tags', async () => {
    const RoleName = 'permitted';
    const made = { RoleName, AssumeRolePolicyDocument, Path: '/p/' };
    const tagged = { ...made, 'Tags.member.1.Key': 'k', 'Tags.member.1.Value': '' };
    expect(await iamRefusal(aws, 'CreateRole', tagged, limited('iam:CreateRole'))).toBe(
      `403 AccessDenied: User: arn:aws:iam::${aws.accountId}:user/limited is not authorized to perform: iam:TagRole on resource: "arn:aws:iam::${aws.accountId}:role/p/permitted" because no identity-based policy allows the iam:TagRole action`,
    );
    expect(await iamRefusal(aws, 'CreateRole', made, limited('iam:CreateRole'))).toMatch('200 ok');
    expect(await iamRefusal(aws, 'GetRole', { RoleName }, limited('iam:GetRolePolicy'))).toMatch('403 AccessDenied');
    expect([...aws.requests].at(-1)).toMatchObject({
      service: 'iam',
      operation: 'GetRole',
      key: RoleName,
      needs: [{ action: 'iam:GetRole', resource: `arn:aws:iam::${aws.accountId}:role/p/permitted` }],
    });
  });

  it('are of another account for a caller of another account', async () => {
    const key = aws.credentials.addUser('stranger', undefined, '999999999999');
    expect(await iamRefusal(aws, 'GetRole', { RoleName: 'job' }, { key })).toMatch('404 NoSuchEntity');
  });
});

it('is struck by faults as every service is', async () => {
  const then = { kind: 'answer', status: 400, code: 'Throttling' } as const;
  const lift = aws.faults.inject({ match: { service: 'iam', operation: 'ListRoles', times: 1 }, then });
  expect(await refusal('ListRoles')).toMatch('400 Throttling');
  expect(await refusal('ListRoles')).toMatch('200 ok');
  lift();
});
