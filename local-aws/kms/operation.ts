import { KmsFault } from '../message';
import type { Call } from './call';
import { conditionsOf } from './condition-keys';
import { accessDenied } from './faults';
import { checkState, type StatefulOperation } from './key-states';
import { checkUsage } from './key-usage';
import { readInput, type Shape } from './shapes';
import type { Key } from './state/key';
import type { Naming } from './state/store';

export interface Operation {
  run(call: Call, input: unknown): object | Promise<object>;
}

/**
 * Joins a request's shape and what is done with it. `run` answers the response document, `{}` where KMS answers
 * nothing.
 */
export function operation<T>(shape: Shape<T>, run: (call: Call, input: T) => object | Promise<object>): Operation {
  return { run: (call, input) => run(call, readInput(shape, input)) };
}

/**
 * The key a call is about: found, permitted to the caller, and in a state the operation works in. `action` defaults to
 * the operation's own name.
 */
export function keyFor(call: Call, keyId: string, naming: Naming = 'key', action = call.operation): Key {
  const key = resolved(call, keyId, naming, action);
  authorize(call, key.arn, action, key);
  return key;
}

function resolved(call: Call, keyId: string, naming: Naming, action: string): Key {
  try {
    return call.store.resolve(keyId, naming, call.caller, `kms:${action}`);
  } catch (error) {
    const missing = error instanceof KmsFault && error.code === 'NotFoundException' && keyId.includes('alias/');
    // A policy that admits to certain keys admits to none that does not exist.
    if (missing && call.behavior.missingAlias === 'access-denied')
      authorize(call, call.store.aliasArn(keyId.slice(keyId.indexOf('alias/'))), action);
    throw error;
  }
}

/** {@link keyFor}, and the row of the key-state table that the operation has. */
export function usableKey(
  call: Call,
  operationName: StatefulOperation,
  keyId: string,
  naming: Naming = 'key',
  action: string = operationName,
): Key {
  const key = keyFor(call, keyId, naming, action);
  checkState(operationName, call.store.stateOf(key), key.arn);
  checkUsage(operationName, key);
  return key;
}

/**
 * Throws `AccessDeniedException` naming the action when the caller's access key is limited to others, or when the
 * policies of a role and of the key do not allow its session. For the key of another account both have to allow, for a user too: where
 * policies are not enforced, nobody uses a key of another account.
 */
export function authorize(call: Call, resource: string, action = call.operation, key?: Key): void {
  const { caller, permissions } = call;
  const need = { action: `kms:${action}`, resource };
  if (resource !== '*' && !call.about.includes(resource)) call.about.push(resource);
  const about = () => conditionsOf(call, key);
  if (permissions.permits(caller, need, about)) return;
  throw accessDenied(caller.arn, need, permissions.refusal(caller, need, about) ?? '');
}

/** Seconds since the epoch, as JSON 1.1 writes a time. */
export const seconds = (time: number): number => time / 1000;

/** AWS managed keys can be read and used, but nobody can change them. Throws `AccessDeniedException`. */
export function refuseManaged(key: Key): void {
  if (key.manager === 'CUSTOMER') return;
  throw new KmsFault('AccessDeniedException', `${key.arn} is an AWS managed key, which cannot be changed.`);
}
