import { KeyturnError } from '../errors';
import type { Custodian, MaterialCustodian } from './custody/custodian';
import { type CustodyRecord, readRecord } from './custody/custody-record';
import type { ImportIntents } from './custody/pending-import';
import { readKeyMaterialFile } from './material-file';
import { type PreparedImport, preparedOf } from './prepared-import';
import type { KeyMaterial } from './secret';
import { type WrappingParameters, wrapKeyMaterial } from './wrap';
import type { WrappingAlgorithm } from './wrapping-key';

/**
 * Requests public key and token. Called only if something must be wrapped: KMS allows one call per 4 s.
 *
 * @param algorithm - the only algorithm that the custodian supports; absent: it supports all
 */
export type ParameterSource = (algorithm?: WrappingAlgorithm) => Promise<WrappingParameters>;

export interface CustodyWrapRequest {
  /** Name of the key version, `v2`. */
  readonly version: string;
  readonly keyArn: string;
  readonly parameters: ParameterSource;
  /** Needed if the custodian decrypts its copies with one. */
  readonly identityFile?: string | undefined;
  /** Absent on a machine that keeps no evidence: what custody holds then counts as its own. */
  readonly intents?: ImportIntents | undefined;
  /** Default: now by this machine's clock. */
  readonly now?: Date | undefined;
}

/**
 * Wraps the material from custody under a new public key without writing anything: the result is either imported at
 * once or discarded.
 *
 * @throws KeyturnError `custody-absent` if there is no copy, `custody-other-key`, and those of custody and wrapping
 */
export async function wrapFromCustody(custodian: Custodian, request: CustodyWrapRequest): Promise<PreparedImport> {
  const { version, keyArn } = request;
  const binding = await custodian.copyBinding(version);
  if (binding === undefined || !custodian.ledger) {
    throw new KeyturnError('custody-absent', { version, file: custodian.locate(version) });
  }
  const record = await readRecord(custodian.ledger, custodian.rotation, version);
  if (record && record.keyArn !== keyArn) {
    throw new KeyturnError('custody-other-key', { file: custodian.locate(version), keyArn, held: record.keyArn });
  }
  return wrapHeldCopy(custodian, request, {
    binding,
    recipients: await recipientsOf(custodian, request, record, binding),
  });
}

/** A stored copy, and whom it is sealed for. */
export type HeldCopy = Pick<PreparedImport, 'recipients'> & { readonly binding: string };

/**
 * Whom the copy is sealed for, by its record, or without one by the evidence of the run that made it. Of any other copy nobody knows
 * it.
 */
export async function recipientsOf(
  { recipients }: Pick<Custodian, 'recipients'>,
  { version, intents }: Pick<CustodyWrapRequest, 'version' | 'intents'>,
  record: CustodyRecord | undefined,
  binding: string,
): Promise<readonly string[]> {
  if (!record) return intents ? ((await intents.ofCopy(version, binding))?.recipients ?? []) : recipients;
  const { binding: recorded = binding } = record.custody;
  return recorded === binding ? record.custody.recipients : [];
}

/**
 * @param given - file whose bytes must equal those in custody; absent: no file was given
 * @throws KeyturnError `custody-material-differs`, `hsm-refuses-file`
 */
export async function wrapHeldCopy(
  custodian: Custodian,
  request: CustodyWrapRequest,
  held: HeldCopy,
  given?: string,
): Promise<PreparedImport & HeldCopy> {
  const { version, keyArn, now = new Date() } = request;
  const about = { version, keyArn, ...held, preparedAt: now, opened: true, from: 'custody' } as const;
  if (custodian.kind === 'pkcs11') {
    if (given !== undefined) throw new KeyturnError('hsm-refuses-file', { path: given });
    const parameters = await request.parameters(await custodian.wrapping());
    return preparedOf(about, await custodian.wrap(version, parameters), parameters);
  }
  using material = await custodian.open(version, keyArn, request.identityFile);
  if (given !== undefined) await refuseOther(custodian, version, material, given);
  const parameters = await request.parameters();
  return preparedOf(about, wrapKeyMaterial(material, parameters), parameters);
}

async function refuseOther(
  custodian: MaterialCustodian,
  version: string,
  material: KeyMaterial,
  path: string,
): Promise<void> {
  using given = await readKeyMaterialFile(path);
  const file = custodian.locate(version);
  if (!given.equals(material)) throw new KeyturnError('custody-material-differs', { file, path });
}
