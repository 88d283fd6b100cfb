import { KmsFault } from '../../message';
import type { Call } from '../call';
import { unsupported, validation } from '../faults';
import { checkState } from '../key-states';
import * as members from '../members';
import { authorize, operation, usableKey } from '../operation';
import { checkPolicy, defaultPolicy } from '../policy';
import { recordCall } from '../recorded-call';
import { boolean, list, required, string, structure } from '../shapes';
import { type Family, isReplica, type Key } from '../state/key';
import { metadata } from './keys';
import { checkTags } from './tags';

const region = string({ min: 1, max: 32, pattern: /([a-z]+-){2,3}\d+/ });

const replicateKey = operation(
  structure({
    KeyId: required(members.keyId),
    ReplicaRegion: required(region),
    Policy: members.policy,
    BypassPolicyLockoutSafetyCheck: boolean,
    Description: members.description,
    Tags: list(members.tag),
  }),
  (call, { KeyId, ReplicaRegion, Policy, Description = '', Tags = [], ...input }) => {
    const primary = usableKey(call, 'ReplicateKey', KeyId);
    const family = primaryFamily(primary);
    const there = inRegion(call, ReplicaRegion);
    authorize(there, '*', 'CreateKey');
    if (Tags.length > 0) authorize(there, '*', 'TagResource');
    if (family.members.has(ReplicaRegion)) {
      const message = `${primary.arn} has a key in ${ReplicaRegion} already.`;
      throw new KmsFault('AlreadyExistsException', message);
    }
    const policy = Policy ?? defaultPolicy(call.store.accountId);
    checkPolicy(policy, call.caller, input.BypassPolicyLockoutSafetyCheck ?? false);
    const replica = there.store.add({
      origin: primary.origin,
      manager: 'CUSTOMER',
      description: Description,
      policy,
      tags: checkTags(Tags),
      replicaOf: primary,
      creatingUntil: call.store.now() + call.multiRegionDelay(),
    });
    recordCall({ ...there, operation: 'CreateKey', about: [replica.arn] });
    return { ReplicaKeyMetadata: metadata(there, replica), ReplicaPolicy: policy, ReplicaTags: Tags };
  },
);

/** Both keys have to be enabled; neither encrypts or decrypts otherwise while it changes. */
const updatePrimaryRegion = operation(
  structure({ KeyId: required(members.keyId), PrimaryRegion: required(region) }),
  (call, { KeyId, PrimaryRegion }) => {
    const primary = usableKey(call, 'UpdatePrimaryRegion', KeyId);
    const family = primaryFamily(primary);
    const replica = family.members.get(PrimaryRegion);
    if (replica === primary) throw validation(`${primary.arn} is the primary key already.`);
    if (replica === undefined)
      throw new KmsFault('NotFoundException', `${primary.arn} has no replica key in ${PrimaryRegion}.`);
    const there = inRegion(call, PrimaryRegion);
    authorize(there, replica.arn, 'UpdatePrimaryRegion', replica);
    checkState('UpdatePrimaryRegion', there.store.stateOf(replica), replica.arn);
    family.primaryRegion = PrimaryRegion;
    replica.rotation = primary.rotation;
    primary.rotation = undefined;
    const until = call.store.now() + call.multiRegionDelay();
    primary.updatingUntil = until;
    replica.updatingUntil = until;
    return {};
  },
);

export const multiRegionOperations = { ReplicateKey: replicateKey, UpdatePrimaryRegion: updatePrimaryRegion };

function primaryFamily(key: Key): Family {
  if (key.family === undefined) throw unsupported(`${key.arn} is not a multi-Region key.`);
  if (isReplica(key)) throw unsupported(`${key.arn} is not a multi-Region primary key.`);
  return key.family;
}

/** The same call in another Region. */
function inRegion(call: Call, name: string): Call {
  if (!call.stores.regions.includes(name)) throw validation(`Region ${name} is not one of this endpoint.`);
  return { ...call, store: call.stores.of(name, call.store.accountId) };
}
