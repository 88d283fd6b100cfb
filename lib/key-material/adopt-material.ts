import { KeyturnError } from '../errors';
import { type ConfirmedImport, completeImport } from './complete-import';
import type { Custodian } from './custody/custodian';
import type { CustodyRecord } from './custody/custody-record';
import { readKeyMaterialFile } from './material-file';
import { type PreparedImport, preparedOf } from './prepared-import';
import { wrapKeyMaterial } from './wrap';
import type { CustodyWrapRequest } from './wrap-from-custody';

export interface AdoptMaterialRequest extends CustodyWrapRequest {
  /** File with the 32 raw bytes. */
  readonly path: string;
  /** Imports the wrapped bytes as the material that the key has already. It must throw if KMS refuses them. */
  prove(prepared: PreparedImport): Promise<ConfirmedImport>;
}

/**
 * Puts material that a key has already into custody, in an order that stores no wrong bytes: KMS confirms them first, custody
 * stores them second. Interrupted in between, the key and the file are as they were.
 *
 * @throws KeyturnError `custody-exists` where custody has a copy, `hsm-refuses-file`, `custody-absent` without custody, and those of
 * file, wrapping and custody
 */
export async function adoptMaterial(custodian: Custodian, request: AdoptMaterialRequest): Promise<CustodyRecord> {
  const { version, keyArn, path, now = new Date() } = request;
  const file = custodian.locate(version);
  if (custodian.kind === 'pkcs11') throw new KeyturnError('hsm-refuses-file', { path });
  if (!custodian.ledger) throw new KeyturnError('custody-absent', { version, file });
  using material = await readKeyMaterialFile(path);
  const parameters = await request.parameters();
  const about = {
    version,
    keyArn,
    recipients: custodian.recipients,
    binding: undefined,
    preparedAt: now,
    opened: false,
    from: 'file',
  } as const;
  const prepared = preparedOf(about, wrapKeyMaterial(material, parameters), parameters);
  const confirmed = await request.prove(prepared);
  const sealed = await custodian.seal(version, material);
  await sealed.store();
  if ((await custodian.copyBinding(version)) !== sealed.binding)
    throw new KeyturnError('custody-write-failed', { file, reason: 'the stored copy cannot be read back' });
  return completeImport(custodian, { ...prepared, binding: sealed.binding }, confirmed);
}
