import { KeyturnError } from '../errors';
import type { Custodian, HsmCustodian, MaterialCustodian } from './custody/custodian';
import { readRecord } from './custody/custody-record';
import { intendedOf, type PendingImport, readPending, removePending, writePending } from './custody/pending-import';
import { readKeyMaterialFile } from './material-file';
import { type PreparedImport, pendingOf, preparedFromPending, preparedOf } from './prepared-import';
import { generateKeyMaterial, type KeyMaterial } from './secret';
import { sha256Hex, wrapKeyMaterial } from './wrap';
import { type CustodyWrapRequest, recipientsOf, wrapHeldCopy } from './wrap-from-custody';

export type MaterialSource = { readonly kind: 'generate' } | { readonly kind: 'file'; readonly path: string };

export interface PrepareRequest extends CustodyWrapRequest {
  /** Used only if custody holds no material for the version yet. */
  readonly source: MaterialSource;
  /** Fingerprint of the only accepted public key; default: any that a pending import was wrapped under. */
  readonly publicKeySha256?: string | undefined;
  /** True: KMS rejected the pending import, so replace it. Default false. */
  readonly afresh?: boolean | undefined;
  /** True: the key had material before, so KMS compares the bytes with it. Default false. */
  readonly compared?: boolean | undefined;
}

/** The key version of an import. */
type Subject = Pick<PrepareRequest, 'version' | 'keyArn' | 'intents'>;

/** Minimum remaining lifetime of a usable token, in milliseconds. */
const TOKEN_MARGIN = 60_000;

/**
 * Prepares key material for import, in an order that makes a loss by a crash impossible: it writes wrapped blob and
 * token first and the custody copy second, and returns only material that is in custody.
 *
 * - custody holds the material and its import is pending: that import again, no identity needed, if a run of this rotation
 *   recorded it for this very copy and for the recipients of the rotation file;
 * - custody holds the material: decrypt it with the identity and wrap it under a new public key;
 * - custody holds nothing: generate or read, wrap, write the pending import, store the copy. A pending import without
 *   its copy never reached KMS and is replaced. A hardware module makes the material itself, and is custody of it from
 *   then on.
 *
 * It never generates new material for a key that has material in custody, or that had material.
 *
 * @throws KeyturnError `custody-absent`, `custody-other-key`, `custody-identity-needed`, `hsm-refuses-file`, and those of custody,
 * wrapping
 * and source
 */
export async function prepareImport(custodian: Custodian, request: PrepareRequest): Promise<PreparedImport> {
  const { ledger, rotation } = custodian;
  if (!ledger) return prepareNew(custodian, request);
  const { version, source, compared = false } = request;
  const record = await readRecord(ledger, rotation, version);
  refuseOtherKey(custodian, request, record?.keyArn);
  const binding = await custodian.copyBinding(version);
  if (binding === undefined) {
    if (record && source.kind === 'generate') throw lostCopy(custodian, request);
    // KMS takes only the material that the key had, and what is generated now is other material.
    if (compared && source.kind === 'generate')
      throw new KeyturnError('custody-absent', { version, file: custodian.locate(version) });
    return prepareNew(custodian, request);
  }
  const pending = await ownPending(custodian, request, binding);
  refuseOtherKey(custodian, request, pending?.keyArn);
  // A custodian that opens its copies without a person is asked what they hold.
  if (pending && custodian.kind !== 'command' && isUsable(pending, request)) return preparedFromPending(pending);
  const recipients = pending?.recipients ?? (await recipientsOf(custodian, request, record, binding));
  const given = source.kind === 'file' ? source.path : undefined;
  if (!pending && !record && given === undefined) await refuseUnknownCopy(custodian, request, binding);
  const prepared = await wrapHeldCopy(custodian, request, { recipients, binding }, given);
  await keepPending(custodian, request, prepared);
  return prepared;
}

/** Whoever can write the folder could have sealed bytes of their own for our recipients: new material is only what a run made. */
async function refuseUnknownCopy(
  custodian: Custodian,
  { version, compared = false, intents }: PrepareRequest,
  binding: string,
): Promise<void> {
  if (compared || !intents || (await intents.ofCopy(version, binding))) return;
  throw new KeyturnError('custody-copy-unknown', { version, file: custodian.locate(version) });
}

/**
 * The unrecorded import of an earlier run that was killed: still pending, while the key has material. Import it again
 * as `EXISTING_KEY_MATERIAL`: KMS accepts it only if the key's material is the one in custody. If its record exists,
 * the pending import is only a leftover of a crash, and is removed.
 *
 * @throws KeyturnError `custody-other-key`, `custody-damaged`, `custody-read-failed`, `custody-write-failed`
 */
