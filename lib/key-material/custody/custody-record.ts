import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';

import { KeyturnError } from '../../errors';
import { readFile, replaceFile } from './atomic-file';
import type { CustodyLedger } from './custodian';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const instant = z.iso.datetime();

const schema = z.strictObject({
  schemaVersion: z.literal(1),
  rotation: z.string(),
  version: z.string(),
  keyArn: z.string(),
  keyMaterialId: hex64,
  custody: z.strictObject({
    kind: z.enum(['age', 'command', 'pkcs11', 'none']),
    /** Name of the file next to the record, or the custodian's own location; null without a copy. */
    location: z.string().nullable(),
    /** Whom the copy is sealed for; empty: nobody is named, or it is not known. */
    recipients: z.array(z.string()),
    /**
     * Identifies the copy: SHA-256 of the age file, or what the custodian answers. Absent in records of earlier versions and without
     * a copy.
     */
    binding: z.string().min(1).max(256).optional(),
    /** True: the copy was opened before the import, and held what was imported. Absent in records of version 0.1.0. */
    opened: z.boolean().optional(),
  }),
  wrapping: z.strictObject({
    algorithm: z.enum(['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1']),
    keySpec: z.enum(['RSA_4096', 'RSA_3072', 'RSA_2048']),
    publicKeySha256: hex64,
    wrappedSha256: hex64,
  }),
  import: z.strictObject({
    type: z.enum(['NEW_KEY_MATERIAL', 'EXISTING_KEY_MATERIAL']),
    expirationModel: z.enum(['KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE']),
    /** Null for material that does not expire. */
    validTo: instant.nullable(),
    preparedAt: instant,
    importedAt: instant,
    /** When this material was first imported; absent: this was the first import, as far as is known. */
    firstImportedAt: instant.optional(),
    /** Where KMS was reached if that is not AWS's, as in a rehearsal. */
    endpoint: z.string().optional(),
  }),
});

/** The record of the import of one key version. It is not secret. */
export type CustodyRecord = z.infer<typeof schema>;

/** `<directory>/<rotation>-<version>.record.json`. */
export function recordPath(ledger: CustodyLedger, rotation: string, version: string): string {
  return join(ledger.directory, `${rotation}-${version}.record.json`);
}

/** The record of the last import; undefined if there was none. @throws KeyturnError `custody-damaged`, `custody-shared-name` */
export async function readRecord(
  ledger: CustodyLedger,
  rotation: string,
  version: string,
): Promise<CustodyRecord | undefined> {
  const file = recordPath(ledger, rotation, version);
  const bytes = await readFile(ledger.files, file);
  if (!bytes) return undefined;
  let record: CustodyRecord;
  try {
    record = schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new KeyturnError(
      'custody-damaged',
      { file, reason: 'it is not a custody record of schema version 1' },
      error,
    );
  }
  if (record.rotation === rotation && record.version === version) return record;
  const held = `version ${record.version} of ${record.rotation}`;
  throw new KeyturnError('custody-shared-name', { file, rotation, version, held });
}

/** SHA-256 of the record's file, lower-case hex; undefined: there is none. */
export async function recordSha256(
  ledger: CustodyLedger,
  rotation: string,
  version: string,
): Promise<string | undefined> {
  const bytes = await readFile(ledger.files, recordPath(ledger, rotation, version));
  return bytes && createHash('sha256').update(bytes).digest('hex');
}

/** Replaces the record. @throws KeyturnError `custody-write-failed`, `custody-shared-name` */
export async function writeRecord(ledger: CustodyLedger, record: CustodyRecord): Promise<void> {
  const file = recordPath(ledger, record.rotation, record.version);
  await readRecord(ledger, record.rotation, record.version);
  await replaceFile(ledger.files, file, Buffer.from(`${JSON.stringify(schema.parse(record), undefined, 2)}\n`));
}
