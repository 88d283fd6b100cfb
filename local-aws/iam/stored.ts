import { MalformedPolicy, type PolicyKind, readPolicy, type Statement } from './document';
import { limitExceeded, malformedPolicyDocument } from './fault';
import type { Account } from './operation';
import type { StoredPolicy } from './state/role';

/** Characters of a trust policy, white space left out. */
const mostCharactersOfTrust = 2048;

/** Characters of a policy as IAM counts them against its quotas: without white space. */
export const sizeOf = (document: string): number => document.replace(/\s/g, '').length;

/** Reads a policy that is put into a role. Throws `MalformedPolicyDocument`. */
export function storeInline(document: string): StoredPolicy {
  return { text: document, statements: read(document, 'identity') };
}

/** Reads a trust policy. Throws `MalformedPolicyDocument`, for a principal that cannot be too, or `LimitExceeded`. */
export function storeTrust(account: Account, document: string): StoredPolicy {
  if (sizeOf(document) > mostCharactersOfTrust) {
    throw limitExceeded(`Cannot exceed quota for ACLSizePerRole: ${mostCharactersOfTrust}`);
  }
  const statements = read(document, 'trust');
  for (const { principals } of statements) {
    if (principals === undefined || principals.named === '*') continue;
    for (const [type, names] of Object.entries(principals.named)) {
      const stray = names.find((name) => !canBe(account, type, name));
      if (stray !== undefined) {
        throw malformedPolicyDocument(`Invalid principal in policy: "${type.toUpperCase()}":"${stray}"`);
      }
    }
  }
  return { text: document, statements };
}

function read(document: string, kind: PolicyKind): readonly Statement[] {
  try {
    return readPolicy(document, kind);
  } catch (error) {
    throw error instanceof MalformedPolicy ? malformedPolicyDocument(error.message) : error;
  }
}

/** Whether a principal has the form of one. Of this account's roles IAM knows which there are. */
function canBe({ id, roles }: Account, type: string, name: string): boolean {
  if (name === '*') return type === 'AWS';
  if (type === 'Service') return /^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|aws\.internal)$/.test(name);
  if (type === 'Federated' || type === 'CanonicalUser') return name !== '';
  if (type !== 'AWS') return false;
  if (/^\d{12}$/.test(name)) return true;
  const [, owner, resource = ''] = /^arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):(.+)$/.exec(name) ?? [];
  if (owner === undefined) return false;
  if (owner === id && resource.startsWith('role/')) return [...roles.values()].some(({ arn }) => arn === name);
  return resource === 'root' || /^(role|user|assumed-role|federated-user)\/./.test(resource);
}
