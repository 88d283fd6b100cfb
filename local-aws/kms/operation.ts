import { type Caller, type EncryptionContext, KmsFault } from '../message';
import type { Permissions } from '../permissions';
import { conditionsOf } from './condition-keys';
import { accessDenied } from './faults';
import { checkState, type StatefulOperation } from './key-states';
import { readInput, type Shape } from './shapes';
import type { ImportTokens } from './state/import-token';
import type { Key } from './state/key';
import type { KmsStore, Naming } from './state/store';
import type { WrappingKeys, WrappingPair } from './state/wrapping-keys';

/** What every call of one KMS shares. */
export interface Kms {
  readonly store: KmsStore;
  readonly wrappingKeys: WrappingKeys;
  readonly importTokens: ImportTokens;
  /** The pairs that were handed out, by the ID in their import token. */
  readonly handedOut: Map<string, WrappingPair>;
  readonly permissions: Pick<Permissions, 'permits' | 'refusal'>;
  /** How long an on-demand rotation takes by the clock, in milliseconds. */
  rotationDelay(): number;
  /** Throws `ThrottlingException` where a request quota is switched on and used up. */
  throttle(operation: string): void;
}

/** One call of an operation. */
export interface Call extends Kms {
  readonly operation: string;
  readonly caller: Caller;
  readonly requestId: string;
  /** The service that calls in the caller's name; undefined for a caller that comes itself. */
  readonly via?: 's3';
  /** The encryption context of the request, for policy conditions on it. */
  readonly encryptionContext?: EncryptionContext | undefined;
}

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
  const key = call.store.resolve(keyId, naming, call.caller, `kms:${action}`);
  authorize(call, key.arn, action, key);
  return key;
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
  return key;
}

/**
 * Throws `AccessDeniedException` naming the action when the caller's access key is limited to others, when the policies
 * of a role and of the key do not allow its session, or when the caller is of another account: no key here is shared.
 */
export function authorize(call: Call, resource: string, action = call.operation, key?: Key): void {
  const { caller, store, permissions } = call;
  const need = { action: `kms:${action}`, resource };
  if (caller.accountId !== store.accountId) {
    throw accessDenied(caller.arn, need, `because no resource-based policy allows the ${need.action} action`);
  }
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
