/** The purpose of a KMS action: use, administration, deletion of the key or its material, or reading. */
export type ActionClass = 'use' | 'administer' | 'delete' | 'look';

/**
 * Every KMS action that a key policy can allow, by purpose. `CreateGrant` delegates use, so it counts as use. An
 * unlisted action counts as administration.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
 */
const ACTIONS: Readonly<Record<ActionClass, readonly string[]>> = {
  use: [
    'CreateGrant',
    'Decrypt',
    'DeriveSharedSecret',
    'Encrypt',
    'GenerateDataKey',
    'GenerateDataKeyPair',
    'GenerateDataKeyPairWithoutPlaintext',
    'GenerateDataKeyWithoutPlaintext',
    'GenerateMac',
    'ReEncryptFrom',
    'ReEncryptTo',
    'Sign',
    'Verify',
    'VerifyMac',
  ],
  administer: [
    'CancelKeyDeletion',
    'CreateAlias',
    'DeleteAlias',
    'DisableKey',
    'DisableKeyRotation',
    'EnableKey',
    'EnableKeyRotation',
    'GetParametersForImport',
    'ImportKeyMaterial',
    'PutKeyPolicy',
    'ReplicateKey',
    'RetireGrant',
    'RevokeGrant',
    'RotateKeyOnDemand',
    'SynchronizeMultiRegionKey',
    'TagResource',
    'UntagResource',
    'UpdateAlias',
    'UpdateKeyDescription',
    'UpdatePrimaryRegion',
  ],
  delete: ['DeleteImportedKeyMaterial', 'ScheduleKeyDeletion'],
  look: [
    'DescribeKey',
    'GetKeyLastUsage',
    'GetKeyPolicy',
    'GetKeyRotationStatus',
    'GetPublicKey',
    'ListGrants',
    'ListKeyPolicies',
    'ListKeyRotations',
    'ListResourceTags',
  ],
};

const CLASS_OF: ReadonlyMap<string, ActionClass> = new Map(
  (['use', 'administer', 'delete', 'look'] as const).flatMap((one) =>
    ACTIONS[one].map((action) => [action.toLowerCase(), one] as const),
  ),
);

/** The actions, in lower case and without `kms:`, that match an action pattern; none for other services. */
export function actionsOf(pattern: string): readonly string[] {
  const [service = '', name = ''] = pattern === '*' ? ['kms', '*'] : pattern.toLowerCase().split(':');
  if (!covers(service, 'kms')) return [];
  const known = [...CLASS_OF.keys()].filter((action) => covers(name, action));
  return known.length > 0 ? known : [name];
}

export function classOf(action: string): ActionClass {
  return CLASS_OF.get(action) ?? 'administer';
}

/**
 * True if an IAM pattern (`*` any characters, `?` one character) matches a text. It backtracks only to the last star,
 * because both may be hostile.
 */
export function covers(pattern: string, text: string): boolean {
  let [at, here, star, mark] = [0, 0, -1, 0];
  while (at < text.length) {
    if (pattern[here] === '*') {
      star = here;
      mark = at;
      here += 1;
    } else if (here < pattern.length && (pattern[here] === '?' || pattern[here] === text[at])) {
      here += 1;
      at += 1;
    } else if (star >= 0) {
      here = star + 1;
      mark += 1;
      at = mark;
    } else return false;
  }
  while (pattern[here] === '*') here += 1;
  return here === pattern.length;
}
