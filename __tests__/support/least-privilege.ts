import { actionsFor, type PolicyName } from '../../lib/permissions/command-permissions';
import { type PolicyStatement, policyDocument } from '../../lib/permissions/policy-document';
import type { Rotation } from '../../lib/rotation/rotation';
import type { AccessKey, LocalAws, Need, RequestRecord } from '../../local-aws';

/** Something that a request needed and that the policy in force did not allow on that resource. */
export interface Shortfall extends Need {
  readonly operation: string;
}

/** An identity that may do what one policy says, on an endpoint that holds it to the actions. */
export interface LimitedUser {
  readonly name: PolicyName;
  readonly key: AccessKey;
  /** Puts the policy for a rotation in force. */
  limitTo(rotation: Rotation): void;
  /** Actions that its requests needed so far. */
  used(): ReadonlySet<string>;
  /** What its requests needed outside the resources and conditions of the policy that was in force; always looked at whole. */
  shortfalls(): readonly Shortfall[];
}

export function limitedUser(aws: LocalAws, name: PolicyName): LimitedUser {
  const key = aws.credentials.addUser(name);
  let inForce: readonly PolicyStatement[] = [];
  const used = new Set<string>();
  const short: Shortfall[] = [];
  let seen = 0;
  const look = (): void => {
    const records = [...aws.requests];
    for (const record of records.slice(seen).filter(({ accessKeyId }) => accessKeyId === key.accessKeyId)) {
      for (const need of record.needs) {
        used.add(need.action);
        if (!inForce.some((statement) => allows(statement, need, record))) {
          short.push({ ...need, operation: record.operation });
        }
      }
    }
    seen = records.length;
  };
  return {
    name,
    key,
    limitTo(rotation) {
      look();
      inForce = policyDocument([name], rotation, aws.accountId).Statement;
      aws.credentials.limit(key.accessKeyId, [...actionsFor(name, rotation)]);
    },
    used() {
      look();
      return used;
    },
    shortfalls() {
      look();
      return short;
    },
  };
}

/** IAM's answer as far as a request shows it: action, resource, and whether KMS was reached through S3. */
function allows(
  { Action, Resource, Condition }: PolicyStatement,
  { action, resource }: Need,
  of: RequestRecord,
): boolean {
  if (!Action.includes(action)) return false;
  if (![Resource].flat().some((pattern) => fits(pattern, resource))) return false;
  const keys = Object.values(Condition ?? {}).flatMap((values) => Object.keys(values));
  if (keys.includes('kms:ViaService') && of.service !== 's3') return false;
  if (keys.some((name) => name.startsWith('kms:EncryptionContext:')) && of.service !== 'kms') return false;
  if (keys.includes('iam:PassedToService') && of.operation !== 'CreateJob') return false;
  const tagging = /^(CreateKey|TagResource|CreateJob|PutJobTagging)$/;
  return !keys.some((name) => name.startsWith('aws:RequestTag/')) || tagging.test(of.operation);
}

function fits(pattern: string, resource: string): boolean {
  if (pattern === '*') return true;
  // Tags that a key is made with are asked for before it has an ARN.
  if (resource === '*') return pattern.endsWith(':key/*');
  const parts = pattern.split('*').map((part) => part.replace(/[.+^${}()|[\]\\?]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(resource);
}