export async function pendingImportOf(custodian: Custodian, request: Subject): Promise<PreparedImport | undefined> {
  const { ledger, rotation } = custodian;
  if (!ledger) return undefined;
  const pending = await ownPending(custodian, request, await custodian.copyBinding(request.version));
  if (!pending) return undefined;
  refuseOtherKey(custodian, request, pending.keyArn);
  const record = await readRecord(ledger, rotation, request.version);
  if (record?.wrapping.wrappedSha256 !== pending.wrappedSha256) return preparedFromPending(pending);
  await removePending(ledger, rotation, request.version);
  return undefined;
}

async function prepareNew(custodian: Custodian, request: PrepareRequest): Promise<PreparedImport> {
  if (custodian.kind === 'pkcs11') return prepareInside(custodian, request);
  const { version, keyArn, source, now = new Date() } = request;
  const parameters = await request.parameters();
  using material = source.kind === 'file' ? await readKeyMaterialFile(source.path) : generateKeyMaterial();
  const from = source.kind === 'file' ? 'file' : 'generated';
  const wrapped = wrapKeyMaterial(material, parameters);
  const sealed = await custodian.seal(version, material);
  const { binding } = sealed;
  const { recipients } = custodian;
  const about = { version, keyArn, recipients, binding, preparedAt: now, opened: false, from } as const;
  const prepared = preparedOf(about, wrapped, parameters);
  await keepPending(custodian, request, prepared);
  await sealed.store();
  if (!custodian.ledger) return prepared;
  await refuseUnread(custodian, version, sealed.binding);
  return { ...prepared, opened: await isReadBack(custodian, request, material) };
}

/** Material of a module is in custody as soon as it is generated, so nothing must be written before. */
async function prepareInside(custodian: HsmCustodian, request: PrepareRequest): Promise<PreparedImport> {
  const { version, source } = request;
  if (source.kind === 'file') throw new KeyturnError('hsm-refuses-file', { path: source.path });
  // Check this first: a token that cannot wrap must not generate material that nobody can use.
  await custodian.wrapping();
  const binding = await custodian.generate(version);
  const held = await wrapHeldCopy(custodian, request, { recipients: custodian.recipients, binding });
  const prepared = { ...held, from: 'generated' } as const;
  await keepPending(custodian, request, prepared);
  return prepared;
}

async function keepPending(
  { ledger, rotation }: Custodian,
  { intents }: PrepareRequest,
  prepared: PreparedImport & { readonly binding: string },
): Promise<void> {
  if (!ledger) return;
  const pending = pendingOf(rotation, prepared);
  await intents?.record(intendedOf(pending));
  await writePending(ledger, pending);
}

/** The pending import of this copy, unaltered, and meant by a run of this rotation for the recipients of its file. */
async function ownPending(
  { ledger, rotation, recipients }: Custodian,
  { version, intents }: Subject,
  binding: string | undefined,
): Promise<PendingImport | undefined> {
  const pending = ledger && (await readPending(ledger, rotation, version));
  if (!pending || pending.binding !== binding || !isIntact(pending)) return undefined;
  if (!intents) return pending;
  const same = [...pending.recipients].sort().join() === [...recipients].sort().join();
  return same && (await intents.holds(intendedOf(pending))) ? pending : undefined;
}

const isIntact = ({ wrapped, wrappedSha256 }: PendingImport): boolean =>
  sha256Hex(Buffer.from(wrapped, 'base64')) === wrappedSha256;

/** Opens the new copy and compares it, where no person is needed for that or the identity is at hand. */
async function isReadBack(
  custodian: MaterialCustodian,
  { version, keyArn, identityFile }: PrepareRequest,
  material: KeyMaterial,
): Promise<boolean> {
  if (custodian.kind !== 'command' && identityFile === undefined) return false;
  using stored = await custodian.open(version, keyArn, identityFile);
  if (!stored.equals(material)) throw new KeyturnError('custody-differs', { version, file: custodian.locate(version) });
  return true;
}

async function refuseUnread(custodian: MaterialCustodian, version: string, binding: string): Promise<void> {
  if ((await custodian.copyBinding(version)) === binding) return;
  const reason = 'the stored copy cannot be read back';
  throw new KeyturnError('custody-write-failed', { file: custodian.locate(version), reason });
}

function isUsable(pending: PendingImport, request: PrepareRequest): boolean {
  const { publicKeySha256, afresh = false, now = new Date() } = request;
  const wanted = publicKeySha256 === undefined || publicKeySha256 === pending.publicKeySha256;
  return !afresh && wanted && Date.parse(pending.validTo) > now.getTime() + TOKEN_MARGIN;
}

function refuseOtherKey(custodian: Custodian, request: Subject, held: string | undefined): void {
  if (held === undefined || held === request.keyArn) return;
  const file = custodian.locate(request.version);
  throw new KeyturnError('custody-other-key', { file, keyArn: request.keyArn, held });
}

function lostCopy(custodian: Custodian, request: PrepareRequest): KeyturnError {
  const reason = `by its record it holds the material of ${request.keyArn}, but it is missing`;
  return new KeyturnError('custody-damaged', { file: custodian.locate(request.version), reason });
}
