import { KmsFault } from '../../message';
import { validation } from '../faults';
import * as members from '../members';
import { keyFor, operation, refuseManaged } from '../operation';
import { checkPolicy } from '../policy';
import { boolean, required, structure } from '../shapes';

/** The only name a key policy can have. */
const policyName = 'default';

const getKeyPolicy = operation(
  structure({ KeyId: required(members.keyId), PolicyName: members.policyName }),
  (call, { KeyId, PolicyName = policyName }) => {
    const key = keyFor(call, KeyId);
    if (PolicyName !== policyName) throw new KmsFault('NotFoundException', 'No such policy exists');
    return { Policy: key.policy, PolicyName: policyName };
  },
);

const putKeyPolicy = operation(
  structure({
    KeyId: required(members.keyId),
    PolicyName: members.policyName,
    Policy: required(members.policy),
    BypassPolicyLockoutSafetyCheck: boolean,
  }),
  (call, { KeyId, PolicyName = policyName, Policy, BypassPolicyLockoutSafetyCheck = false }) => {
    const key = keyFor(call, KeyId);
    refuseManaged(key);
    if (PolicyName !== policyName) throw validation('1 validation error detected: PolicyName must be default');
    if (Policy.length > maxPolicy)
      throw new KmsFault('LimitExceededException', `Policy size limit exceeded: ${maxPolicy}`);
    checkPolicy(Policy, call.caller, BypassPolicyLockoutSafetyCheck);
    key.policy = Policy;
    return {};
  },
);

/** Bytes a key policy may have. https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const maxPolicy = 32_768;

const listKeyPolicies = operation(
  structure({ KeyId: required(members.keyId), Limit: members.limit, Marker: members.marker }),
  (call, { KeyId }) => {
    keyFor(call, KeyId);
    return { PolicyNames: [policyName], Truncated: false };
  },
);

export const policyOperations = {
  GetKeyPolicy: getKeyPolicy,
  PutKeyPolicy: putKeyPolicy,
  ListKeyPolicies: listKeyPolicies,
};
