import { KmsFault } from '../message';

/** The states a key outside of a custom key store can be in; the last three only one of several Regions. */
export const keyStates = [
  'PendingImport',
  'Enabled',
  'Disabled',
  'PendingDeletion',
  'PendingReplicaDeletion',
  'Creating',
  'Updating',
] as const;
export type KeyState = (typeof keyStates)[number];

type Verdict = 'ok' | keyof typeof refusals;
type Row = readonly [
  pendingImport: Verdict,
  enabled: Verdict,
  disabled: Verdict,
  pendingDeletion: Verdict,
  creating: Verdict,
  updating: Verdict,
];
/** The page has one column for both kinds of pending deletion. */
const columns: Readonly<Record<KeyState, number>> = {
  PendingImport: 0,
  Enabled: 1,
  Disabled: 2,
  PendingDeletion: 3,
  PendingReplicaDeletion: 3,
  Creating: 4,
  Updating: 5,
};

/** What KMS says in a state that an operation does not work in; the notes of the page that {@link table} is from. */
const refusals = {
  disabled: (arn: string) => new KmsFault('DisabledException', `${arn} is disabled.`),
  deletion: (arn: string) => new KmsFault('KMSInvalidStateException', `${arn} is pending deletion.`),
  creating: (arn: string) => new KmsFault('KMSInvalidStateException', `${arn} is creating.`),
  updating: (arn: string) => new KmsFault('KMSInvalidStateException', `${arn} is updating.`),
  notDeletion: (arn: string) => new KmsFault('KMSInvalidStateException', `${arn} is not pending deletion.`),
  import: (arn: string) => new KmsFault('KMSInvalidStateException', `${arn} is pending import.`),
  origin: (arn: string) =>
    new KmsFault('UnsupportedOperationException', `${arn} origin is EXTERNAL which is not valid for this operation.`),
};

const always: Row = ['ok', 'ok', 'ok', 'ok', 'ok', 'ok'];
const crypto: Row = ['import', 'ok', 'disabled', 'deletion', 'creating', 'ok'];
const notInDeletion: Row = ['ok', 'ok', 'ok', 'deletion', 'ok', 'ok'];
const toggle: Row = ['import', 'ok', 'ok', 'deletion', 'creating', 'updating'];

/**
 * Which operation works in which state: for symmetric keys with origin EXTERNAL or AWS_KMS, and for keys that sign.
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
 *
 * For cryptographic operations while deletion is pending that page allows either of two exceptions. The table has the
 * one that is reported from the field.
 */
const table = {
  DescribeKey: always,
  GetKeyPolicy: always,
  PutKeyPolicy: always,
  ListKeyPolicies: always,
  ListGrants: always,
  RevokeGrant: always,
  ListAliases: always,
  ListResourceTags: always,
  DeleteAlias: always,
  GetKeyLastUsage: always,
  Encrypt: crypto,
  Decrypt: crypto,
  ReEncrypt: crypto,
  GenerateDataKey: crypto,
  GenerateDataKeyWithoutPlaintext: crypto,
  CreateGrant: crypto,
  Sign: crypto,
  Verify: crypto,
  GetPublicKey: crypto,
  CreateAlias: notInDeletion,
  UpdateAlias: notInDeletion,
  TagResource: notInDeletion,
  UntagResource: notInDeletion,
  UpdateKeyDescription: notInDeletion,
  EnableKey: toggle,
  DisableKey: toggle,
  GetParametersForImport: ['ok', 'ok', 'ok', 'deletion', 'creating', 'updating'],
  ImportKeyMaterial: ['ok', 'ok', 'ok', 'deletion', 'creating', 'ok'],
  DeleteImportedKeyMaterial: ['ok', 'ok', 'ok', 'ok', 'creating', 'updating'],
  ReplicateKey: ['import', 'ok', 'disabled', 'deletion', 'creating', 'updating'],
  UpdatePrimaryRegion: crypto,
  RotateKeyOnDemand: crypto,
  ListKeyRotations: always,
  GetKeyRotationStatus: ['origin', 'ok', 'ok', 'ok', 'ok', 'ok'],
  ScheduleKeyDeletion: ['ok', 'ok', 'ok', 'deletion', 'ok', 'updating'],
  CancelKeyDeletion: ['notDeletion', 'notDeletion', 'notDeletion', 'ok', 'notDeletion', 'notDeletion'],
} satisfies Readonly<Record<string, Row>>;

/** The operations that need a key in a certain state. */
export type StatefulOperation = keyof typeof table;
export const statefulOperations = Object.keys(table) as StatefulOperation[];

/** Throws the {@link KmsFault} that `operation` answers on a key in `state`; returns when it works in it. */
export function checkState(operation: StatefulOperation, state: KeyState, arn: string): void {
  const verdict: Verdict = table[operation][columns[state]] ?? 'ok';
  if (verdict !== 'ok') throw refusals[verdict](arn);
}
