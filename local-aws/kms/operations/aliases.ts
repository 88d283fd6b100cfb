import { KmsFault } from '../../message';
import type { Call } from '../call';
import { aliasNotFound, validation } from '../faults';
import * as members from '../members';
import { authorize, operation, seconds, usableKey } from '../operation';
import { page } from '../paging';
import { required, structure } from '../shapes';
import type { Alias } from '../state/store';

/** Aliases a key can have. https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const maxAliases = 50;

const createAlias = operation(
  structure({ AliasName: required(members.aliasName), TargetKeyId: required(members.keyId) }),
  (call, { AliasName, TargetKeyId }) => {
    checkName(AliasName);
    refuseAliasTarget(TargetKeyId);
    authorize(call, call.store.aliasArn(AliasName));
    const key = usableKey(call, 'CreateAlias', TargetKeyId);
    if (call.store.aliases.has(AliasName)) {
      const arn = call.store.aliasArn(AliasName);
      throw new KmsFault('AlreadyExistsException', `An alias with the name ${arn} already exists`);
    }
    checkQuota(call, key.id);
    call.store.bind(AliasName, key);
    return {};
  },
);

const updateAlias = operation(
  structure({ AliasName: required(members.aliasName), TargetKeyId: required(members.keyId) }),
  (call, { AliasName, TargetKeyId }) => {
    checkName(AliasName);
    refuseAliasTarget(TargetKeyId);
    authorize(call, call.store.aliasArn(AliasName));
    const alias = findAlias(call, AliasName);
    const key = usableKey(call, 'UpdateAlias', TargetKeyId);
    if (key.manager === 'AWS') throw validation('Aliases cannot be associated with AWS managed keys.');
    if (alias.targetKeyId !== key.id) checkQuota(call, key.id);
    call.store.bind(AliasName, key);
    return {};
  },
);

const deleteAlias = operation(structure({ AliasName: required(members.aliasName) }), (call, { AliasName }) => {
  checkName(AliasName);
  authorize(call, call.store.aliasArn(AliasName));
  findAlias(call, AliasName);
  call.store.aliases.delete(AliasName);
  return {};
});

const listAliases = operation(
  structure({ KeyId: members.keyId, Limit: members.limit, Marker: members.marker }),
  (call, { KeyId, Limit = 50, Marker }) => {
    authorize(call, '*');
    // No key policy decides: its permission is one of IAM policies alone.
    const key = KeyId === undefined ? undefined : call.store.resolve(KeyId, 'key', call.caller, 'kms:ListAliases');
    const target = key?.id;
    if (key !== undefined) call.about.push(key.arn);
    call.store.keys();
    const sorted = Array.from(call.store.aliases.values())
      .filter((alias) => target === undefined || alias.targetKeyId === target)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const { items, end } = page(sorted, (alias) => alias.name, Limit, Marker);
    // Recorded from AWS; its API reference does not name the count.
    return { Aliases: items.map(entry), AliasCount: items.length, ...end };
  },
);

export const aliasOperations = {
  CreateAlias: createAlias,
  UpdateAlias: updateAlias,
  DeleteAlias: deleteAlias,
  ListAliases: listAliases,
};

function entry(alias: Alias): object {
  return {
    AliasName: alias.name,
    AliasArn: alias.arn,
    TargetKeyId: alias.targetKeyId,
    CreationDate: seconds(alias.createdAt),
    LastUpdatedDate: seconds(alias.updatedAt),
  };
}

function findAlias(call: Call, name: string): Alias {
  const alias = call.store.aliases.get(name);
  if (alias === undefined) throw aliasNotFound(call.store.aliasArn(name));
  return alias;
}

function checkName(name: string): void {
  if (!name.startsWith('alias/') || name === 'alias/') throw validation('Invalid identifier');
  if (name.startsWith('alias/aws/')) {
    throw new KmsFault(
      'InvalidAliasNameException',
      `Alias ${name} begins with the prefix alias/aws/, which is reserved.`,
    );
  }
}

function refuseAliasTarget(target: string): void {
  if (/^alias\/|:alias\//.test(target)) throw validation('Aliases must refer to keys. Not aliases');
}

function checkQuota({ store }: Call, keyId: string): void {
  const count = Array.from(store.aliases.values()).filter((alias) => alias.targetKeyId === keyId).length;
  if (count >= maxAliases)
    throw new KmsFault('LimitExceededException', `Alias quota of ${maxAliases} exceeded for key ${keyId}`);
}
