import { basename } from 'node:path';

import type { Custodian, CustodyLedger } from './custody/custodian';
import { type CustodyRecord, readRecord, writeRecord } from './custody/custody-record';
import { removePending } from './custody/pending-import';
import type { PreparedImport } from './prepared-import';

/** KMS's response to the import; `importMaterial` of `lib/kms` returns it. */
export interface ConfirmedImport {
  readonly keyMaterialId: string;
  readonly importType: 'NEW_KEY_MATERIAL' | 'EXISTING_KEY_MATERIAL';
  readonly expirationModel: 'KEY_MATERIAL_EXPIRES' | 'KEY_MATERIAL_DOES_NOT_EXPIRE';
  readonly validTo: Date | undefined;
  readonly importedAt: Date;
  /** Where KMS was reached if that is not AWS's; null or absent: AWS. */
  readonly endpoint?: string | null | undefined;
}

/**
 * Writes the custody record and then removes the pending import. A crash in between leaves both, and the next run
 * writes the same record again. Without custody it only returns the record.
 *
 * @throws KeyturnError `custody-write-failed`
 */
export async function completeImport(
  custodian: Custodian,
  prepared: PreparedImport,
  result: ConfirmedImport,
): Promise<CustodyRecord> {
  const { kind, rotation, ledger } = custodian;
  const kept = { kind, rotation, location: locationOf(custodian, prepared.version) };
  if (ledger) return recordImport(ledger, kept, prepared, result);
  return recordOf(kept, prepared, result);
}

/** The custodian, as the record names it. */
export interface KeptBy {
  readonly rotation: string;
  readonly kind: Custodian['kind'];
  /** Null if the copy is on another machine. */
  readonly location: string | null;
}

/**
 * Like {@link completeImport}, if the import was prepared on another machine.
 *
 * @throws KeyturnError `custody-write-failed`
 */
export async function recordImport(
  ledger: CustodyLedger,
  kept: KeptBy,
  prepared: PreparedImport,
  result: ConfirmedImport,
): Promise<CustodyRecord> {
  const before = await readRecord(ledger, kept.rotation, prepared.version);
  const record = recordOf(kept, prepared, result, before);
  await writeRecord(ledger, record);
  await removePending(ledger, kept.rotation, prepared.version);
  return record;
}

/**
 * Removes a pending import that KMS rejected because of its token or its blob, so that the next run wraps the
 * material from custody again. The custody copy stays.
 *
 * @throws KeyturnError `custody-write-failed`
 */
export async function abandonImport(custodian: Custodian, prepared: PreparedImport): Promise<void> {
  if (custodian.ledger) await removePending(custodian.ledger, custodian.rotation, prepared.version);
}

function recordOf(
  kept: KeptBy,
  prepared: PreparedImport,
  result: ConfirmedImport,
  before?: CustodyRecord | undefined,
): CustodyRecord {
  const { version } = prepared;
  const isSame = before?.keyMaterialId === result.keyMaterialId;
  const first = isSame ? (before.import.firstImportedAt ?? before.import.importedAt) : undefined;
  return {
    schemaVersion: 1,
    rotation: kept.rotation,
    version,
    keyArn: prepared.keyArn,
    keyMaterialId: result.keyMaterialId,
    custody: {
      kind: kept.kind,
      location: kept.location,
      recipients: [...prepared.recipients],
      ...(prepared.binding === undefined || kept.kind === 'none' ? {} : { binding: prepared.binding }),
      opened: prepared.opened,
    },
    wrapping: {
      algorithm: prepared.algorithm,
      keySpec: prepared.wrappingKeySpec,
      publicKeySha256: prepared.publicKeySha256,
      wrappedSha256: prepared.wrappedSha256,
    },
    import: {
      type: result.importType,
      expirationModel: result.expirationModel,
      validTo: result.validTo?.toISOString() ?? null,
      preparedAt: prepared.preparedAt.toISOString(),
      importedAt: result.importedAt.toISOString(),
      ...(first === undefined ? {} : { firstImportedAt: first }),
      ...(result.endpoint ? { endpoint: result.endpoint } : {}),
    },
  };
}

/** The place of a copy as a record names it: files move together with their record, so it is the name and not the path. */
export function locationOf(custodian: Custodian, version: string): string | null {
  if (custodian.kind === 'none') return null;
  const where = custodian.locate(version);
  return custodian.kind === 'age' ? basename(where) : where;
}
