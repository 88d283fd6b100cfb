import { type Caller, KmsFault } from '../message';

/** The policy that KMS gives a key that is created without one. */
export function defaultPolicy(accountId: string): string {
  return JSON.stringify(
    {
      Version: '2012-10-17',
      Id: 'key-default-1',
      Statement: [
        {
          Sid: 'Enable IAM User Permissions',
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${accountId}:root` },
          Action: 'kms:*',
          Resource: '*',
        },
      ],
    },
    undefined,
    2,
  );
}

/** The policy of the AWS managed key of a service. */
export function managedPolicy(accountId: string, region: string, service: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Id: `auto-${service}-2`,
    Statement: [
      {
        Sid: `Allow access through ${service.toUpperCase()} for all principals in the account that are authorized to use it`,
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
        Resource: '*',
        Condition: {
          StringEquals: { 'kms:CallerAccount': accountId, 'kms:ViaService': `${service}.${region}.amazonaws.com` },
        },
      },
    ],
  });
}

const statementElements = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);

/**
 * Checks a key policy's form, and unless `bypass` that the caller could still change it afterwards.
 * Throws `MalformedPolicyDocumentException`.
 */
export function checkPolicy(text: string, caller: Caller, bypass: boolean): void {
  const statements = parseStatements(text);
  for (const statement of statements) checkStatement(statement);
  if (bypass || statements.some((statement) => letsChangePolicy(statement, caller))) return;
  throw malformed('The new key policy will not allow you to update the key policy in the future.');
}

type Statement = Readonly<Record<string, unknown>>;

function parseStatements(text: string): readonly Statement[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw malformed('Policy document is not valid JSON.');
  }
  if (!isObject(document)) throw malformed('Policy document must be a JSON object.');
  const unknown = Object.keys(document).find((name) => !['Version', 'Id', 'Statement'].includes(name));
  if (unknown !== undefined) throw malformed(`Policy document has the unknown element ${unknown}.`);
  if (!['2012-10-17', '2008-10-17', undefined].includes(document.Version as string | undefined)) {
    throw malformed('Policy document has an invalid Version.');
  }
  const statements = Array.isArray(document.Statement) ? document.Statement : [document.Statement];
  if (statements.length === 0 || !statements.every(isObject)) throw malformed('Policy document has no Statement.');
  return statements;
}

function checkStatement(statement: Statement): void {
  const unknown = Object.keys(statement).find((name) => !statementElements.has(name));
  if (unknown !== undefined) throw malformed(`Policy statement has the unknown element ${unknown}.`);
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') {
    throw malformed('Policy statement must have the Effect Allow or Deny.');
  }
  for (const [name, opposite] of [
    ['Principal', 'NotPrincipal'],
    ['Action', 'NotAction'],
    ['Resource', 'NotResource'],
  ] as const) {
    if ((statement[name] === undefined) === (statement[opposite] === undefined)) {
      throw malformed(`Policy statement must have either ${name} or ${opposite}.`);
    }
  }
}

/** Conditions are not evaluated here: a conditional Allow counts. */
function letsChangePolicy({ Effect, Principal, Action }: Statement, caller: Caller): boolean {
  if (Effect !== 'Allow') return false;
  const actions = texts(Action).map((action) => action.toLowerCase());
  const covers = actions.some((action) =>
    ['*', 'kms:*', 'kms:put*', 'kms:putkey*', 'kms:putkeypolicy'].includes(action),
  );
  const root = `arn:aws:iam::${caller.accountId}:root`;
  const principals = isObject(Principal) ? texts(Principal.AWS) : texts(Principal);
  return covers && principals.some((name) => ['*', caller.accountId, root, caller.arn].includes(name));
}

const texts = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((text): text is string => typeof text === 'string');

const isObject = (value: unknown): value is Statement =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const malformed = (message: string): KmsFault => new KmsFault('MalformedPolicyDocumentException', message);
