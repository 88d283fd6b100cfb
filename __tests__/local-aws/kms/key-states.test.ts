import fc from 'fast-check';
import { checkState, type KeyState, keyStates, statefulOperations } from '../../../local-aws/kms/key-states';
import { KmsFault } from '../../../local-aws/message';

/**
 * What https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html says of symmetric keys with imported
 * material, read again from the page and not from the code: operations by the answer in
 * PendingImport, Enabled, Disabled, PendingDeletion, PendingReplicaDeletion, Creating, Updating.
 */
const page: Readonly<Record<string, string>> = {
  'ok ok ok ok ok ok ok':
    'DescribeKey GetKeyPolicy ListKeyPolicies PutKeyPolicy ListGrants RevokeGrant ListAliases ListResourceTags DeleteAlias GetKeyLastUsage ListKeyRotations',
  'ok ok ok ok ok Invalid Invalid': 'DeleteImportedKeyMaterial',
  'Invalid ok Disabled Invalid Invalid Invalid ok':
    'Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext CreateGrant RotateKeyOnDemand Sign Verify GetPublicKey UpdatePrimaryRegion',
  'Invalid ok Disabled Invalid Invalid Invalid Invalid': 'ReplicateKey',
  'ok ok ok Invalid Invalid ok ok': 'CreateAlias UpdateAlias TagResource UntagResource UpdateKeyDescription',
  'ok ok ok Invalid Invalid Invalid Invalid': 'GetParametersForImport',
  'ok ok ok Invalid Invalid Invalid ok': 'ImportKeyMaterial',
  'ok ok ok Invalid Invalid ok Invalid': 'ScheduleKeyDeletion',
  'Invalid ok ok Invalid Invalid Invalid Invalid': 'EnableKey DisableKey',
  'Unsupported ok ok ok ok ok ok': 'GetKeyRotationStatus',
  'Invalid Invalid Invalid ok ok Invalid Invalid': 'CancelKeyDeletion',
};

const names: Readonly<Record<string, string>> = {
  Invalid: 'KMSInvalidStateException',
  Disabled: 'DisabledException',
  Unsupported: 'UnsupportedOperationException',
};

const expected = Object.entries(page).flatMap(([answers, operations]) =>
  operations
    .split(' ')
    .flatMap((operation) =>
      answers.split(' ').map((answer, index) => [operation, keyStates[index], names[answer] ?? 'ok'] as const),
    ),
);

const arn = 'arn:aws:kms:ap-northeast-1:123456789012:key/c4a3a8a7-0000-4000-8000-000000000000';

function answerOf(operation: string, state: KeyState | undefined): string {
  const known = statefulOperations.find((name) => name === operation);
  if (known === undefined || state === undefined) return 'not in the table';
  try {
    checkState(known, state, arn);
    return 'ok';
  } catch (error) {
    return error instanceof KmsFault ? error.code : String(error);
  }
}

it.each(expected)('%s on a key that is %s: %s', (operation, state, answer) => {
  expect(answerOf(operation, state)).toBe(answer);
});

it('has no operation that the page does not', () => {
  expect(new Set(expected.map(([operation]) => operation))).toEqual(new Set(statefulOperations));
});

it('names the key in every refusal', () => {
  fc.assert(
    fc.property(fc.constantFrom(...statefulOperations), fc.constantFrom(...keyStates), (operation, state) => {
      try {
        checkState(operation, state, arn);
      } catch (error) {
        expect(error).toBeInstanceOf(KmsFault);
        expect(String(error)).toContain(arn);
      }
    }),
  );
});
