import { KeyturnError } from '../errors';
import type { MaterialCustodian } from './custody/custodian';
import { readRecord, writeRecord } from './custody/custody-record';

/**
 * Seals the copy of a version once more, for the recipients of now, and says so in its record. Only after a drill: KMS has just
 * taken these bytes as the material of the key.
 *
 * @throws KeyturnError `custody-absent`, and those of custody
 */
export async function resealCopy(
  custodian: MaterialCustodian,
  { version, keyArn, identityFile }: ResealedCopy,
): Promise<void> {
  const { ledger, rotation, recipients } = custodian;
  const record = ledger && (await readRecord(ledger, rotation, version));
  if (!ledger || !record || !custodian.reseal)
    throw new KeyturnError('custody-absent', { version, file: custodian.locate(version) });
  using material = await custodian.open(version, keyArn, identityFile);
  const binding = await custodian.reseal(version, material);
  await writeRecord(ledger, { ...record, custody: { ...record.custody, recipients: [...recipients], binding } });
}

export interface ResealedCopy {
  readonly version: string;
  readonly keyArn: string;
  readonly identityFile: string | undefined;
}
