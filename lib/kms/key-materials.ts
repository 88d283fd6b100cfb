import {
  type KMSClient,
  paginateListKeyRotations,
  RotateKeyOnDemandCommand,
  type RotationsListEntry,
} from '@aws-sdk/client-kms';

import { awsCodeOf, called } from '../aws/failures';
import { KeyturnError } from '../errors';

/** One key material of a key, as KMS lists it. */
export interface KeyMaterialEntry {
  /** 64 hex digits. */
  readonly id: string;
  /**
   * `CURRENT` encrypts and decrypts, `NON_CURRENT` decrypts, `PENDING_ROTATION` becomes current at the next rotation.
   */
  readonly state: string;
  /** False once the material was deleted or has expired: the whole key is then unusable. */
  readonly imported: boolean;
  /** Description from the import; absent if there was none. */
  readonly description: string | undefined;
  /** When KMS deletes it; absent: it does not expire. */
  readonly validTo: Date | undefined;
  /** When a rotation made it current; absent for the first material and for a pending one. */
  readonly rotatedAt: Date | undefined;
}

/**
 * All materials of a key, including those that were never current.
 *
 * @throws KeyturnError as `called`
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html
 */
export async function keyMaterials(kms: KMSClient, keyArn: string): Promise<readonly KeyMaterialEntry[]> {
  const found: KeyMaterialEntry[] = [];
  await called('kms:ListKeyRotations', keyArn, async () => {
    const asked = { KeyId: keyArn, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' } as const;
    for await (const page of paginateListKeyRotations({ client: kms }, asked)) {
      for (const entry of page.Rotations ?? []) found.push(entryOf(entry));
    }
  });
  return found;
}

function entryOf(entry: RotationsListEntry): KeyMaterialEntry {
  return {
    id: entry.KeyMaterialId ?? '',
    state: entry.KeyMaterialState ?? 'unknown',
    imported: entry.ImportState !== 'PENDING_IMPORT',
    description: entry.KeyMaterialDescription || undefined,
    validTo: entry.ValidTo,
    rotatedAt: entry.RotationDate,
  };
}

/**
 * RotateKeyOnDemand: the pending material becomes current. Asynchronous; the caller must wait for it. A rotation that
 * another run started is not an error.
 *
 * @throws KeyturnError `rotation-budget-spent` after 25 rotations; otherwise as `called`
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html
 */
export async function rotateOnDemand(kms: KMSClient, keyArn: string): Promise<void> {
  try {
    await called('kms:RotateKeyOnDemand', keyArn, () => kms.send(new RotateKeyOnDemandCommand({ KeyId: keyArn })));
  } catch (error) {
    const code = awsCodeOf(error);
    if (code === 'ConflictException') return;
    if (code === 'LimitExceededException') throw new KeyturnError('rotation-budget-spent', { keyArn }, error);
    throw error;
  }
}
