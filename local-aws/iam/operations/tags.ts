import { invalidInput, limitExceeded } from '../fault';
import { operation, roleName, roleNamed } from '../operation';
import { page, paging } from '../paging';
import { required, type Tag, tags, texts } from '../parameters';
import type { Role } from '../state/role';

/** Most tags a role can have. */
const mostTags = 50;

const tagRole = operation({ RoleName: required(roleName), Tags: tags }, (account, { RoleName, Tags }) => {
  addTags(roleNamed(account, RoleName), Tags);
  return undefined;
});

const untagRole = operation({ RoleName: required(roleName), TagKeys: texts }, (account, { RoleName, TagKeys }) => {
  const role = roleNamed(account, RoleName);
  for (const key of TagKeys) role.tags.delete(presentKey(role, key));
  return undefined;
});

const listRoleTags = operation({ RoleName: required(roleName), ...paging }, (account, { RoleName, ...asked }) => {
  const { items, end } = page(tagMembers(roleNamed(account, RoleName)), ({ Key }) => Key, asked);
  return { Tags: items.map(({ Key, Value }) => ({ Key, Value })), ...end };
});

export const tagOperations = { TagRole: tagRole, UntagRole: untagRole, ListRoleTags: listRoleTags };

/** Throws `InvalidInput` for a key given twice (whatever its case) or reserved, `LimitExceeded` for too many tags. */
export function addTags(role: Role, given: readonly Tag[]): void {
  const keys = new Set(given.map(({ Key }) => Key.toLowerCase()));
  if (keys.size !== given.length) {
    throw invalidInput('Duplicate tag keys found. Please note that Tag keys are case insensitive.');
  }
  if ([...keys].some((key) => key.startsWith('aws:'))) {
    throw invalidInput('Tag keys beginning with aws: are reserved for system use.');
  }
  const added = given.filter(({ Key }) => !role.tags.has(presentKey(role, Key))).length;
  if (role.tags.size + added > mostTags) throw limitExceeded(`Cannot exceed quota for TagsPerRole: ${mostTags}`);
  for (const { Key, Value } of given) role.tags.set(presentKey(role, Key), Value);
}

export function tagMembers(role: Role): readonly Tag[] {
  return Array.from(role.tags, ([Key, Value]) => ({ Key, Value }));
}

/** The key as the role already has it, in whatever case. */
function presentKey(role: Role, key: string): string {
  return [...role.tags.keys()].find((present) => present.toLowerCase() === key.toLowerCase()) ?? key;
}
