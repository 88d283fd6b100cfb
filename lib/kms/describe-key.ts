import { DescribeKeyCommand, type KeyMetadata, type KMSClient } from '@aws-sdk/client-kms';

import { awsCodeOf, called } from '../aws/failures';

/** Metadata of one key. @see https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html */
export interface KeyDescription {
  readonly arn: string;
  /** The key ID, the last part of the ARN. */
  readonly id: string;
  /** `PendingImport`, `Enabled`, `Disabled`, `PendingDeletion`, …, as in KMS. */
  readonly state: string;
  /** `EXTERNAL` for imported key material. */
  readonly origin: string;
  readonly enabled: boolean;
  /** Absent while no material is imported. */
  readonly expirationModel: 'KEY_MATERIAL_EXPIRES' | 'KEY_MATERIAL_DOES_NOT_EXPIRE' | undefined;
  /** When the first of the key's materials expires. */
  readonly validTo: Date | undefined;
  /** 64 hex digits: identifies the material that encrypts now. Depends on the key and the material. */
  readonly currentKeyMaterialId: string | undefined;
  readonly creationDate: Date | undefined;
  /** Set while the key is pending deletion. */
  readonly deletionDate: Date | undefined;
  /**
   * ARNs of the keys in other Regions that have the same ID and material: the key is a multi-Region key. Each has a state, dates and users of
   * its own. Undefined for a key of one Region.
   */
  readonly relatedKeys: readonly string[] | undefined;
}

/** States that KMS refuses every use in until somebody acts. */
const OFF: ReadonlySet<string> = new Set(['Disabled', 'PendingDeletion', 'PendingReplicaDeletion', 'PendingImport']);

/**
 * Whether a key is out of use, and stays so by itself. Not so in a state that passes (`Updating`, `Creating`), that follows a key store
 * (`Unavailable`) or that is not known: such a key may be used again at any time, and nobody turned it off.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
 */
export function isOff(key: Pick<KeyDescription, 'state'> | undefined): boolean {
  return key === undefined || OFF.has(key.state);
}

/** Whether KMS encrypts and decrypts with the key now: also while its primary Region is being changed. */
export const isUsable = ({ state }: Pick<KeyDescription, 'state'>): boolean =>
  state === 'Enabled' || state === 'Updating';

/**
 * The key of an ID, ARN, alias name or alias ARN; undefined if KMS has none.
 *
 * @throws KeyturnError as {@link called}, for every failure but `NotFoundException`
 */
export async function describeKey(kms: KMSClient, idOrAlias: string): Promise<KeyDescription | undefined> {
  try {
    const command = new DescribeKeyCommand({ KeyId: idOrAlias });
    const answer = await called('kms:DescribeKey', idOrAlias, () => kms.send(command));
    return answer.KeyMetadata && describe(answer.KeyMetadata);
  } catch (error) {
    if (awsCodeOf(error) === 'NotFoundException') return undefined;
    throw error;
  }
}

function describe(metadata: KeyMetadata): KeyDescription {
  return {
    arn: metadata.Arn ?? '',
    id: metadata.KeyId ?? '',
    state: metadata.KeyState ?? 'Unknown',
    origin: metadata.Origin ?? 'Unknown',
    enabled: metadata.Enabled === true,
    expirationModel: metadata.ExpirationModel,
    validTo: metadata.ValidTo,
    currentKeyMaterialId: metadata.CurrentKeyMaterialId,
    creationDate: metadata.CreationDate,
    deletionDate: metadata.DeletionDate,
    relatedKeys: metadata.MultiRegion === true ? relatedTo(metadata) : undefined,
  };
}

function relatedTo({ Arn, MultiRegionConfiguration: family }: KeyMetadata): readonly string[] {
  const keys = [family?.PrimaryKey, ...(family?.ReplicaKeys ?? [])].flatMap((key) => key?.Arn ?? []);
  return [...new Set(keys)].filter((arn) => arn !== Arn);
}
