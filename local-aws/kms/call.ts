import type { AwsBehavior } from '../behavior';
import type { Trail } from '../cloudtrail/trail';
import type { Caller, EncryptionContext } from '../message';
import type { Permissions } from '../permissions';
import type { ImportTokens } from './state/import-token';
import type { KmsStore, KmsStores } from './state/store';
import type { WrappingKeys, WrappingPair } from './state/wrapping-keys';

/** What all calls share. */
export interface Kms {
  readonly stores: KmsStores;
  readonly wrappingKeys: WrappingKeys;
  readonly importTokens: ImportTokens;
  /** The pairs that were handed out, by the ID in their import token. */
  readonly handedOut: Map<string, WrappingPair>;
  readonly permissions: Pick<Permissions, 'permits' | 'refusal'>;
  /** How long an on-demand rotation takes by the clock, in milliseconds. */
  rotationDelay(): number;
  /** How long a replica takes to be made, and a primary Region to change, by the clock, in milliseconds. */
  multiRegionDelay(): number;
  readonly behavior: AwsBehavior;
  /** Throws `ThrottlingException` where a request quota is switched on and used up. */
  throttle(operation: string): void;
  /** Where CloudTrail keeps what was called. */
  readonly trail: Pick<Trail, 'record'>;
}

/** One call of an operation. */
export interface Call extends Kms {
  /** The keys of the caller's account in the Region of the request. */
  readonly store: KmsStore;
  readonly operation: string;
  readonly caller: Caller;
  readonly requestId: string;
  /** ARNs of the keys and aliases that the call turned out to be about, for CloudTrail. */
  readonly about: string[];
  /** The service that calls in the caller's name; undefined for a caller that comes itself. */
  readonly via?: 's3';
  /** The encryption context of what is asked for, for the policies that look at it. */
  readonly encryptionContext?: EncryptionContext | undefined;
}
