import { join } from 'node:path';
import { z } from 'zod';

import { KeyturnError } from '../../errors';
import { readFile, removeFile, replaceFile } from './atomic-file';
import type { CustodyLedger } from './custodian';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const instant = z.iso.datetime();
const base64 = z.base64().min(1);

const schema = z.strictObject({
  schemaVersion: z.literal(1),
  rotation: z.string(),
  version: z.string(),
  keyArn: z.string(),
  /** The custody copy that holds the same material. */
  binding: z.string(),
  recipients: z.array(z.string()),
  algorithm: z.enum(['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1']),
  wrappingKeySpec: z.enum(['RSA_4096', 'RSA_3072', 'RSA_2048']),
  publicKeySha256: hex64,
  wrappedSha256: hex64,
  /** Encrypted under KMS's key: a reader can only import it into its own key. */
  wrapped: base64,
  importToken: base64,
  /** KMS rejects token and blob after this. */
  validTo: instant,
  preparedAt: instant,
});

/** An import that is prepared but not confirmed: it lets an interrupted run continue without an identity. */
export type PendingImport = z.infer<typeof schema>;

/** What identifies a prepared import, to be recorded before it is written. */
export type IntendedImport = Pick<
  PendingImport,
  'version' | 'keyArn' | 'binding' | 'wrappedSha256' | 'publicKeySha256' | 'recipients'
>;

/**
 * The record of what this rotation's runs meant to import. Anybody can wrap bytes of his own under KMS's public key and
 * leave them as a pending import; only what a run recorded before is imported.
 */
export interface ImportIntents {
  /** Called before the pending import is written. */
  record(intended: IntendedImport): Promise<void>;
  holds(intended: IntendedImport): Promise<boolean>;
  /** What a run of this rotation recorded of this copy of the version when it made it; undefined: no run did. */
  ofCopy(version: string, binding: string): Promise<IntendedImport | undefined>;
}

/** What is recorded of a prepared import. `binding` covers the whole custody file, with its age header. */
export function intendedOf(pending: PendingImport): IntendedImport {
  const { version, keyArn, binding, wrappedSha256, publicKeySha256, recipients } = pending;
  return { version, keyArn, binding, wrappedSha256, publicKeySha256, recipients };
}

/** `<directory>/<rotation>-<version>.pending.json`. */
export function pendingPath(ledger: CustodyLedger, rotation: string, version: string): string {
  return join(ledger.directory, `${rotation}-${version}.pending.json`);
}

/**
 * The pending import; undefined if there is none or it is unreadable: it can always be created again from custody.
 *
 * @throws KeyturnError `custody-shared-name` for that of another rotation with the same file name
 */
export async function readPending(
  ledger: CustodyLedger,
  rotation: string,
  version: string,
): Promise<PendingImport | undefined> {
  const bytes = await readFile(ledger.files, pendingPath(ledger, rotation, version));
  if (!bytes) return undefined;
  const read = schema.safeParse(jsonOf(bytes));
  if (!read.success) return undefined;
  const found = read.data;
  if (found.rotation === rotation && found.version === version) return found;
  const held = `version ${found.version} of ${found.rotation}`;
  throw new KeyturnError('custody-shared-name', {
    file: pendingPath(ledger, rotation, version),
    rotation,
    version,
    held,
  });
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Replaces the pending import. @throws KeyturnError `custody-write-failed` */
export async function writePending(ledger: CustodyLedger, pending: PendingImport): Promise<void> {
  const file = pendingPath(ledger, pending.rotation, pending.version);
  await replaceFile(ledger.files, file, Buffer.from(`${JSON.stringify(schema.parse(pending), undefined, 2)}\n`));
}

/** @throws KeyturnError `custody-write-failed` */
export async function removePending(ledger: CustodyLedger, rotation: string, version: string): Promise<void> {
  await removeFile(ledger.files, pendingPath(ledger, rotation, version));
}
